"""From a feed's schedule to an RFC 5545 rule that is safe to run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta, tzinfo

from services.matching.directory.feed.defects import Report
from services.matching.directory.feed.duplicates import at_places
from services.matching.directory.feed.model import Schedule
from services.matching.directory.feed.moments import (
    ClockTime,
    blank,
    clock,
    date_and_time,
    day,
    earliest,
    fixed,
    zone_name,
    zone_of,
)
from services.matching.directory.feed.places import place_name
from services.matching.directory.feed.records import Record, records_in
from services.matching.directory.feed.rules import LAST_YEAR, read_rule
from services.matching.directory.feed.text import plain_text
from shared.platform.clock import LONDON

LONGEST_TEXT = 300
# A first day before this is a default of somebody's database.
OLDEST_START = date(1990, 1, 1)


@dataclass(frozen=True, slots=True)
class Period:
    """The days between which a schedule holds; `start` is where its rule counts from."""

    start: date | None
    valid_from: date | None
    until: date | None


def read_schedules(record: Record, name: str, today: date, report: Report) -> tuple[Schedule, ...]:
    """Each schedule of a service and of its places once. One whose rule cannot be honoured keeps its text.

    A place's own opening times count only where neither the service nor the service at this place has times:
    a library is open longer than the club that meets there. `name` is the service's id.
    """
    at_locations = records_in(record, "service_at_locations")
    names = {str(at["id"]): _name_at(at) for at in at_locations if isinstance(at.get("id"), str)}
    of_service = records_in(record, "schedules")
    found = [(one, names.get(str(one.get("service_at_location_id")), "")) for one in of_service]
    for at in at_locations:
        here = records_in(at, "schedules")
        found += [(one, _name_at(at)) for one in here]
        if not (here or of_service):
            found += [(one, _name_at(at)) for one in _of_place(at.get("location"))]
        elif _of_place(at.get("location")):
            report.add(name, "location.schedules", "schedule_of_place_unused")
    for place in records_in(record, "locations"):
        if not found:
            found += [(one, place_name(place)) for one in _of_place(place)]
        elif _of_place(place):
            report.add(name, "location.schedules", "schedule_of_place_unused")
    return at_places(_schedule(one, place, name, today, report) for one, place in found)


def _name_at(at: Record) -> str:
    place = at.get("location")
    return place_name(place) if isinstance(place, Mapping) else ""


def _of_place(place: object) -> list[Record]:
    return records_in(place, "schedules") if isinstance(place, Mapping) else []


def _schedule(record: Record, place: str, name: str, today: date, report: Report) -> Schedule:
    opens, closes = clock(record.get("opens_at")), clock(record.get("closes_at"))
    zone = _zone(record, opens)
    period = _period(record, zone or LONDON, opens, name, report)
    rule = None
    if opens is not None and zone is not None and period is not None:
        rule = read_rule(record, period.start, today)
    if rule is None:
        report.add(name, "schedules", "schedule_unusable")
    elif period is not None and period.until is not None and period.until < today:
        report.add(name, "schedules", "schedule_over")
    if rule is not None and zone is not None and zone.utcoffset(None) is not None:
        report.add(name, "schedules", "schedule_fixed_offset")
    period = period or Period(None, None, None)
    return Schedule(
        rule=rule,
        start=period.start,
        valid_from=period.valid_from,
        until=period.until,
        opens_at=opens.at if opens else None,
        closes_at=_closing(record, opens, closes, name, report),
        timezone=zone_name(zone or LONDON),
        place=place,
        text=_text(record),
    )


def _zone(record: Record, opens: ClockTime | None) -> tzinfo | None:
    """The zone of the times: London's unless the feed says otherwise; None where it says what cannot be read.

    A time with an offset is at that offset all year round, by the standard: "Z" says that it is in UTC.
    """
    named = None if blank(record.get("timezone")) else zone_of(record.get("timezone"))
    if named is None and not blank(record.get("timezone")):
        return None
    if opens is None or opens.offset is None:
        return named or LONDON
    # Both said: they have to say the same.
    written = fixed(opens.offset)
    return written if named is None or named == written else None


def _period(
    record: Record, zone: tzinfo, opens: ClockTime | None, name: str, report: Report
) -> Period | None:
    """None where a day cannot be read: the times might begin later, or be over."""
    days = {key: day(record.get(key), zone) for key in ("dtstart", "valid_from", "until", "valid_to")}
    if any(found is None and not blank(record.get(key)) for key, found in days.items()):
        report.add(name, "schedules", "schedule_dates_unusable")
        return None
    start, valid_from = (
        None if found is not None and found < OLDEST_START else found
        for found in (days["dtstart"], days["valid_from"])
    )
    if start is not None and start.year > LAST_YEAR:
        report.add(name, "schedules", "schedule_dates_unusable")
        return None
    last = date_and_time(record.get("until"), zone)
    if (
        last is not None
        and time() < last.time() < (opens.at if opens else time.max)
        and last.date() > date.min
    ):
        # The last moment of the rule is before that day's session.
        days["until"] = last.date() - timedelta(days=1)
    return Period(start, valid_from, earliest((days["until"], days["valid_to"])))


def _closing(
    record: Record, opens: ClockTime | None, closes: ClockTime | None, name: str, report: Report
) -> time | None:
    if closes is None:
        if not blank(record.get("closes_at")):
            report.add(name, "schedules.closes_at", "closing_unusable")
        return None
    if closes.offset is not None and (opens is None or closes.offset != opens.offset):
        report.add(name, "schedules.closes_at", "closing_unusable")
        return None
    return closes.at


def _text(record: Record) -> str:
    texts = (record.get("description"), record.get("notes"))
    return plain_text(" ".join(text for text in texts if isinstance(text, str)), LONGEST_TEXT).text
