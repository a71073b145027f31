"""`linkwork hand-over`: gives a part of a locality to a partner, and takes it back."""
