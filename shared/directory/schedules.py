"""From a feed's schedule to an RFC 5545 rule that is safe to run."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, time

from shared.directory.defects import Report
from shared.directory.model import Schedule
from shared.directory.records import Record
from shared.directory.text import plain_text

LONGEST_TEXT = 300
# A first day before this is a default of somebody's database.
OLDEST_START = date(1990, 1, 1)
FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
NUMBERED_DAY = re.compile(r"([+-]?[1-5])?(MO|TU|WE|TH|FR|SA|SU)")
CLOCK = re.compile(r"([01]?[0-9]|2[0-3])[:.]?([0-5][0-9])(?:[:.][0-5][0-9](?:\.[0-9]+)?)?Z?")


def read_schedules(records: Iterable[Record], name: str, today: date, report: Report) -> tuple[Schedule, ...]:
    """Each schedule once. One whose rule cannot be read keeps its text; `name` is the service's id."""
    found = dict.fromkeys(_schedule(record, name, today, report) for record in records)
    return tuple(found)


def day(value: object) -> date | None:
    """A date from "2026-05-04" or the start of a date and time; None for anything else."""
    if not isinstance(value, str):
        return None
    try:
        return date.fromisoformat(value.strip()[:10])
    except ValueError:
        return None


def clock(value: object) -> time | None:
    """A time of day from "10:00:00", "10:00", "10.00" or "1000"; None for anything else."""
    parts = CLOCK.fullmatch(value.strip()) if isinstance(value, str) else None
    return time(int(parts[1]), int(parts[2])) if parts else None


def _schedule(record: Record, name: str, today: date, report: Report) -> Schedule:
    start = day(record.get("dtstart")) or day(record.get("valid_from"))
    if start is not None and start < OLDEST_START:
        start = None
    ends = [end for end in (day(record.get("until")), day(record.get("valid_to"))) if end]
    until = min(ends, default=None)
    rule = _rule(record, start)
    opens_at = clock(record.get("opens_at"))
    if rule is None or opens_at is None:
        rule = None
        report.add(name, "schedules", "schedule_unusable")
    elif until is not None and until < today:
        report.add(name, "schedules", "schedule_over")
    texts = (record.get("description"), record.get("notes"))
    said = " ".join(text for text in texts if isinstance(text, str))
    return Schedule(
        rule=rule,
        start=start,
        until=until,
        opens_at=opens_at,
        closes_at=clock(record.get("closes_at")),
        text=plain_text(said, LONGEST_TEXT).text,
    )


def _rule(record: Record, start: date | None) -> str | None:
    """The rule without its dates; None where it is not one that has sessions on known days."""
    freq = str(record.get("freq") or "").strip().upper()
    interval = _whole(record.get("interval") or 1, 1, 52)
    byday = _days(record.get("byday"))
    bymonthday = _numbers(record.get("bymonthday"), 31)
    if freq not in FREQUENCIES or interval is None or byday is None or bymonthday is None:
        return None
    if freq in {"DAILY", "WEEKLY"}:
        # The standard knows no numbered days here, nor days of the month in a weekly rule.
        byday = [code for code in WEEKDAYS if any(one.endswith(code) for one in byday)]
    if freq == "WEEKLY":
        bymonthday = []
        if not byday and start is not None:
            byday = [WEEKDAYS[start.weekday()]]
    if not _has_sessions(freq, interval, byday, bymonthday):
        return None
    # Without a first day nobody can tell which of two weeks it is, or which day of the month.
    open_ended = freq in {"MONTHLY", "YEARLY"} and not byday and not bymonthday
    if start is None and (
        interval > 1 or open_ended or record.get("count") or (freq == "WEEKLY" and not byday)
    ):
        return None
    parts = [f"FREQ={freq}", f"INTERVAL={interval}"]
    if byday:
        parts.append(f"BYDAY={','.join(byday)}")
    if bymonthday:
        parts.append(f"BYMONTHDAY={','.join(map(str, bymonthday))}")
    if record.get("count"):
        count = _whole(record["count"], 1, 1000)
        if count is None:
            return None
        parts.append(f"COUNT={count}")
    return ";".join(parts)


def _has_sessions(freq: str, interval: int, byday: list[str], bymonthday: list[int]) -> bool:
    """False for rules that may name no day at all: the search would run to the year 9999."""
    if freq == "DAILY":
        return interval == 1 or not (byday or bymonthday)
    if freq == "WEEKLY":
        return True
    numbered = any(len(one) > 2 for one in byday)
    return interval <= {"MONTHLY": 11, "YEARLY": 3}[freq] and not (numbered and bymonthday)


def _whole(value: object, least: int, most: int) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | str | float):
        return None
    try:
        number = int(value)
    except (ValueError, OverflowError):
        return None
    return number if least <= number <= most else None


def _days(value: object) -> list[str] | None:
    if value in (None, ""):
        return []
    if not isinstance(value, str):
        return None
    days = [part.strip().upper() for part in value.split(",") if part.strip()]
    return days if all(NUMBERED_DAY.fullmatch(one) for one in days) else None


def _numbers(value: object, most: int) -> list[int] | None:
    if value in (None, ""):
        return []
    parts = str(value).split(",")[:most]
    numbers = [_whole(part, -most, most) for part in parts]
    return [n for n in numbers if n] if all(numbers) else None
