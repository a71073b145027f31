"""Delays by the database's clock, the only clock that all processes share.

If a process adds a delay to its own clock, which may be wrong by an hour, and another process reads the
result by its own clock, the delay is wrong. `$$NOW` is written and read by the same clock.
"""

from datetime import timedelta
from typing import Any, Final

# Filters rows whose delay is over. A row without a delay has null there, which sorts before every time. An
# index serves this form of the expression, so that thousands of delayed rows are not read.
READY: Final[dict[str, Any]] = {"$expr": {"$lte": ["$not_before", "$$NOW"]}}
# Counts a write of the row, within a pipeline.
NEXT_VERSION: Final[dict[str, Any]] = {"v": {"$add": [{"$ifNull": ["$v", 0]}, 1]}}


def server_now_plus(wait: timedelta) -> dict[str, Any]:
    """The expression, within a pipeline, of the moment after so long."""
    return {"$add": ["$$NOW", int(wait.total_seconds() * 1000)]}
