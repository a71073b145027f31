"""The error that stops a run before, or while, it starts."""


class CannotRun(Exception):
    """The run cannot go on. The message is one sentence that says why, and what to do about it."""
