"""Turns refusals into problem responses."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.matching.errors import Refused
from shared.delivery.model.errors import IdempotencyMismatch, Transient
from shared.platform.web.problem import Problem, temporarily_unavailable
from shared.platform.web.validation import FieldError


def problem_of(refused: Refused) -> Problem:
    """A refusal as a problem response."""
    errors = [FieldError(refused.pointer, refused.code, refused.sentence)] if refused.pointer else []
    return Problem(refused.status, code=refused.code, detail=refused.sentence, errors=errors)


@asynccontextmanager
async def refusing() -> AsyncIterator[None]:
    """Turns refusals, and a database that stays away, into answers."""
    try:
        yield
    except Refused as refused:
        raise problem_of(refused) from None
    except IdempotencyMismatch:
        raise Problem(422, code="idempotency_key", detail="This key was used for another request.") from None
    except Transient:
        detail = "This could not be saved just now. Try again in a minute."
        raise temporarily_unavailable(detail, retry_seconds=10) from None
