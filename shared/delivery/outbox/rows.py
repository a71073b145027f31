"""Outbox rows: messages to publish, written in the transaction that decided on them.

A row holds many messages and belongs to a lane. The holder of the lane's lease publishes its rows.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from shared.contract.events.envelope import Envelope
from shared.platform.ids import NewId

# A row is split at this size, because MongoDB refuses a document of over 16 MB.
ROW_BYTES: Final = 1_000_000


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
    """

    id: str
    messages: Sequence[Message]
    failures: int = 0

    @classmethod
    def restore(cls, stored: Mapping[str, Any]) -> "OutboxRow":
        """The row of a stored form."""
        messages = [Message.restore(each) for each in stored["m"]]
        return cls(stored["_id"], messages, stored.get("failures", 0))

    def stored(self, lane: str, now: datetime) -> dict[str, Any]:
        """The stored form."""
        return {"_id": self.id, "lane": lane, "at": now, "m": [message.stored() for message in self.messages]}


def rows_of(messages: Iterable[Message], new_id: NewId) -> list[OutboxRow]:
    """The rows that hold these messages in order, of `ROW_BYTES` each unless one message is larger."""
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
