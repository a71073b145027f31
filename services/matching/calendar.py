"""Days and weekly hours, from London's clock to UTC and back."""

from datetime import UTC, date, datetime, time, timedelta
from functools import cache

import holidays

from services.matching.roster.link_workers import Hours
from shared.platform.clock import LONDON, london_day

__all__ = ["bank_holiday", "day_start", "london_day", "make_ready", "times"]


def day_start(day: date) -> datetime:
    """Midnight at which a day begins in London, in UTC."""
    return datetime.combine(day, time(0), LONDON).astimezone(UTC)


def make_ready(now: datetime) -> None:
    """Reads the bank holidays ahead: the library takes half a second, which no booking should wait for."""
    for year in (now.year, now.year + 1):
        _bank_holidays(year)


@cache
def _bank_holidays(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("GB", subdiv="ENG", years=year))


def bank_holiday(day: date) -> bool:
    """Whether practices in England are shut that day."""
    return day in _bank_holidays(day.year)


def times(hours: Hours, day: date, minutes: int) -> list[datetime]:
    """The starts, in UTC, of the meetings of this length that fit into the hours of that day.

    Counted in real time from opening: when the clocks change within the hours, no meeting is lost in the hour
    that does not exist and none overlaps in the hour that comes twice.
    """
    if day.weekday() != hours.weekday:
        return []
    start = datetime.combine(day, hours.opens, LONDON).astimezone(UTC)
    # The later of two readings: hours that close within the hour that comes twice last until its end.
    end = datetime.combine(day, hours.closes, LONDON).replace(fold=1).astimezone(UTC)
    length = timedelta(minutes=minutes)
    return [start + length * n for n in range(max(0, (end - start) // length))]
