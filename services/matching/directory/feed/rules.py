"""The recurrence rule of a schedule: RFC 5545's, read whole or not at all.

A rule of which one part was left out names other days than its owner meant. So a part that is unknown,
unreadable, or forbidden by the standard beside the others makes the whole rule unusable.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from types import MappingProxyType

from dateutil.rrule import rrulestr

from services.matching.directory.feed.moments import blank
from services.matching.directory.feed.records import Record

FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
NUMBERED_DAY = re.compile(r"([+-]?[0-9]{1,2})?(MO|TU|WE|TH|FR|SA|SU)", re.ASCII)
# Numbered lists of the standard, each with the largest number; all but months may count from the end.
NUMBERS: Mapping[str, int] = MappingProxyType(
    {"bymonth": 12, "byweekno": 53, "byyearday": 366, "bymonthday": 31, "bysetpos": 366}
)
# Parts that the standard forbids under a frequency.
FORBIDDEN: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "DAILY": frozenset({"byweekno", "byyearday"}),
        "WEEKLY": frozenset({"byweekno", "byyearday", "bymonthday"}),
        "MONTHLY": frozenset({"byweekno", "byyearday"}),
        "YEARLY": frozenset(),
    }
)
KNOWN = frozenset({"byday", *NUMBERS})
# Days and times beside the rule, or instead of it: a schedule has one time of day, `opens_at`.
BESIDE = ("rrule", "exrule", "rdate", "exdate")
MOST_TIMES = 10_000
LONGEST_INTERVAL = 366
# No sooner session than this: the rule is for no day that anybody waits for, or for none at all.
RARELY = timedelta(days=3 * 366)
LAST_YEAR = 2099


def read_rule(record: Record, start: date | None, today: date) -> str | None:
    """A schedule's RRULE without its dates; None where it cannot be honoured in full.

    `start` is the schedule's own `dtstart`. `today` tells from when a rule without one is tried.
    """
    freq = str(record.get("freq") or "").strip().upper()
    interval = 1 if blank(record.get("interval")) else _whole(record.get("interval"), 1, LONGEST_INTERVAL)
    if freq not in FREQUENCIES or interval is None or _unknown(record):
        return None
    parts = {"FREQ": freq, "INTERVAL": str(interval)}
    for name in ("byday", *NUMBERS):
        if blank(record.get(name)) or record.get(name) == []:
            continue
        read = _days(record[name], freq, record) if name == "byday" else _numbers(record[name], name)
        if not read or name in FORBIDDEN[freq]:
            return None
        parts[name.upper()] = ",".join(read)
    if not blank(record.get("wkst")):
        first_day = str(record["wkst"]).strip().upper()
        if first_day not in WEEKDAYS:
            return None
        parts["WKST"] = first_day
    if not blank(record.get("count")):
        count = _whole(record["count"], 1, MOST_TIMES)
        if count is None:
            return None
        parts["COUNT"] = str(count)
    if freq == "WEEKLY" and "BYDAY" not in parts and start is not None:
        parts["BYDAY"] = WEEKDAYS[start.weekday()]
    rule = ";".join(f"{name}={value}" for name, value in parts.items())
    return rule if _is_anchored(parts, start) and _has_sessions(rule, parts, start, today) else None


def parts_of(rule: str) -> dict[str, str]:
    """The parts of a rule by name."""
    return dict(part.split("=", 1) for part in rule.split(";") if "=" in part)


def occurrences(rule: str, start: datetime, after: datetime, last: datetime) -> Iterator[datetime]:
    """The times of a rule after one moment and up to another, counted from `start`, by the clock of one zone.

    dateutil looks for a next time up to the year 9999, which takes seconds where there is none. From 1901
    to 2099 the calendar repeats every 28 years, and every 8,000; so the rule is run at the end of dateutil's
    calendar, where at most 28 years are left to look through.
    """
    if last.year > LAST_YEAR or start > last:
        return
    years = 8000 - 28 * max(0, -((1999 - last.year) // 28))
    moved = rrulestr(rule, dtstart=_moved(start, years))
    for moment in moved.xafter(_moved(after, years), inc=False):
        found = _moved(moment, -years)
        if found > last:
            return
        yield found


def _moved(moment: datetime, years: int) -> datetime:
    return moment.replace(year=moment.year + years)


def _unknown(record: Record) -> bool:
    """Whether there is a part that we do not run."""
    others = (str(key) for key in record if str(key).lower().startswith("by") and key not in KNOWN)
    return any(not blank(record.get(key)) and record.get(key) != [] for key in (*others, *BESIDE))


def _is_anchored(parts: Mapping[str, str], start: date | None) -> bool:
    """Whether it is known which of two weeks, which day of the month, or how many times are over."""
    if start is not None:
        return True
    if parts["INTERVAL"] != "1" or "COUNT" in parts:
        return False
    days = {"BYDAY", "BYMONTHDAY", "BYYEARDAY"} & parts.keys()
    if parts["FREQ"] == "YEARLY":
        # A day of the month alone is meant for the month of the first day.
        return bool(days) and ("BYMONTHDAY" not in parts or "BYMONTH" in parts)
    return parts["FREQ"] == "DAILY" or bool(days)


def _has_sessions(rule: str, parts: Mapping[str, str], start: date | None, today: date) -> bool:
    first = datetime.combine(start or today, time())
    found = next(occurrences(rule, first, first - timedelta(minutes=1), first + RARELY), None)
    if found is None:
        return False
    # The first of so many times is the first day. Where the rule does not name that day, the count has two
    # readings.
    return "COUNT" not in parts or found == first


def _whole(value: object, least: int, most: int) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | str | float):
        return None
    try:
        number = int(value)
    except (ValueError, OverflowError):
        return None
    if isinstance(value, float) and number != value:
        return None
    return number if least <= number <= most else None


def _listed(value: object, read: Callable[[object], str | None]) -> list[str] | None:
    """Each of a list, or of a text with commas; None where one cannot be read."""
    parts = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else [value]
    found = [read(part) for part in parts[: MOST_TIMES + 1] if not blank(part)]
    known = [one for one in found if one is not None]
    return known if len(known) == len(found) <= MOST_TIMES else None


def _days(value: object, freq: str, record: Record) -> list[str] | None:
    # The standard knows a number before a day in two frequencies, and not beside numbered weeks.
    most = {"MONTHLY": 5, "YEARLY": 53}.get(freq, 0) if blank(record.get("byweekno")) else 0

    def one(part: object) -> str | None:
        named = NUMBERED_DAY.fullmatch(part.strip().upper()) if isinstance(part, str) else None
        if named is None or (named[1] and not 1 <= abs(int(named[1])) <= most):
            return None
        return f"{int(named[1])}{named[2]}" if named[1] else named[2]

    return _listed(value, one)


def _numbers(value: object, name: str) -> list[str] | None:
    most = NUMBERS[name]

    def one(part: object) -> str | None:
        number = _whole(part, 1 if name == "bymonth" else -most, most)
        return str(number) if number else None

    return _listed(value, one)
