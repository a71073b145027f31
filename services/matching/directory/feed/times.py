"""Reads dates, times of day and time zones as feeds write them."""

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
# The largest offset from UTC in the world.
MAX_OFFSET = timedelta(hours=14)
MAX_LENGTH = 60


@dataclass(frozen=True, slots=True)
class ClockTime:
    """A time of day. `offset` is from UTC; None if the feed writes none."""

    at: time
    offset: timedelta | None


def is_blank(value: object) -> bool:
    """True if a field is missing, null or only spaces."""
    return value is None or (isinstance(value, str) and not value.strip())


def read_day(value: object, zone: tzinfo = LONDON) -> date | None:
    """A date, or the date of a date and time in `zone`; None for anything else."""
    moment = read_date_and_time(value, zone)
    return moment.date() if moment else None


def read_date_and_time(value: object, zone: tzinfo = LONDON) -> datetime | None:
    """A date and time as naive local time of `zone`. A date alone means midnight.

    Only ISO 8601 is read. Other forms such as "30/06/2024" give None.
    """
    if not isinstance(value, str) or len(value) > MAX_LENGTH:
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    try:
        return moment.astimezone(zone).replace(tzinfo=None) if moment.tzinfo else moment
    except OverflowError:  # the first or last possible day, which a database writes for "none"
        return moment.replace(tzinfo=None)


def read_clock_time(value: object) -> ClockTime | None:
    """A time of day from "10:00:00", "10:00", "10.00", "1000", "10:00Z" or "10:00+01:00", or None."""
    if not isinstance(value, str) or len(value) > MAX_LENGTH:
        return None
    parts = CLOCK.fullmatch(value.strip().upper())
    if parts is None:
        return None
    at = time(int(parts["hour"]), int(parts["minute"]))
    if parts["offset"] is None:
        return ClockTime(at, None)
    offset = _offset(parts["offset"])
    return ClockTime(at, offset) if offset is not None else None


def read_zone(value: object) -> tzinfo | None:
    """A time zone from its IANA name, "UTC", "Z", "+01:00" or hours from UTC; None for anything else."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = f"{value:+g}" if abs(value) < 100 and float(value).is_integer() else "?"
    if not isinstance(value, str) or len(value) > MAX_LENGTH:
        return None
    written = value.strip()
    if written.upper() in {"UTC", "GMT", "Z"}:
        return UTC
    offset = _offset(written)
    if offset is not None:
        return fixed_zone(offset)
    try:
        return ZoneInfo(written)
    except (KeyError, OSError, ValueError):  # no such zone, or a name that leaves the zones' folder
        return None


def fixed_zone(offset: timedelta) -> tzinfo:
    """The zone that is always this far from UTC."""
    return timezone(offset) if offset else UTC


def zone_name(zone: tzinfo) -> str:
    """A name from which `zone_of` finds the zone again."""
    return zone.key if isinstance(zone, ZoneInfo) else str(zone).removeprefix("UTC") or "UTC"


def earliest(days: Iterable[date | None]) -> date | None:
    """The earliest of the days that are known."""
    return min((one for one in days if one is not None), default=None)


def _offset(written: str) -> timedelta | None:
    if written.strip().upper() == "Z":
        return timedelta()
    parts = OFFSET.fullmatch(written.strip().upper())
    if parts is None or int(parts[3] or 0) > 59:
        return None
    offset = timedelta(hours=int(parts[2]), minutes=int(parts[3] or 0))
    if offset > MAX_OFFSET:
        return None
    return -offset if parts[1] == "-" else offset
