"""The page of the programme's figures."""
