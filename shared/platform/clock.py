"""The time, as an argument."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

# Gives the time now, aware, in UTC.
Clock = Callable[[], datetime]

# The time zone of pages and messages. Everything inside is UTC.
LONDON = ZoneInfo("Europe/London")


def system_clock() -> datetime:
    """The time now by this machine's clock, aware, in UTC."""
    return datetime.now(UTC)


def london_day(moment: datetime) -> date:
    """The day on which people in London saw it happen.

    A moment at the edge of the calendar, from a broken clock, stays on its own day: a fold never raises.
    """
    near_the_edge = not date.min.year < moment.year < date.max.year
    return moment.date() if near_the_edge else moment.astimezone(LONDON).date()
