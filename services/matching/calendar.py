"""Days of London's clock in UTC, and bank holidays."""

from datetime import UTC, date, datetime, time
from functools import cache

import holidays

from shared.platform.clock import LONDON, london_day

__all__ = ["bank_holiday", "day_start", "london_day", "make_ready"]


def day_start(day: date) -> datetime:
    """Midnight at which a day begins in London, in UTC."""
    return datetime.combine(day, time(0), LONDON).astimezone(UTC)


def make_ready(now: datetime) -> None:
    """Loads the bank holidays. The library takes half a second, for which no booking should wait."""
    for year in (now.year, now.year + 1):
        _bank_holidays(year)


@cache
def _bank_holidays(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("GB", subdiv="ENG", years=year))


def bank_holiday(day: date) -> bool:
    """True if practices in England are shut that day."""
    return day in _bank_holidays(day.year)
