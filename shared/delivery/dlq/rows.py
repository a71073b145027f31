"""What was decided about a dead letter, as it lies in the service's database.

The letters themselves stay in their topic until retention. A row has the place of the record that was set
aside as its key, so that the same record set aside again is the same row.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal

from shared.contract.events.topics import Part, parse_topic
from shared.delivery.dlq.dead_letters import letter_id
from shared.delivery.mongo.database import Document, Row
from shared.delivery.outbox.rows import Message

DEAD_LETTERS: Final = "letters"

LetterState = Literal["asked", "replayed", "failed", "discarded"]
"""`asked`: the service is to take it again. `failed`: it did, and set it aside once more."""

TAKEN: Final[Document] = {"$or": [{"state": "replayed"}, {"taken": {"$exists": True}}]}
"""Asks for the rows of which `taken_at` knows when."""


def place_of(headers: Mapping[str, str]) -> str:
    """Where the record lay that a letter keeps: topic/partition/offset."""
    return "/".join(headers[f"dlq-original-{part}"] for part in ("topic", "partition", "offset"))


def locality_of(place: str) -> str:
    """The locality of the topic that a record lay in; empty where it was none of ours."""
    named = parse_topic(place.split("/", maxsplit=1)[0])
    return named.locality if named else ""


def taken_at(row: Row | None) -> datetime | None:
    """When the service took the record that a row speaks of, be it asked to take it again; None where it has
    not."""
    if row is None:
        return None
    taken: datetime | None = row.get("taken") or (row["ended"] if row["state"] == "replayed" else None)
    return taken


def asked_row(part: Part, letter: Message, ask: str, now: datetime, by: str, why: str) -> Document:
    """What asks the service to take a record again. The record stays sealed: only the service opens it."""
    place = place_of(letter.headers)
    return {
        "letter": letter_id(part, place),
        "locality": locality_of(place),
        "state": "asked",
        "ask": ask,
        "at": now,
        "by": by,
        "why": why,
        "sealed": letter.value,
        "headers": dict(letter.headers),
    }
