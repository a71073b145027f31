"""How a message leaves: each gateway behind a small interface, so that another can take its place."""
