"""Working days and hours in London, as UTC moments."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, time, timedelta
from functools import cache

import holidays

from shared.platform.clock import LONDON


@cache
def _bank_holidays(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("GB", subdiv="ENG", years=year))


def working(day: date) -> bool:
    """Tests for a working day: Monday to Friday, without bank holidays."""
    return day.weekday() < 5 and day not in _bank_holidays(day.year)


def working_day(day: date) -> date:
    """The day itself, or the first working day after it."""
    while not working(day):
        day += timedelta(days=1)
    return day


def at(day: date, hour: int, minute: int = 0) -> datetime:
    """A London time of day as a UTC moment."""
    return datetime.combine(day, time(hour, minute), LONDON).astimezone(UTC)


def office_hours(rng: random.Random, day: date) -> datetime:
    """A random moment between 9:00 and 16:30 of that day, or of the first working day after it."""
    return at(working_day(day), rng.randrange(9, 16), rng.randrange(0, 60))


def london_day(moment: datetime) -> date:
    """The date in London."""
    return moment.astimezone(LONDON).date()
