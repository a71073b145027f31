"""Dates, times of day and time zones as feeds write them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from shared.platform.clock import LONDON

CLOCK = re.compile(
    r"(?P<hour>[01]?[0-9]|2[0-3])[:.]?(?P<minute>[0-5][0-9])(?:[:.][0-5][0-9](?:\.[0-9]+)?)?"
    r"\s*(?P<offset>Z|[+-][0-9]{1,2}(?::?[0-9]{2})?)?",
    re.ASCII,
)
OFFSET = re.compile(r"(?:UTC|GMT)?\s*([+-]?)([0-9]{1,2})(?::?([0-9]{2}))?", re.ASCII)
# The widest that any part of the world has been from UTC.
WIDEST_OFFSET = timedelta(hours=14)
LONGEST = 60


@dataclass(frozen=True, slots=True)
class ClockTime:
    """A time of day; `offset` from UTC where the feed writes one."""

    at: time
    offset: timedelta | None


def blank(value: object) -> bool:
    """Whether a field says nothing."""
    return value is None or (isinstance(value, str) and not value.strip())


def day(value: object, zone: tzinfo = LONDON) -> date | None:
    """A date, or the date that a date and time falls on in `zone`; None for anything else."""
    moment = date_and_time(value, zone)
    return moment.date() if moment else None


def date_and_time(value: object, zone: tzinfo = LONDON) -> datetime | None:
    """A date and time on the clocks of `zone`, without its zone; a date alone begins at midnight.

    Only ISO 8601 is read. "30/06/2024" has two readings and gives None.
    """
    if not isinstance(value, str) or len(value) > LONGEST:
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    try:
        return moment.astimezone(zone).replace(tzinfo=None) if moment.tzinfo else moment
    except OverflowError:  # the first or last day that there is: a database's way to say "none"
        return moment.replace(tzinfo=None)


def clock(value: object) -> ClockTime | None:
    """A time of day from "10:00:00", "10:00", "10.00", "1000", "10:00Z" or "10:00+01:00"; None else."""
    if not isinstance(value, str) or len(value) > LONGEST:
        return None
    parts = CLOCK.fullmatch(value.strip().upper())
    if parts is None:
        return None
    at = time(int(parts["hour"]), int(parts["minute"]))
    if parts["offset"] is None:
        return ClockTime(at, None)
    offset = _offset(parts["offset"])
    return ClockTime(at, offset) if offset is not None else None


def zone_of(value: object) -> tzinfo | None:
    """A time zone from its IANA name, "UTC", "Z", "+01:00" or hours from UTC; None for anything else."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = f"{value:+g}" if abs(value) < 100 and float(value).is_integer() else "?"
    if not isinstance(value, str) or len(value) > LONGEST:
        return None
    written = value.strip()
    if written.upper() in {"UTC", "GMT", "Z"}:
        return UTC
    offset = _offset(written)
    if offset is not None:
        return fixed(offset)
    try:
        return ZoneInfo(written)
    except (KeyError, OSError, ValueError):  # no such name, or one that leads out of the zones' folder
        return None


def fixed(offset: timedelta) -> tzinfo:
    """The zone that is always this far from UTC."""
    return timezone(offset) if offset else UTC


def zone_name(zone: tzinfo) -> str:
    """A name from which `zone_of` finds the zone again."""
    return zone.key if isinstance(zone, ZoneInfo) else str(zone).removeprefix("UTC") or "UTC"


def earliest(days: Iterable[date | None]) -> date | None:
    """The first of the days that are known."""
    return min((one for one in days if one is not None), default=None)


def _offset(written: str) -> timedelta | None:
    if written.strip().upper() == "Z":
        return timedelta()
    parts = OFFSET.fullmatch(written.strip().upper())
    if parts is None or int(parts[3] or 0) > 59:
        return None
    offset = timedelta(hours=int(parts[2]), minutes=int(parts[3] or 0))
    if offset > WIDEST_OFFSET:
        return None
    return -offset if parts[1] == "-" else offset
