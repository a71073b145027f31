"""Errors that every layer knows: temporary ones, permanent ones, and what keeps a service from starting."""

from datetime import datetime, timedelta


class Transient(Exception):
    """The database or the broker is away, or another write came first: the same work may succeed later."""


class CannotStart(Exception):
    """A service must not start as it is configured. The text is for its operator."""


class NotOwner(Exception):
    """A command about a part that this programme does not own in a locality. Nothing was written."""

    def __init__(self, locality: str, part: str) -> None:
        super().__init__(f"{part} of {locality} has another owner")
        self.locality = locality
        self.part = part


class RetryLater(Exception):
    """An external call that may succeed later.

    Attributes:
        after: how long to wait; without it, the delay grows with each attempt.
        until: in its place a time of day, such as the end of the quiet hours.
    """

    def __init__(self, after: timedelta | None = None, *, until: datetime | None = None) -> None:
        super().__init__()
        self.after = after
        self.until = until


class PermanentFailure(Exception):
    """An external call that cannot succeed.

    Attributes:
        code: the reason as a code, never a word of the message or its receiver.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
