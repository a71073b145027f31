"""Pauses by the database's own clock, the only one that every process shares.

A process adds "twenty seconds" to a clock that may be wrong by an hour, and another reads it by one that is
right, or the other way round: `$$NOW` is written and read by the same clock.
"""

from datetime import timedelta
from typing import Any, Final

READY: Final[dict[str, Any]] = {"$expr": {"$lte": ["$not_before", "$$NOW"]}}
"""Which rows do not rest: one that never did has nothing there, which comes before every time. Said as simply
as this, an index finds them: those that rest, thousands where a gateway is away, are not read."""
NEXT_VERSION: Final[dict[str, Any]] = {"v": {"$add": [{"$ifNull": ["$v", 0]}, 1]}}
"""The row has been written once more, for a pipeline."""


def server_now_plus(wait: timedelta) -> dict[str, Any]:
    """The moment, for a pipeline."""
    return {"$add": ["$$NOW", int(wait.total_seconds() * 1000)]}
