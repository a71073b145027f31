"""What this process said and will hear again: it is known already, so it need not be read.

An event of ours comes back through the log to whoever said it. Its fact was written with the decision, and
what is remembered here was committed, so the record changes nothing: no parsing, no transaction. What comes
under the same id from elsewhere, or with another body, goes the long way.
"""

from collections import OrderedDict
from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

from shared.delivery.dlq.dead_letters import Record
from shared.delivery.outbox.rows import Message

MAX_EVENTS: Final = 100_000
"""So many are remembered, some 20 MB; what was said before is read as anybody's."""
_ID, _SOURCE = "ce_id", "ce_source"
_Known = tuple[str, bytes, bytes, bytes]
"""Topic, key, source and a hash of the body."""


class OwnEventCache:
    """Events of this process that have not come back yet."""

    def __init__(self, most: int = MAX_EVENTS) -> None:
        self._most = most
        self._events: OrderedDict[bytes, _Known] = OrderedDict()

    def remember(self, messages: Iterable[Message]) -> None:
        """These were said, and what they tell is committed."""
        for message in messages:
            said_by = message.headers.get(_SOURCE)
            if said_by is not None:
                known = (message.topic, message.key, said_by.encode(), _digest(message.value))
                self._events[message.headers[_ID].encode()] = known
        while len(self._events) > self._most:
            self._events.popitem(last=False)

    def pop(self, record: Record) -> bool:
        """Whether this is one of them. It is forgotten then: it need not come again."""
        identity = next((value for name, value in record.headers if name == _ID), None)
        said = None if identity is None else self._events.get(identity)
        if said is None or identity is None or record.value is None:
            return False
        said_by = next((value for name, value in record.headers if name == _SOURCE), None)
        if (record.topic, record.key, said_by, _digest(record.value)) != said:
            return False
        del self._events[identity]
        return True


def _digest(value: bytes) -> bytes:
    return blake2b(value, digest_size=16).digest()
