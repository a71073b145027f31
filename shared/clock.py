"""The time, as an argument."""

from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

Clock = Callable[[], datetime]
"""Gives the time now, aware, in UTC."""

LONDON = ZoneInfo("Europe/London")
"""Where people read the clock. Everything inside is UTC."""


def system_clock() -> datetime:
    """The time now by this machine's clock, aware, in UTC."""
    return datetime.now(UTC)
