"""One feed in, services and a report of defects out. Nothing that a feed holds makes this raise."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import orjson

from shared.directory.contacts import read_email, read_telephone, read_url
from shared.directory.costs import read_costs
from shared.directory.defects import Defect, Report
from shared.directory.languages import read_languages
from shared.directory.model import Service, Status
from shared.directory.needs import read_terms
from shared.directory.places import access_text, read_locations
from shared.directory.records import Record, looks_like_a_service, records_in, service_records
from shared.directory.schedules import day, read_schedules
from shared.directory.text import plain_text

LONGEST_NAME = 150
LONGEST_DESCRIPTION = 2000
LONGEST_ALERT = 300
OLDEST_AGE = 130
STALE_AFTER_MONTHS = 12
# Ids that are no UUID become one under this name, so that events can carry them.
IDS = uuid.UUID("6f0f5f5e-94b1-5d0c-8a0b-0a1d3f8f7c11")


@dataclass(frozen=True, slots=True)
class Import:
    """What came of a feed: `records` counts all that was looked at, taken or not."""

    records: int
    services: tuple[Service, ...]
    defects: tuple[Defect, ...]


def read_directory(document: bytes | str | object, feed: str, today: date) -> Import:
    """Read a feed's document: JSON as bytes or text, or parsed.

    `feed` names where it comes from and is part of the ids made for records without a UUID. `today` (London)
    tells what is stale or over. Never raises for what the document holds.
    """
    report = Report()
    if isinstance(document, bytes | str):
        try:
            document = orjson.loads(document)
        except orjson.JSONDecodeError:
            report.add("", "", "not_json")
            return Import(0, (), report.defects())
    found: dict[str, tuple[str, Service]] = {}
    records = 0
    for record in service_records(document):
        records += 1
        if not isinstance(record, Mapping) or not looks_like_a_service(record):
            report.add(_shown_id(record, records), "", "not_a_service")
            continue
        service = _service(record, feed, records, today, report)
        if service is not None:
            _take(service, str(record.get("last_modified") or ""), found, report)
    return Import(records, tuple(service for _, service in found.values()), report.defects())


def _take(service: Service, modified: str, found: dict[str, tuple[str, Service]], report: Report) -> None:
    before = found.get(service.id)
    if before is None:
        found[service.id] = (modified, service)
        return
    if before[1].model_copy(update={"locations": service.locations}) == service:
        # The same service at one more place: how services at locations are listed.
        places = tuple(dict.fromkeys((*before[1].locations, *service.locations)))
        if places != before[1].locations:
            found[service.id] = (modified, service.model_copy(update={"locations": places}))
            return
    report.add(service.record, "id", "id_duplicate")
    if modified > before[0]:
        found[service.id] = (modified, service)


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
    given = record.get("id")
    if not isinstance(given, str | int) or isinstance(given, bool) or not str(given).strip():
        report.add(shown, "id", "id_missing")
        given = f"{organisation_name}/{name}"
    terms = read_terms(record, shown, report)
    schedules = records_in(record, "schedules") or [
        schedule
        for at in records_in(record, "service_at_locations")
        for schedule in records_in(at, "schedules")
    ]
    minimum, maximum = _ages(record, shown, report)
    return Service(
        id=_ref(str(given).strip(), feed),
        record=shown,
        name=name,
        organisation=organisation_name.replace("\n", " ") or None,
        description=_description(record, shown, report),
        alert=_words(record, "alert", LONGEST_ALERT, shown, report),
        status=_status(record, shown, report),
        capacity=terms.capacity,
        needs=terms.needs,
        sensitive_needs=terms.sensitive,
        schedules=read_schedules(schedules, shown, today, report),
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
    )


def _shown_id(record: object, number: int) -> str:
    given = record.get("id") if isinstance(record, Mapping) else None
    return str(given).strip() if isinstance(given, str | int) and str(given).strip() else f"record {number}"


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
    limits = []
    for key in ("minimum_age", "maximum_age"):
        value = record.get(key)
        number = int(value) if isinstance(value, str) and value.strip().isdecimal() else value
        if number is not None and (
            isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number <= OLDEST_AGE
        ):
            report.add(shown, key, "age_unusable")
            number = None
        limits.append(None if number is None else int(number))
    if limits[0] is not None and limits[1] is not None and limits[0] > limits[1]:
        report.add(shown, "maximum_age", "age_unusable")
        return None, None
    return limits[0], limits[1]


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
