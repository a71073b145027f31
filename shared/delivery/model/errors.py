"""What can go wrong in delivery, split into what passes and what does not."""

from shared.platform.errors import CannotStart, PermanentFailure, RetryLater, Transient

__all__ = [
    "Conflict",
    "ConflictingRepeat",
    "ForeignDatabase",
    "Held",
    "IdempotencyMismatch",
    "PermanentFailure",
    "RetryLater",
    "Transient",
]


class Conflict(Transient):
    """A document that a decision rested on was written by somebody else since it was read."""


class Held(Conflict):
    """Another transaction has written the document and not ended: it passes, whatever it takes."""


class ConflictingRepeat(Exception):
    """A fact came again under the same source and id with another body."""


class ForeignDatabase(CannotStart):
    """A service was started on the database of another one. Its text is for whoever started it."""


class IdempotencyMismatch(Exception):
    """An Idempotency-Key came again with another request."""
