"""What is to be published, written in the transaction that decided it.

A row holds many messages and belongs to a lane; whoever holds the lane's lease publishes its rows.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from shared.contract.events.envelope import Envelope
from shared.platform.ids import NewId

ROW_BYTES: Final = 1_000_000
"""A row is split at this size: MongoDB refuses a document of over 16 MB."""


@dataclass(frozen=True, slots=True)
class Message:
    """One record to be published: text headers, bytes for key and value."""

    topic: str
    key: bytes
    value: bytes
    headers: Mapping[str, str]

    @classmethod
    def of(cls, envelope: Envelope) -> "Message":
        return cls(envelope.topic(), envelope.body.referral_id.encode(), envelope.raw, envelope.attributes())

    @property
    def size(self) -> int:
        return len(self.value) + len(self.key) + 64 * len(self.headers)

    def stored(self) -> dict[str, Any]:
        return {"t": self.topic, "k": self.key, "v": self.value, "h": orjson.dumps(dict(self.headers))}

    @classmethod
    def restore(cls, stored: Mapping[str, Any]) -> "Message":
        return cls(stored["t"], stored["k"], stored["v"], orjson.loads(stored["h"]))


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """Messages that are written, published and deleted together."""

    id: str
    messages: Sequence[Message]
    failures: int = 0
    """How often in a row a topic of theirs took nothing."""

    @classmethod
    def restore(cls, stored: Mapping[str, Any]) -> "OutboxRow":
        return cls(stored["_id"], [Message.restore(each) for each in stored["m"]], stored.get("failures", 0))

    def stored(self, lane: str, now: datetime) -> dict[str, Any]:
        return {"_id": self.id, "lane": lane, "at": now, "m": [message.stored() for message in self.messages]}


def rows_of(messages: Iterable[Message], new_id: NewId) -> list[OutboxRow]:
    """The rows that hold these messages in order; `ROW_BYTES` each, unless one message is larger."""
    return [OutboxRow(new_id(), page) for page in _pages(messages)]


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
