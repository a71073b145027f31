"""What can go wrong in delivery, split into what passes and what does not."""

from datetime import datetime, timedelta


class Transient(Exception):
    """Database or broker away, or somebody else wrote first: the same work may succeed later."""


class Conflict(Transient):
    """A document that a decision rested on was written by somebody else since it was read."""


class Held(Conflict):
    """Another transaction has written the document and not ended: it passes, whatever it takes."""


class RetryLater(Exception):
    """An external send that may succeed later.

    Attributes:
        after: how long to wait; without it, longer after each attempt.
        until: in its place a time of day, such as the end of the quiet hours.
    """

    def __init__(self, after: timedelta | None = None, *, until: datetime | None = None) -> None:
        super().__init__()
        self.after = after
        self.until = until


class PermanentFailure(Exception):
    """An external send that cannot succeed.

    Attributes:
        code: why, as a code: never a word of the message or its receiver.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class ConflictingRepeat(Exception):
    """A fact came again under the same source and id with another body."""


class ForeignDatabase(Exception):
    """A service was started on the database of another one. Its text is for whoever started it."""


class IdempotencyMismatch(Exception):
    """An Idempotency-Key came again with another request."""
