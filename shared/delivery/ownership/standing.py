"""The standing of a part in a locality: its epoch, and whether this service decides there. Pure.

The collection `ownership` holds a document for each (locality, part), and slots. A slot is a row of one
process. Each transaction that decides writes a slot of its process, and whoever changes a standing writes the
document and all slots in one transaction. So no decision is committed under a standing that has ended
([ADR 117](docs/adr/0117-decisions-are-fenced-by-slots.md)).
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final, NamedTuple

from aiokafka import TopicPartition

from shared.contract.events.topics import OUR_SOURCES, SourcePart
from shared.delivery.mongo.database import Document, Row
from shared.delivery.offsets.verdict import HandledOffset
from shared.platform.localities import OURS

OWNERSHIP: Final = "ownership"
# A locality and a part.
Key = tuple[str, SourcePart]


class Standing(NamedTuple):
    """How a part stands in a locality, by the service's database. Without a document: ours, in epoch 0.

    Attributes:
        decides: this service decides there. False from the flip until the part is ours again.
        looked: every open referral was looked at since the part became ours.
        since: when its first marker was written; None if the part was ours from the beginning.
        held: the database was restored, and has not read the log to its end (`delivery/restored/`).
        restored_at: messages that were due by then may have been sent, and wait for a decision on that.
    """

    epoch: int = 0
    decides: bool = True
    looked: bool = True
    since: datetime | None = None
    held: bool = False
    restored_at: datetime | None = None

    @classmethod
    def of(cls, row: Row) -> "Standing":
        """The standing of a document."""
        held, restored_at = row.get("held", False), row.get("restored_at")
        return cls(row["epoch"], row["decides"], row["looked"], row.get("since"), held, restored_at)


class TableOwner(NamedTuple):
    """The owner of a part in a locality, by the table in force."""

    owner: str = OURS
    epoch: int = 0


# Finds the documents whose standing is not the first one.
CHANGED: Final[Mapping[str, object]] = {
    "$or": [{"epoch": {"$ne": 0}}, {"decides": False}, {"looked": False}, {"restored_at": {"$ne": None}}],
}


def epoch_of(row: Row) -> int:
    """The epoch of a stored task. A row of before hand-overs names none."""
    epoch: int = row.get("epoch", 0)
    return epoch


def document_id(key: Key) -> str:
    """The key of a part's document."""
    return f"{key[0]}/{key[1]}"


def slot_id(key: Key, lane: str, number: int) -> str:
    """The key of a slot of the process of this lane."""
    return f"{document_id(key)}/{lane}/{number}"


def first_document(key: Key) -> Document:
    """The document of a part before any hand-over."""
    locality, part = key
    return {
        "_id": document_id(key),
        "locality": locality,
        "part": part,
        "epoch": 0,
        "decides": True,
        "looked": True,
    }


def held_document(key: Key) -> Document:
    """The first document of a part in a restored database, which may lack what was decided since."""
    return first_document(key) | {"decides": False, "held": True, "decided": True}


def agrees(standing: Standing, table: TableOwner) -> bool:
    """False if the table in force says that this standing has ended.

    A standing of a later epoch than the table's rests on a version that this process has not read yet.
    """
    return standing.epoch > table.epoch or (standing.epoch == table.epoch and table.owner == OURS)


def comes_back(standing: Standing, table: TableOwner) -> bool:
    """True if the table gives us the part in a later epoch, which begins behind its markers."""
    return table.owner == OURS and table.epoch > standing.epoch


def has_passed(
    topics: Collection[str],
    handled: Mapping[TopicPartition, HandledOffset],
    markers: Mapping[TopicPartition, int],
) -> bool:
    """True if every fact before a marker is in the facts, in every partition of all these topics.

    `markers` are the marker's offsets. A marker is stored before the facts of its batch, so that it alone
    does not show that they are stored.
    """
    if {at.topic for at in handled} < set(topics):
        return False
    return all(
        at in markers and markers[at] < offset.next for at, offset in handled.items() if at.topic in topics
    )


def names_of(part: SourcePart) -> list[str]:
    """The last words of the sources in whose name a part speaks."""
    return [name for name, parts in OUR_SOURCES.items() if part in parts]
