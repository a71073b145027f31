"""A table in which a source owns a part of a locality, and the facts of a stub as our tests say them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson

from shared.contract.events import outcomes as o
from shared.contract.events.models import EventBody, MeetingBooked
from shared.platform.localities import OWN_VAULT, Claim, Localities, Locality, Source

_OUTCOMES: Mapping[str, type[EventBody]] = {
    "meeting_cancelled": o.MeetingCancelled,
    "meeting_waiting": o.MeetingWaiting,
}
# That of our own booking, casework and directory, which the table asks of an owner.
RANK = 40


def owned_by(
    table: Localities, slug: str, part: str, name: str, address: str | None, epoch: int = 1
) -> Localities:
    """The table in which this source owns the part, with operations and pages at this address."""
    brings = Source(f"/{slug}/{name}", part, RANK, OWN_VAULT, api=address, pages=address)
    there = table.by_slug[slug]
    return _with(
        table,
        replace(
            there,
            owners={**there.owners, part: name},
            epochs={**there.epochs, part: epoch},
            sources={**there.sources, brings.source: brings},
        ),
    )


def claimed_for(table: Localities, slug: str, part: str, to: str) -> Localities:
    """The table in which the part is being handed over to this owner."""
    there = table.by_slug[slug]
    claim = Claim(to, datetime(2026, 11, 23, 9, 0, tzinfo=UTC))
    return _with(table, replace(there, handing_over={**there.handing_over, part: claim}))


def _with(table: Localities, changed: Locality) -> Localities:
    """The table with this entry in place of its locality's."""
    places = tuple(changed if each.slug == changed.slug else each for each in table)
    outside = tuple(each for each in table._table.practices.values() if each.locality is None)
    return Localities(table.name, table.hub, places, outside, version=table.version, rules=table.rules)


def body_of(event: str, body: Mapping[str, Any]) -> EventBody:
    """A stub's fact as a model."""
    if event == "meeting-booked":
        return MeetingBooked.model_validate_json(orjson.dumps(body))
    return _OUTCOMES[body["kind"]].model_validate_json(orjson.dumps(body))
