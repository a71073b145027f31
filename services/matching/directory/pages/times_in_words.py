"""The times of a service in words: from a plain rule, else in the words of the feed."""

import re
from datetime import date, datetime, time
from typing import Final

from services.matching.directory.feed.model import Schedule
from services.matching.web.grammar import listed
from shared.platform.clock import LONDON
from shared.platform.web.dates import clock_time, short_day

_DAYS: Final = {
    "MO": "Monday",
    "TU": "Tuesday",
    "WE": "Wednesday",
    "TH": "Thursday",
    "FR": "Friday",
    "SA": "Saturday",
    "SU": "Sunday",
}
_PLACES: Final = {"1": "first", "2": "second", "3": "third", "4": "fourth", "5": "fifth", "-1": "last"}
# Databases write a last day in this year or later for "no last day".
_FOR_EVER: Final = 2100
# Texts of feeds that add nothing to the rule.
_SAYS_NO_MORE: Final = re.compile(r"(every|each|weekly|daily|monthly)\b.{0,30}", re.IGNORECASE)


def held(schedule: Schedule, today: date | None = None) -> str:
    """A schedule in words, such as Every Monday and Thursday, 9:30am to 11am; empty if nothing is known.

    The first day is named only if it is after `today`.
    """
    days = _days(schedule.rule or "")
    # In another zone the London hour differs between summer and winter.
    if not days or schedule.opens_at is None or schedule.timezone != "Europe/London":
        return schedule.text
    said = f"{days}, {_clock(schedule.opens_at)}"
    if schedule.closes_at is not None and schedule.closes_at > schedule.opens_at:
        said += f" to {_clock(schedule.closes_at)}"
    first = max((day for day in (schedule.start, schedule.valid_from) if day), default=None)
    if first is not None and today is not None and first > today:
        said += f", from {short_day(first)}"
    if schedule.until is not None and schedule.until.year < _FOR_EVER:
        said += f", until {short_day(schedule.until)}"
    more = schedule.text.strip().rstrip(".")
    return said if not more or _SAYS_NO_MORE.fullmatch(more) else f"{said} ({more})"


def _days(rule: str) -> str:
    """The days of a common rule in words; empty for other rules."""
    parts = dict(part.split("=", 1) for part in rule.split(";") if "=" in part)
    byday = [day for day in parts.get("BYDAY", "").split(",") if day]
    if parts.keys() - {"FREQ", "INTERVAL", "BYDAY", "WKST"}:
        return ""
    match parts.get("FREQ"), parts.get("INTERVAL", "1"):
        case ("DAILY", "1") if not byday:
            return "Every day"
        case ("DAILY" | "WEEKLY", "1") if byday and all(day in _DAYS for day in byday):
            return f"Every {listed([_DAYS[day] for day in byday])}"
        case ("WEEKLY", "2") if byday and all(day in _DAYS for day in byday):
            return f"Every second {listed([_DAYS[day] for day in byday])}"
        case ("MONTHLY", "1") if byday and all(day[:-2] in _PLACES for day in byday):
            named = [f"{_PLACES[day[:-2]]} {_DAYS[day[-2:]]}" for day in byday]
            return f"The {listed(named)} of the month"
        case _:
            return ""


def _clock(at: time) -> str:
    return clock_time(datetime.combine(date(2026, 1, 1), at, LONDON))
