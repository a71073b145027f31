"""One feed in, services and a report of defects out. Nothing that a feed holds makes this raise."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date

from services.matching.directory.feed.audience import read_audience
from services.matching.directory.feed.contacts import read_email, read_telephone, read_url
from services.matching.directory.feed.costs import read_costs
from services.matching.directory.feed.defects import Defect, Report
from services.matching.directory.feed.documents import NotJson, is_whole, parse
from services.matching.directory.feed.duplicates import Found, Taken
from services.matching.directory.feed.languages import read_languages
from services.matching.directory.feed.model import Service, Status
from services.matching.directory.feed.moments import blank, date_and_time, day
from services.matching.directory.feed.needs import read_terms
from services.matching.directory.feed.places import access_text, read_locations
from services.matching.directory.feed.records import (
    LISTED_BY_PLACE,
    Record,
    looks_like_a_service,
    service_records,
)
from services.matching.directory.feed.schedules import read_schedules
from services.matching.directory.feed.text import plain_text

LONGEST_NAME = 150
LONGEST_DESCRIPTION = 2000
LONGEST_ALERT = 300
OLDEST_AGE = 130
LONGEST_AGE = 9
MOST_RECORDS = 50_000
LARGEST_ID = 10**40
STALE_AFTER_MONTHS = 12
# Ids that are no UUID become one under this name, so that events can carry them.
IDS = uuid.UUID("6f0f5f5e-94b1-5d0c-8a0b-0a1d3f8f7c11")


@dataclass(frozen=True, slots=True)
class Import:
    """What came of a feed: `records` counts all that was looked at, taken or not.

    `left_out` counts the defects beyond those listed. `refused` is the code of the defect for which nothing
    of the document was taken, if there is one.
    """

    records: int
    services: tuple[Service, ...]
    defects: tuple[Defect, ...]
    left_out: int = 0
    refused: str | None = None


def read_directory(document: bytes | str | object, feed: str, today: date) -> Import:
    """Read a feed's document: JSON as bytes or text, or parsed; one page, or a list of all pages.

    `feed` names where it comes from and is part of the ids made for records without a UUID. `today` (London)
    tells what is stale or over. Never raises for what the document holds.
    """
    report = Report()
    if isinstance(document, bytes | str):
        try:
            document, replaced = parse(document)
        except NotJson:
            return _refused("not_json")
        if replaced:
            report.add("", "", "characters_replaced")
    if not is_whole(document):
        return _refused("pages_missing")
    taken = Taken(report)
    records = 0
    for record in service_records(document):
        records += 1
        if records > MOST_RECORDS:
            return _refused("records_too_many")
        if not isinstance(record, Mapping) or not looks_like_a_service(record):
            report.add(_shown_id(record, records), "", "not_a_service")
            continue
        service = _service(record, feed, records, today, report)
        if service is not None:
            modified = date_and_time(record.get("last_modified"), UTC)
            taken.add(Found(service, modified, listed_by_place=LISTED_BY_PLACE in record))
    return Import(records, taken.services(), report.defects(), report.left_out)


def _refused(code: str) -> Import:
    """Nothing is taken, and nothing else is said: a full report has no room for the reason."""
    report = Report()
    report.add("", "", code)
    return Import(0, (), report.defects(), refused=code)


def _service(record: Record, feed: str, number: int, today: date, report: Report) -> Service | None:
    own = record.get("organization")
    organisation: Record = own if isinstance(own, Mapping) else {}
    # Until the id is known the report names the record by its place in the file.
    shown = _shown_id(record, number)
    name = _words(record, "name", LONGEST_NAME, shown, report).replace("\n", " ")
    if not name:
        report.add(shown, "name", "name_blank")
        return None
    organisation_name = _words(organisation, "name", LONGEST_NAME, shown, report, called="organization.name")
    if not organisation_name:
        report.add(shown, "organization", "organisation_missing")
    given = _written_id(record)
    if given is None:
        report.add(shown, "id", "id_missing")
        given = f"{organisation_name}/{name}"
    terms = read_terms(record, shown, report)
    minimum, maximum = _ages(record, shown, report)
    description = _description(record, shown, report)
    return Service(
        id=_ref(given, feed),
        record=shown,
        name=name,
        organisation=organisation_name.replace("\n", " ") or None,
        description=description,
        alert=_words(record, "alert", LONGEST_ALERT, shown, report),
        status=_status(record, shown, report),
        capacity=terms.capacity,
        needs=terms.needs,
        sensitive_needs=terms.sensitive,
        schedules=read_schedules(record, shown, today, report),
        costs=read_costs(record, shown, today, report),
        minimum_age=minimum,
        maximum_age=maximum,
        accessibility=access_text(record),
        languages=read_languages(record, shown, report),
        locations=read_locations(record, shown, terms.step_free, report),
        assured_on=_assured(record, shown, today, report),
        email=read_email(record, organisation, shown, report),
        telephone=read_telephone(record, shown, report),
        url=read_url(record, shown, report),
        audience=read_audience(record, name, description),
    )


def _shown_id(record: object, number: int) -> str:
    given = _written_id(record) if isinstance(record, Mapping) else None
    return given or f"record {number}"


def _written_id(record: Record) -> str | None:
    given = record.get("id")
    if isinstance(given, bool) or not isinstance(given, str | int):
        return None
    # No number of thousands of digits: Python refuses to write them.
    return (
        given.strip() if isinstance(given, str) else f"{given:d}" if abs(given) < LARGEST_ID else ""
    ) or None


def _ref(given: str, feed: str) -> str:
    try:
        return str(uuid.UUID(given))
    except ValueError:
        return str(uuid.uuid5(IDS, f"{feed}/{given}"))


def _words(
    record: Record, key: str, longest: int, shown: str, report: Report, *, called: str | None = None
) -> str:
    value = record.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        report.add(shown, called or key, "text_wrong_type")
        return ""
    read = plain_text(value, longest)
    for code in read.defects:
        report.add(shown, called or key, code)
    return read.text


def _description(record: Record, shown: str, report: Report) -> str:
    words = _words(record, "description", LONGEST_DESCRIPTION, shown, report)
    given = record.get("description")
    if not words:
        only_html = isinstance(given, str) and bool(given.strip())
        report.add(shown, "description", "description_only_html" if only_html else "description_blank")
    return words


def _status(record: Record, shown: str, report: Report) -> Status:
    given = record.get("status")
    if given is None or given == "":
        report.add(shown, "status", "status_missing")
        return Status.UNKNOWN
    written = " ".join(str(given).replace("_", " ").lower().split()) if isinstance(given, str) else ""
    known = next((status for status in Status if status.value == written), Status.UNKNOWN)
    if known is Status.UNKNOWN:
        report.add(shown, "status", "status_unknown")
    elif isinstance(given, str) and given != given.strip():
        report.add(shown, "status", "spaces_removed")
    return known


def _ages(record: Record, shown: str, report: Report) -> tuple[int | None, int | None]:
    youngest, oldest = (_age(record, key, shown, report) for key in ("minimum_age", "maximum_age"))
    if oldest == 0:
        # A database's way to say that there is no limit: nothing here is for babies without a parent.
        report.add(shown, "maximum_age", "age_unusable")
        oldest = None
    if youngest is not None and oldest is not None and youngest > oldest:
        report.add(shown, "maximum_age", "age_unusable")
        return None, None
    return youngest, oldest


def _age(record: Record, key: str, shown: str, report: Report) -> int | None:
    value = record.get(key)
    if blank(value):
        return None
    if isinstance(value, str) and value.strip().isdecimal() and len(value.strip()) <= LONGEST_AGE:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= OLDEST_AGE:
        report.add(shown, key, "age_unusable")
        return None
    return int(value)


def _assured(record: Record, shown: str, today: date, report: Report) -> date | None:
    given = record.get("assured_date")
    if given in (None, ""):
        report.add(shown, "assured_date", "assurance_missing")
        return None
    on = day(given)
    if on is None or on > today or on.year < 1990:
        report.add(shown, "assured_date", "assurance_unusable")
        return None
    months = (today.year - on.year) * 12 + today.month - on.month - (today.day < on.day)
    if months >= STALE_AFTER_MONTHS and (months > STALE_AFTER_MONTHS or today.day > on.day):
        report.add(shown, "assured_date", "assurance_stale")
    return on
