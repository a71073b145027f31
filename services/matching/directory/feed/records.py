"""Finding the service records in whatever document a feed answers with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Record = Mapping[str, Any]


# A page holds organisations that hold services: anything much deeper is no feed.
DEEPEST = 8
# Marks a service that was listed once for each of its places.
LISTED_BY_PLACE = "linkwork:listed_by_place"


def service_records(document: object, depth: int = 0) -> Iterator[object]:
    """Every service in a document: one service, a page of them, an organisation's, or services at locations.

    Yields what is not a service as it is, for the report. A page with nothing in it yields nothing.
    """
    if isinstance(document, list) and depth < DEEPEST:
        for item in document:
            yield from service_records(item, depth + 1)
    elif not isinstance(document, Mapping) or depth >= DEEPEST:
        yield document
    elif isinstance(document.get("contents"), list):
        yield from service_records(document["contents"], depth + 1)
    elif isinstance(document.get("services"), list):
        yield from _of_organisation(document)
    elif isinstance(document.get("service"), Mapping):
        yield _at_location(document)
    else:
        yield document


def looks_like_a_service(record: object) -> bool:
    """Whether a record has what only services have; organisations, terms and schemas have not."""
    if not isinstance(record, Mapping):
        return False
    marks = ("status", "organization", "organization_id", "schedules", "service_at_locations", "cost_options")
    return any(mark in record for mark in marks) and not isinstance(record.get("properties"), Mapping)


def records_in(record: Record, key: str) -> list[Record]:
    """A record's list of records; empty where it is missing or something else."""
    value = record.get(key)
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _of_organisation(organisation: Record) -> Iterator[object]:
    named = {key: value for key, value in organisation.items() if key != "services"}
    for service in organisation["services"]:
        if isinstance(service, Mapping) and "organization" not in service and "name" in named:
            yield {**service, "organization": named}
        else:
            yield service


def _at_location(record: Record) -> Record:
    service: Record = record["service"]
    here = {key: value for key, value in record.items() if key != "service"}
    places = [*records_in(service, "service_at_locations"), here]
    return {**service, "service_at_locations": places, LISTED_BY_PLACE: True}
