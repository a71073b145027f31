"""Computes the coming sessions of a service in the time zone of its schedule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from services.matching.directory.feed.model import Schedule
from services.matching.directory.feed.rules import occurrences, parts_of
from services.matching.directory.feed.times import read_zone
from shared.platform.clock import LONDON

# A rule without a first day is counted from a Monday. Its rhythm does not depend on which one.
ANY_MONDAY = date(2024, 1, 1)
LOOK_AHEAD = timedelta(days=92)


@dataclass(frozen=True, slots=True, order=True)
class Session:
    """One session, in UTC. `ends_at` is None if the feed does not say."""

    starts_at: datetime
    ends_at: datetime | None


def next_sessions(schedules: Iterable[Schedule], after: datetime, count: int = 1) -> list[Session]:
    """The first `count` sessions that start after `after`, soonest first, at most 92 days ahead.

    `after` is an aware time. When the clocks change, sessions keep their local hour.
    """
    coming: set[Session] = set()
    for schedule in schedules:
        coming.update(_coming(schedule, after, count))
    return sorted(coming, key=lambda session: session.starts_at)[:count]


def _coming(schedule: Schedule, after: datetime, count: int) -> Iterator[Session]:
    if schedule.rule is None or schedule.opens_at is None:
        return
    zone = read_zone(schedule.timezone) or LONDON
    local = after.astimezone(zone).replace(tzinfo=None)
    last = local + LOOK_AHEAD
    if schedule.until is not None:
        last = min(last, datetime.combine(schedule.until, time.max))
    first = datetime.combine(_first_day(schedule, local.date()), schedule.opens_at)
    # Start two hours earlier, because the clocks may go back between a session and `after`.
    since = local - timedelta(hours=2)
    if schedule.valid_from is not None:
        since = max(since, datetime.combine(schedule.valid_from, time()) - timedelta(microseconds=1))
    for moment in occurrences(schedule.rule, first, since, last):
        if count == 0:
            return
        starts_at = moment.replace(tzinfo=zone).astimezone(UTC)
        if starts_at > after:
            count -= 1
            yield Session(starts_at, _end(moment, schedule, zone))


def _end(start: datetime, schedule: Schedule, zone: tzinfo) -> datetime | None:
    if schedule.closes_at is None or schedule.opens_at is None or schedule.closes_at <= schedule.opens_at:
        return None
    return datetime.combine(start.date(), schedule.closes_at, zone).astimezone(UTC)


def _first_day(schedule: Schedule, today: date) -> date:
    """A first day close to today with the same rhythm, so that a rule of 2005 is not run from its start."""
    start = schedule.start or ANY_MONDAY
    parts = parts_of(schedule.rule or "")
    unit = {"DAILY": 1, "WEEKLY": 7}.get(parts.get("FREQ", ""))
    if unit is None or "COUNT" in parts or start >= today:
        return start
    step = unit * int(parts.get("INTERVAL", "1"))
    return (
        start + timedelta(days=((today - start).days // step) * step - step)
        if (today - start).days > step
        else start
    )
