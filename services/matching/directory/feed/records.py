"""Finds the service records in a feed's document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Record = Mapping[str, Any]


# A page holds organisations that hold services. A document nested much deeper is not a feed.
MAX_DEPTH = 8
# Marks a service that was listed once for each of its places.
LISTED_BY_PLACE = "linkwork:listed_by_place"


def service_records(document: object, depth: int = 0) -> Iterator[object]:
    """Yields each service of a document: a service, a page, an organisation, or services at locations.

    Other values are yielded unchanged, so that the report counts them. An empty page yields nothing.
    """
    if isinstance(document, list) and depth < MAX_DEPTH:
        for item in document:
            yield from service_records(item, depth + 1)
    elif not isinstance(document, Mapping) or depth >= MAX_DEPTH:
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
    """True for a record with a field that only services have, not organisations, terms or schemas."""
    if not isinstance(record, Mapping):
        return False
    marks = ("status", "organization", "organization_id", "schedules", "service_at_locations", "cost_options")
    return any(mark in record for mark in marks) and not isinstance(record.get("properties"), Mapping)


def records_in(record: Record, key: str) -> list[Record]:
    """The records in a record's list; empty if the list is missing or is another type."""
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
