"""Dead letters: sealed, decided on by an operator, and replayed."""
