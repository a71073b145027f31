"""Harmful records of every sort, with the expected result of each."""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import cycle

from aiokafka.partitioner import murmur2

from chaos.bus import Bus
from chaos.evidence import Poisoned
from chaos.journeys import Partner
from chaos.log import EVENTS
from chaos.says import Saying

MEGABYTE = 1_000_000
PARTITIONS = 3


def sorts(partner: Partner, now: datetime, chance: random.Random) -> list[tuple[str, Saying, bool]]:
    """One record of each sort. True marks a record that can only become a dead letter; the others are events.

    Each sort appears on one of the three topics, the next time on another.
    """
    events = [partner.of_one(event, now) for event in chance.sample(EVENTS, len(EVENTS))]
    turns = cycle(events)

    def good() -> Saying:
        return next(turns)()

    def of_a_later_version() -> Saying:
        event = good()
        return retyped(event, (dict(event.headers)["ce_type"] or b"").replace(b".v1", b".v2"))

    def retyped(event: Saying, kind: bytes) -> Saying:
        return replace(event, headers=[(k, kind if k == "ce_type" else v) for k, v in event.headers])

    def headed(**changed: bytes | None) -> Saying:
        event = good()
        return replace(event, headers=[(k, changed.get(k, v)) for k, v in event.headers])

    def with_header(name: str, value: bytes | None) -> Saying:
        event = good()
        return replace(event, headers=[*event.headers, (name, value)])

    def with_body(value: bytes) -> Saying:
        return replace(good(), value=value)

    return [
        ("a null header of the envelope", headed(ce_id=None), True),
        ("a binary header of the envelope", headed(ce_source=b"\xff\xfe\x00"), True),
        ("no headers", replace(good(), headers=[]), True),
        ("an id that is none", headed(ce_id=b"1"), True),
        ("a time that is none", headed(ce_time=b"yesterday"), True),
        ("another locality's source", headed(ce_source=b"/nowhere/history"), True),
        ("somebody else's null header", with_header("x-tenant", None), False),
        ("somebody else's binary header", with_header("x-trace", b"\xff\xfe\x80"), False),
        ("an oversized header", with_header("x-large", b"x" * 200_000), False),
        ("reply_to", with_header("reply_to", f"{partner.locality}.outcome-recorded.v1".encode()), False),
        ("an empty body", with_body(b""), True),
        ("invalid JSON", with_body(b'{"referral_id": '), True),
        ("a body that is not text", with_body(bytes(range(256))), True),
        ("a body of a megabyte", with_body(b'{"a":"' + b"x" * MEGABYTE + b'"}'), True),
        ("a body without what it needs", with_body(b"{}"), True),
        ("an unknown kind", partner.of_an_unknown_kind(now), False),
        ("a later version", of_a_later_version(), True),
        ("an unknown type", headed(ce_type=b"org.example.something.v1"), True),
        ("a wrong key", replace(good(), key=b"not-the-subject"), True),
        ("another partition", _elsewhere(good(), chance), False),
    ]


def _elsewhere(event: Saying, chance: random.Random) -> Saying:
    """A partition other than that of the key."""
    right = (murmur2(event.key) & 0x7FFFFFFF) % PARTITIONS
    return replace(event, partition=(right + chance.randint(1, PARTITIONS - 1)) % PARTITIONS)


class Poisoner:
    """Publishes one record of each sort in a locality, and stores their positions."""

    def __init__(
        self, partners: Sequence[Partner], clock: Callable[[], datetime], chance: random.Random
    ) -> None:
        self._partners = partners
        self._clock = clock
        self._chance = chance
        self.put_there: list[Poisoned] = []

    async def put(self, bus: Bus) -> None:
        """Publishes one record of each sort."""
        for sort, record, aside in sorts(self._chance.choice(self._partners), self._clock(), self._chance):
            headers = tuple(record.headers)
            self.put_there.append(
                Poisoned(sort, aside, time.time(), record.topic, record.key, record.value, headers)
            )
            # Past admission, which would refuse most of it: the services must stand it all the same.
            await (bus.put(record) if aside else bus.say([record], past_admission=True))
