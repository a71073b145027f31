"""When somebody without an appointment hears from us."""

from datetime import date, timedelta

import holidays

_SATURDAY = 5


def working_days_later(day: date, count: int) -> date:
    """The day that is so many working days later: no weekends, none of England's bank holidays."""
    closed = holidays.country_holidays("GB", subdiv="ENG", years=(day.year, day.year + 1))
    later = day
    while count > 0:
        later += timedelta(days=1)
        if later.weekday() < _SATURDAY and later not in closed:
            count -= 1
    return later
