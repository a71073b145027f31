"""Reads one feed into services and a report of defects. No content of a feed makes it raise."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date

from services.matching.directory.feed.audience import read_ages, read_audience, read_languages
from services.matching.directory.feed.contacts import read_email, read_telephone, read_url
from services.matching.directory.feed.costs import read_costs
from services.matching.directory.feed.defects import Defect, Report
from services.matching.directory.feed.documents import NotJson, is_whole, parse
from services.matching.directory.feed.duplicates import Candidate, Deduplicator
from services.matching.directory.feed.model import Service, Status
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
from services.matching.directory.feed.times import read_date_and_time, read_day

MAX_NAME_LENGTH = 150
MAX_DESCRIPTION_LENGTH = 2000
MAX_ALERT_LENGTH = 300
MAX_RECORDS = 50_000
MAX_NUMERIC_ID = 10**40
STALE_AFTER_MONTHS = 12
# Events carry UUIDs. An id that is not a UUID becomes a version 5 UUID in this namespace.
ID_NAMESPACE = uuid.UUID("6f0f5f5e-94b1-5d0c-8a0b-0a1d3f8f7c11")


@dataclass(frozen=True, slots=True)
class Import:
    """The result of reading a feed. `records` counts all records, those left out included.

    `left_out` counts the defects beyond those listed. `refused` is the code of the defect for which the
    whole document was refused, if there is one.
    """

    records: int
    services: tuple[Service, ...]
    defects: tuple[Defect, ...]
    left_out: int = 0
    refused: str | None = None


def read_directory(document: bytes | str | object, feed: str, today: date) -> Import:
    """Reads a feed's document: JSON as bytes or text, or parsed; one page, or a list of all pages.

    `feed` is the name of the feed. Ids made for records without a UUID depend on it. `today`, in London,
    decides which entries are stale or over. No content of the document makes this raise.
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
    services = Deduplicator(report)
    records = 0
    for record in service_records(document):
        records += 1
        if records > MAX_RECORDS:
            return _refused("records_too_many")
        if not isinstance(record, Mapping) or not looks_like_a_service(record):
            report.add(_record_id(record, records), "", "not_a_service")
            continue
        service = _service(record, feed, records, today, report)
        if service is not None:
            modified = read_date_and_time(record.get("last_modified"), UTC)
            services.add(Candidate(service, modified, listed_by_place=LISTED_BY_PLACE in record))
    return Import(records, services.services(), report.defects(), report.left_out)


def _refused(code: str) -> Import:
    """An import without services and with one defect, because a full report has no room for the reason."""
    report = Report()
    report.add("", "", code)
    return Import(0, (), report.defects(), refused=code)


def _service(record: Record, feed: str, number: int, today: date, report: Report) -> Service | None:
    own = record.get("organization")
    organisation: Record = own if isinstance(own, Mapping) else {}
    # The report names a record without an id by its position in the file.
    record_id = _record_id(record, number)
    name = _text(record, "name", MAX_NAME_LENGTH, record_id, report).replace("\n", " ")
    if not name:
        report.add(record_id, "name", "name_blank")
        return None
    organisation_name = _text(
        organisation, "name", MAX_NAME_LENGTH, record_id, report, called="organization.name"
    )
    if not organisation_name:
        report.add(record_id, "organization", "organisation_missing")
    given = _own_id(record)
    if given is None:
        report.add(record_id, "id", "id_missing")
        given = f"{organisation_name}/{name}"
    terms = read_terms(record, record_id, report)
    minimum, maximum = read_ages(record, record_id, report)
    description = _description(record, record_id, report)
    return Service(
        id=_service_id(given, feed),
        record=record_id,
        name=name,
        organisation=organisation_name.replace("\n", " ") or None,
        description=description,
        alert=_text(record, "alert", MAX_ALERT_LENGTH, record_id, report),
        status=_status(record, record_id, report),
        capacity=terms.capacity,
        needs=terms.needs,
        sensitive_needs=terms.sensitive,
        schedules=read_schedules(record, record_id, today, report),
        costs=read_costs(record, record_id, today, report),
        minimum_age=minimum,
        maximum_age=maximum,
        accessibility=access_text(record),
        languages=read_languages(record, record_id, report),
        locations=read_locations(record, record_id, terms.step_free, report),
        assured_on=_assured_on(record, record_id, today, report),
        email=read_email(record, organisation, record_id, report),
        telephone=read_telephone(record, record_id, report),
        url=read_url(record, record_id, report),
        audience=read_audience(record, name, description),
    )


def _record_id(record: object, number: int) -> str:
    given = _own_id(record) if isinstance(record, Mapping) else None
    return given or f"record {number}"


def _own_id(record: Record) -> str | None:
    given = record.get("id")
    if isinstance(given, bool) or not isinstance(given, str | int):
        return None
    # Python refuses to write integers of thousands of digits.
    return (
        given.strip() if isinstance(given, str) else f"{given:d}" if abs(given) < MAX_NUMERIC_ID else ""
    ) or None


def _service_id(given: str, feed: str) -> str:
    try:
        return str(uuid.UUID(given))
    except ValueError:
        return str(uuid.uuid5(ID_NAMESPACE, f"{feed}/{given}"))


def _text(
    record: Record, key: str, max_length: int, record_id: str, report: Report, *, called: str | None = None
) -> str:
    value = record.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        report.add(record_id, called or key, "text_wrong_type")
        return ""
    read = plain_text(value, max_length)
    for code in read.defects:
        report.add(record_id, called or key, code)
    return read.text


def _description(record: Record, record_id: str, report: Report) -> str:
    words = _text(record, "description", MAX_DESCRIPTION_LENGTH, record_id, report)
    given = record.get("description")
    if not words:
        only_html = isinstance(given, str) and bool(given.strip())
        report.add(record_id, "description", "description_only_html" if only_html else "description_blank")
    return words


def _status(record: Record, record_id: str, report: Report) -> Status:
    given = record.get("status")
    if given is None or given == "":
        report.add(record_id, "status", "status_missing")
        return Status.UNKNOWN
    written = " ".join(str(given).replace("_", " ").lower().split()) if isinstance(given, str) else ""
    known = next((status for status in Status if status.value == written), Status.UNKNOWN)
    if known is Status.UNKNOWN:
        report.add(record_id, "status", "status_unknown")
    elif isinstance(given, str) and given != given.strip():
        report.add(record_id, "status", "spaces_removed")
    return known


def _assured_on(record: Record, record_id: str, today: date, report: Report) -> date | None:
    given = record.get("assured_date")
    if given in (None, ""):
        report.add(record_id, "assured_date", "assurance_missing")
        return None
    on = read_day(given)
    if on is None or on > today or on.year < 1990:
        report.add(record_id, "assured_date", "assurance_unusable")
        return None
    months = (today.year - on.year) * 12 + today.month - on.month - (today.day < on.day)
    if months >= STALE_AFTER_MONTHS and (months > STALE_AFTER_MONTHS or today.day > on.day):
        report.add(record_id, "assured_date", "assurance_stale")
    return on
