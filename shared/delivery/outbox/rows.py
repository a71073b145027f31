"""Outbox rows: messages to publish, written in the transaction that decided on them.

A row holds many messages and belongs to a lane. The holder of the lane's lease publishes its rows. The events
of a row are one part's in one locality, so that a row of an ended epoch can be set aside.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from shared.contract.events.envelope import Envelope
from shared.contract.events.topics import locality_of_source
from shared.platform.ids import NewId

# A row is split at this size, because MongoDB refuses a document of over 16 MB.
ROW_BYTES: Final = 1_000_000
# The epoch of what is decided before any hand-over.
FIRST_EPOCH: Final = 0
_SOURCE: Final = "ce_source"


@dataclass(frozen=True, slots=True)
class Message:
    """One record to publish: text headers, bytes for key and value."""

    topic: str
    key: bytes
    value: bytes
    headers: Mapping[str, str]

    @classmethod
    def of(cls, envelope: Envelope) -> "Message":
        """The message of an event."""
        return cls(envelope.topic(), envelope.body.referral_id.encode(), envelope.raw, envelope.attributes())

    @property
    def size(self) -> int:
        """Its bytes, about."""
        return len(self.value) + len(self.key) + 64 * len(self.headers)

    def stored(self) -> dict[str, Any]:
        """The stored form."""
        return {"t": self.topic, "k": self.key, "v": self.value, "h": orjson.dumps(dict(self.headers))}

    @classmethod
    def restore(cls, stored: Mapping[str, Any]) -> "Message":
        """The message of a stored form."""
        return cls(stored["t"], stored["k"], stored["v"], orjson.loads(stored["h"]))


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """Messages that are written, published and deleted together.

    Attributes:
        failures: attempts in a row in which a topic accepted nothing.
        source: the source of its events, which names locality and part; none for dead letters.
        epoch: the epoch of the part in which its events were decided.
    """

    id: str
    messages: Sequence[Message]
    failures: int = 0
    source: str | None = None
    epoch: int = FIRST_EPOCH

    @classmethod
    def restore(cls, stored: Mapping[str, Any]) -> "OutboxRow":
        """The row of a stored form."""
        messages = [Message.restore(each) for each in stored["m"]]
        source, epoch = stored.get("source"), stored.get("epoch", FIRST_EPOCH)
        return cls(stored["_id"], messages, stored.get("failures", 0), source, epoch)

    def stored(self, lane: str, now: datetime) -> dict[str, Any]:
        """The stored form."""
        row = {"_id": self.id, "lane": lane, "at": now, "m": [message.stored() for message in self.messages]}
        if self.source is None:
            return row
        locality, part = locality_of_source(self.source), self.source.rpartition("/")[2]
        return row | {"source": self.source, "locality": locality, "part": part, "epoch": self.epoch}


def rows_of(
    messages: Iterable[Message], new_id: NewId, epoch_of: Callable[[str], int] = lambda _: FIRST_EPOCH
) -> list[OutboxRow]:
    """The rows of these messages, each source's in order, of `ROW_BYTES` unless a message is larger.

    `epoch_of` tells the epoch in which the events of a source were decided.
    """
    by_source: dict[str | None, list[Message]] = {}
    for message in messages:
        by_source.setdefault(message.headers.get(_SOURCE), []).append(message)
    return [
        OutboxRow(new_id(), page, source=source, epoch=FIRST_EPOCH if source is None else epoch_of(source))
        for source, all_of in by_source.items()
        for page in _pages(all_of)
    ]


def _pages(messages: Iterable[Message]) -> Iterable[Sequence[Message]]:
    page: list[Message] = []
    size = 0
    for message in messages:
        if page and size + message.size > ROW_BYTES:
            yield page
            page, size = [], 0
        page.append(message)
        size += message.size
    if page:
        yield page
