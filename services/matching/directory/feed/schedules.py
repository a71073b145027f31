"""Reads the schedules of a service and of its places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta, tzinfo

from services.matching.directory.feed.defects import Report
from services.matching.directory.feed.duplicates import at_places
from services.matching.directory.feed.model import Schedule
from services.matching.directory.feed.places import place_name
from services.matching.directory.feed.records import Record, records_in
from services.matching.directory.feed.rules import LAST_YEAR, read_rule
from services.matching.directory.feed.text import plain_text
from services.matching.directory.feed.times import (
    ClockTime,
    earliest,
    fixed_zone,
    is_blank,
    read_clock_time,
    read_date_and_time,
    read_day,
    read_zone,
    zone_name,
)
from shared.platform.clock import LONDON

MAX_TEXT_LENGTH = 300
# An earlier first day is a default of the owner's database.
EARLIEST_START = date(1990, 1, 1)


@dataclass(frozen=True, slots=True)
class Period:
    """The days between which a schedule holds. Its rule is counted from `start`."""

    start: date | None
    valid_from: date | None
    until: date | None


def read_schedules(record: Record, record_id: str, today: date, report: Report) -> tuple[Schedule, ...]:
    """Each schedule of a service and of its places once. A schedule with an unusable rule keeps its text.

    A library is open longer than the club that meets in it. The opening times of a place are therefore used
    only if the service has no times, there or in general.
    """
    at_locations = records_in(record, "service_at_locations")
    names = {str(at["id"]): _place_name_at(at) for at in at_locations if isinstance(at.get("id"), str)}
    of_service = records_in(record, "schedules")
    found = [(one, names.get(str(one.get("service_at_location_id")), "")) for one in of_service]
    for at in at_locations:
        here = records_in(at, "schedules")
        found += [(one, _place_name_at(at)) for one in here]
        if not (here or of_service):
            found += [(one, _place_name_at(at)) for one in _schedules_of_place(at.get("location"))]
        elif _schedules_of_place(at.get("location")):
            report.add(record_id, "location.schedules", "schedule_of_place_unused")
    for place in records_in(record, "locations"):
        if not found:
            found += [(one, place_name(place)) for one in _schedules_of_place(place)]
        elif _schedules_of_place(place):
            report.add(record_id, "location.schedules", "schedule_of_place_unused")
    return at_places(_schedule(one, place, record_id, today, report) for one, place in found)


def _place_name_at(at: Record) -> str:
    place = at.get("location")
    return place_name(place) if isinstance(place, Mapping) else ""


def _schedules_of_place(place: object) -> list[Record]:
    return records_in(place, "schedules") if isinstance(place, Mapping) else []


def _schedule(record: Record, place: str, record_id: str, today: date, report: Report) -> Schedule:
    opens, closes = read_clock_time(record.get("opens_at")), read_clock_time(record.get("closes_at"))
    zone = _zone(record, opens)
    period = _period(record, zone or LONDON, opens, record_id, report)
    rule = None
    if opens is not None and zone is not None and period is not None:
        rule = read_rule(record, period.start, today)
    if rule is None:
        report.add(record_id, "schedules", "schedule_unusable")
    elif period is not None and period.until is not None and period.until < today:
        report.add(record_id, "schedules", "schedule_over")
    if rule is not None and zone is not None and zone.utcoffset(None) is not None:
        report.add(record_id, "schedules", "schedule_fixed_offset")
    period = period or Period(None, None, None)
    return Schedule(
        rule=rule,
        start=period.start,
        valid_from=period.valid_from,
        until=period.until,
        opens_at=opens.at if opens else None,
        closes_at=_closing(record, opens, closes, record_id, report),
        timezone=zone_name(zone or LONDON),
        place=place,
        text=_text(record),
    )


def _zone(record: Record, opens: ClockTime | None) -> tzinfo | None:
    """The zone of the times: London unless the feed names another; None if its zone cannot be read.

    By the standard, a time with an offset keeps that offset all year. "Z" means UTC.
    """
    named = None if is_blank(record.get("timezone")) else read_zone(record.get("timezone"))
    if named is None and not is_blank(record.get("timezone")):
        return None
    if opens is None or opens.offset is None:
        return named or LONDON
    # If the feed gives both a zone and an offset, they must agree.
    written = fixed_zone(opens.offset)
    return written if named is None or named == written else None


def _period(
    record: Record, zone: tzinfo, opens: ClockTime | None, record_id: str, report: Report
) -> Period | None:
    """The period; None if a day of it cannot be read, because the times might begin later or be over."""
    days = {key: read_day(record.get(key), zone) for key in ("dtstart", "valid_from", "until", "valid_to")}
    if any(found is None and not is_blank(record.get(key)) for key, found in days.items()):
        report.add(record_id, "schedules", "schedule_dates_unusable")
        return None
    start, valid_from = (
        None if found is not None and found < EARLIEST_START else found
        for found in (days["dtstart"], days["valid_from"])
    )
    if start is not None and start.year > LAST_YEAR:
        report.add(record_id, "schedules", "schedule_dates_unusable")
        return None
    last = read_date_and_time(record.get("until"), zone)
    if (
        last is not None
        and time() < last.time() < (opens.at if opens else time.max)
        and last.date() > date.min
    ):
        # The rule ends before the session of that day starts.
        days["until"] = last.date() - timedelta(days=1)
    return Period(start, valid_from, earliest((days["until"], days["valid_to"])))


def _closing(
    record: Record, opens: ClockTime | None, closes: ClockTime | None, record_id: str, report: Report
) -> time | None:
    if closes is None:
        if not is_blank(record.get("closes_at")):
            report.add(record_id, "schedules.closes_at", "closing_unusable")
        return None
    if closes.offset is not None and (opens is None or closes.offset != opens.offset):
        report.add(record_id, "schedules.closes_at", "closing_unusable")
        return None
    return closes.at


def _text(record: Record) -> str:
    texts = (record.get("description"), record.get("notes"))
    return plain_text(" ".join(text for text in texts if isinstance(text, str)), MAX_TEXT_LENGTH).text
