"""The decisions about dead letters, as rows of the service's database.

The letters themselves stay in their topic until retention. The key of a row is the position of the record,
so the same record dead-lettered again has the same row.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal

from shared.contract.events.topics import Part, parse_topic
from shared.delivery.dlq.dead_letters import letter_id
from shared.delivery.mongo.database import Document, Row
from shared.delivery.outbox.rows import Message

DEAD_LETTERS: Final = "dead_letters"

# `asked`: a replay is requested. `failed`: the replay ended in a new dead letter.
LetterState = Literal["asked", "replayed", "failed", "discarded"]

# The query for the rows that have a `taken_at`.
TAKEN: Final[Document] = {"$or": [{"state": "replayed"}, {"taken": {"$exists": True}}]}


def place_of(headers: Mapping[str, str]) -> str:
    """The position of the record that a letter keeps: topic/partition/offset."""
    return "/".join(headers[f"dlq-original-{part}"] for part in ("topic", "partition", "offset"))


def locality_of(place: str) -> str:
    """The locality of a record's topic; empty if the topic is none of ours."""
    named = parse_topic(place.split("/", maxsplit=1)[0])
    return named.locality if named else ""


def taken_at(row: Row | None) -> datetime | None:
    """The time at which the service took the record, even if another replay was asked for since, or None."""
    if row is None:
        return None
    taken: datetime | None = row.get("taken") or (row["ended"] if row["state"] == "replayed" else None)
    return taken


def asked_row(part: Part, letter: Message, ask: str, now: datetime, by: str, why: str) -> Document:
    """The row that asks the service to replay a record.

    The record stays sealed: only the service opens it.
    """
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
