"""What this process said and will hear again: it is known already, so it need not be read.

An event of ours comes back through the log to whoever said it. Its fact was written with the decision, and
what is remembered here was committed, so the record changes nothing: no parsing, no transaction. Anything
that is not exactly what was said, header by header, goes the long way.
"""

from collections import OrderedDict
from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

from shared.delivery.dead_letters import Record
from shared.delivery.outbox import Message

MOST: Final = 100_000
"""So many are remembered, some 20 MB; what was said before is read as anybody's."""
_ID = "ce_id"


class Echoes:
    """Events of this process that have not come back yet."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._said: OrderedDict[str, bytes] = OrderedDict()

    def remember(self, messages: Iterable[Message]) -> None:
        """These were said, and what they tell is committed."""
        for message in messages:
            headers = [(name, value.encode()) for name, value in message.headers.items()]
            if identity := message.headers.get(_ID):
                self._said[identity] = _digest(message.topic, message.key, message.value, headers)
        while len(self._said) > self._most:
            self._said.popitem(last=False)

    def heard(self, record: Record) -> bool:
        """Whether this is one of them, to the last byte. It is forgotten then: it need not come again."""
        for name, value in record.headers:
            if name == _ID and value is not None:
                said = self._said.get(value.decode("ascii", "replace"))
                break
        else:
            return False
        if said is None or record.key is None or record.value is None:
            return False
        if _digest(record.topic, record.key, record.value, record.headers) != said:
            return False
        del self._said[value.decode()]
        return True


def _digest(topic: str, key: bytes, value: bytes, headers: Iterable[tuple[str, bytes | None]]) -> bytes:
    parts = [topic.encode(), key, value]
    for name, header in headers:
        parts += (name.encode(), header or b"")
    # Lengths keep two records apart whose parts only look the same when put together.
    lengths = ",".join(str(len(part)) for part in parts).encode()
    return blake2b(b"".join([lengths, *parts]), digest_size=16).digest()
