"""A table in which a source owns a part of a locality, and the facts of a stub as our tests say them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from shared.contract.events import outcomes as o
from shared.contract.events.models import EventBody, MeetingBooked
from shared.platform.localities import OWN_VAULT, Localities, Source

_OUTCOMES: Mapping[str, type[EventBody]] = {
    "meeting_cancelled": o.MeetingCancelled,
    "meeting_waiting": o.MeetingWaiting,
}
RANK = 45


def owned_by(
    table: Localities, slug: str, part: str, name: str, address: str | None, epoch: int = 1
) -> Localities:
    """The table in which this source owns the part, with operations and pages at this address."""
    brings = Source(f"/{slug}/{name}", part, RANK, OWN_VAULT, api=address, pages=address)
    changed = tuple(
        replace(
            each,
            owners={**each.owners, part: name},
            epochs={**each.epochs, part: epoch},
            sources={**each.sources, brings.source: brings},
        )
        if each.slug == slug
        else each
        for each in table
    )
    outside = tuple(each for each in table._table.practices.values() if each.locality is None)
    return Localities(table.name, table.hub, changed, outside, version=table.version, rules=table.rules)


def body_of(event: str, body: Mapping[str, Any]) -> EventBody:
    """A stub's fact as a model."""
    if event == "meeting-booked":
        return MeetingBooked.model_validate_json(orjson.dumps(body))
    return _OUTCOMES[body["kind"]].model_validate_json(orjson.dumps(body))
