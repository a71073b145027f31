"""The error that stops a run before or during its start."""


class CannotRun(Exception):
    """The run cannot go on. The message is one sentence: why, and what the reader can do."""
