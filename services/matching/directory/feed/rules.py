"""The recurrence rule of a schedule (RFC 5545), read completely or not at all.

A rule without one of its parts names other days than its owner meant. A part that is unknown, unreadable,
or forbidden beside the others therefore makes the whole rule unusable.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from types import MappingProxyType

from dateutil.rrule import rrulestr

from services.matching.directory.feed.records import Record
from services.matching.directory.feed.times import is_blank

FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
NUMBERED_DAY = re.compile(r"([+-]?[0-9]{1,2})?(MO|TU|WE|TH|FR|SA|SU)", re.ASCII)
# Lists of numbers in the standard, each with its largest number. All but months may count from the end.
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
# Dates and rules beside the main rule are not supported: a schedule has one time of day, `opens_at`.
BESIDE = ("rrule", "exrule", "rdate", "exdate")
MAX_COUNT = 10_000
MAX_INTERVAL = 366
# A rule without a session within this time is useless to a person, or names no day at all.
MAX_GAP = timedelta(days=3 * 366)
LAST_YEAR = 2099


def read_rule(record: Record, start: date | None, today: date) -> str | None:
    """A schedule's RRULE without its dates; None if a part of it cannot be honoured.

    `start` is the schedule's `dtstart`. A rule without `dtstart` is tried from `today`.
    """
    freq = str(record.get("freq") or "").strip().upper()
    interval = (
        1 if is_blank(record.get("interval")) else _read_integer(record.get("interval"), 1, MAX_INTERVAL)
    )
    if freq not in FREQUENCIES or interval is None or _has_unknown_part(record):
        return None
    parts = {"FREQ": freq, "INTERVAL": str(interval)}
    for name in ("byday", *NUMBERS):
        if is_blank(record.get(name)) or record.get(name) == []:
            continue
        read = (
            _read_days(record[name], freq, record) if name == "byday" else _read_numbers(record[name], name)
        )
        if not read or name in FORBIDDEN[freq]:
            return None
        parts[name.upper()] = ",".join(read)
    if not is_blank(record.get("wkst")):
        first_day = str(record["wkst"]).strip().upper()
        if first_day not in WEEKDAYS:
            return None
        parts["WKST"] = first_day
    if not is_blank(record.get("count")):
        count = _read_integer(record["count"], 1, MAX_COUNT)
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
    """The times of a rule after `after` and up to `last`, counted from `start`. All are naive local times.

    If a rule has no next time, dateutil searches up to the year 9999, which takes seconds. From 1901 to 2099
    the calendar repeats every 28 years, and every 8,000 years. The rule is therefore run shifted to the end
    of dateutil's calendar, where at most 28 years remain to be searched.
    """
    if last.year > LAST_YEAR or start > last:
        return
    years = 8000 - 28 * max(0, -((1999 - last.year) // 28))
    shifted = rrulestr(rule, dtstart=_shifted(start, years))
    for moment in shifted.xafter(_shifted(after, years), inc=False):
        found = _shifted(moment, -years)
        if found > last:
            return
        yield found


def _shifted(moment: datetime, years: int) -> datetime:
    return moment.replace(year=moment.year + years)


def _has_unknown_part(record: Record) -> bool:
    """True if the rule has a part that is not supported here."""
    others = (str(key) for key in record if str(key).lower().startswith("by") and key not in KNOWN)
    return any(not is_blank(record.get(key)) and record.get(key) != [] for key in (*others, *BESIDE))


def _is_anchored(parts: Mapping[str, str], start: date | None) -> bool:
    """True if it is known which of two weeks, which day of the month, or how many times have passed."""
    if start is not None:
        return True
    if parts["INTERVAL"] != "1" or "COUNT" in parts:
        return False
    days = {"BYDAY", "BYMONTHDAY", "BYYEARDAY"} & parts.keys()
    if parts["FREQ"] == "YEARLY":
        # A day of the month without a month means the month of the first day.
        return bool(days) and ("BYMONTHDAY" not in parts or "BYMONTH" in parts)
    return parts["FREQ"] == "DAILY" or bool(days)


def _has_sessions(rule: str, parts: Mapping[str, str], start: date | None, today: date) -> bool:
    first = datetime.combine(start or today, time())
    found = next(occurrences(rule, first, first - timedelta(minutes=1), first + MAX_GAP), None)
    if found is None:
        return False
    # COUNT includes the first day. If the rule does not name that day, the count has two readings.
    return "COUNT" not in parts or found == first


def _read_integer(value: object, minimum: int, maximum: int) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | str | float):
        return None
    try:
        number = int(value)
    except (ValueError, OverflowError):
        return None
    if isinstance(value, float) and number != value:
        return None
    return number if minimum <= number <= maximum else None


def _read_list(value: object, read: Callable[[object], str | None]) -> list[str] | None:
    """Each item of a list, or of a comma-separated text; None if one cannot be read."""
    parts = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else [value]
    found = [read(part) for part in parts[: MAX_COUNT + 1] if not is_blank(part)]
    known = [one for one in found if one is not None]
    return known if len(known) == len(found) <= MAX_COUNT else None


def _read_days(value: object, freq: str, record: Record) -> list[str] | None:
    # The standard allows a number before a day in two frequencies, and not beside numbered weeks.
    maximum = {"MONTHLY": 5, "YEARLY": 53}.get(freq, 0) if is_blank(record.get("byweekno")) else 0

    def one(part: object) -> str | None:
        named = NUMBERED_DAY.fullmatch(part.strip().upper()) if isinstance(part, str) else None
        if named is None or (named[1] and not 1 <= abs(int(named[1])) <= maximum):
            return None
        return f"{int(named[1])}{named[2]}" if named[1] else named[2]

    return _read_list(value, one)


def _read_numbers(value: object, name: str) -> list[str] | None:
    maximum = NUMBERS[name]

    def one(part: object) -> str | None:
        number = _read_integer(part, 1 if name == "bymonth" else -maximum, maximum)
        return str(number) if number else None

    return _read_list(value, one)
