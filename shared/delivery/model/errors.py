"""Errors of delivery: temporary ones, which the kernel retries, and permanent ones."""

from shared.platform.errors import CannotStart, NotOwner, PermanentFailure, RetryLater, Transient

__all__ = [
    "Conflict",
    "ForeignDatabase",
    "Held",
    "IdempotencyMismatch",
    "NotOwner",
    "PermanentFailure",
    "RetryLater",
    "StillLooking",
    "Transient",
]


class Conflict(Transient):
    """Another write changed a document since this transaction read it."""


class Held(Conflict):
    """Another transaction wrote the document and has not ended. It ends sooner or later."""


class StillLooking(Transient):
    """A part has just become ours, and its open referrals are looked at. The text is the locality."""


class ForeignDatabase(CannotStart):
    """A service was started on another service's database. The text is for the operator."""


class IdempotencyMismatch(Exception):
    """An Idempotency-Key was used again with another request."""
