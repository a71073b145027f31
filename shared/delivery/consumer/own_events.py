"""Events that this process emitted and will receive again. They are known already, so it need not parse them.

An event of ours comes back through the log to the service that emitted it. Its fact was committed with the
decision, so the record changes nothing and needs no transaction. A record with the same id but another source
or body is handled like any other.
"""

from collections import OrderedDict
from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

from shared.delivery.dlq.dead_letters import Record
from shared.delivery.outbox.rows import Message

# About 20 MB. An event that is no longer remembered is handled like any other.
MAX_EVENTS: Final = 100_000
_ID, _SOURCE = "ce_id", "ce_source"
# Topic, key, source and a hash of the body.
_Known = tuple[str, bytes, bytes, bytes]


class OwnEventCache:
    """Events of this process that have not come back yet."""

    def __init__(self, max_events: int = MAX_EVENTS) -> None:
        self._max_events = max_events
        self._events: OrderedDict[bytes, _Known] = OrderedDict()

    def remember(self, messages: Iterable[Message]) -> None:
        """Adds events that were committed."""
        for message in messages:
            source = message.headers.get(_SOURCE)
            if source is not None:
                known = (message.topic, message.key, source.encode(), _digest(message.value))
                self._events[message.headers[_ID].encode()] = known
        while len(self._events) > self._max_events:
            self._events.popitem(last=False)

    def pop(self, record: Record) -> bool:
        """True if the record is an event of this process. The cache then forgets it."""
        identity = next((value for name, value in record.headers if name == _ID), None)
        known = None if identity is None else self._events.get(identity)
        if known is None or identity is None or record.value is None:
            return False
        source = next((value for name, value in record.headers if name == _SOURCE), None)
        if (record.topic, record.key, source, _digest(record.value)) != known:
            return False
        del self._events[identity]
        return True


def _digest(value: bytes) -> bytes:
    return blake2b(value, digest_size=16).digest()
