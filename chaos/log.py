"""Reads the bus from outside: without a group, every partition to its end, as plain JSON."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

# The arguments of every client: addresses and user.
Client = Mapping[str, Any]
Content = tuple[str, bytes, bytes, tuple[tuple[str, bytes | None], ...]]
# The type of a record by which an operator hands a part over. It is about no referral.
MARKER = b"org.linkwork.part-handed-over.v1"
EVENTS = ("referral-created", "meeting-booked", "outcome-recorded")


@dataclass(frozen=True, slots=True)
class Entry:
    """A record. `at` is the time of its producer, in seconds since 1970."""

    topic: str
    partition: int
    offset: int
    at: float
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]

    @property
    def place(self) -> str:
        """The position of the record, as a dead letter names it."""
        return f"{self.topic}/{self.partition}/{self.offset}"

    @property
    def content(self) -> Content:
        """Topic, key, value and headers: the content of a record, at any position."""
        return self.topic, self.key or b"", self.value or b"", self.headers

    @property
    def is_marker(self) -> bool:
        """True for the record of a hand-over."""
        return ("ce_type", MARKER) in self.headers


@dataclass(frozen=True, slots=True)
class Event:
    """An entry about a referral. `who` and `id` identify the event."""

    who: str
    id: str
    name: str
    kind: str
    locality: str
    referral: str
    at: float
    body: dict[str, Any]
    raw: bytes
    time: str  # The time of the event, RFC 3339, by its publisher's clock.
    recorded: str  # The time of its publication, by the same clock.


def topics_of(localities: Iterable[str]) -> list[str]:
    """The event topics of these localities."""
    return [f"{locality}.{event}.v1" for locality in localities for event in EVENTS]


def inboxes_of(localities: Iterable[str]) -> list[str]:
    """The inboxes of the partner that the load represents."""
    return [f"in.{locality}.history" for locality in localities]


def refusals_of(localities: Iterable[str]) -> list[str]:
    """The topics that receive that partner's refusals."""
    return [f"refused.{locality}.history" for locality in localities]


async def partitions_of(client: Client, topics: Iterable[str]) -> list[TopicPartition]:
    """Every partition of these topics."""
    admin = AIOKafkaAdminClient(**client)
    await admin.start()
    try:
        described = await admin.describe_topics(list(topics))
        return [
            TopicPartition(topic["topic"], partition["partition"])
            for topic in described
            for partition in topic["partitions"]
        ]
    finally:
        await admin.close()


async def read_all(client: Client, topics: Iterable[str]) -> list[Entry]:
    """Every record that these topics hold now."""
    consumer = AIOKafkaConsumer(**client, auto_offset_reset="earliest", check_crcs=False)
    await consumer.start()
    try:
        found: list[Entry] = []
        partitions = await partitions_of(client, topics)
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        left = {partition: end for partition, end in ends.items() if end > 0}
        while left:
            for records in (await consumer.getmany(timeout_ms=500, max_records=5000)).values():
                found += map(entry_of, records)
            for partition in list(left):
                if await consumer.position(partition) >= left[partition]:
                    del left[partition]
        return found
    finally:
        await consumer.stop()


def entry_of(record: "ConsumerRecord[bytes, bytes]") -> Entry:
    """The entry of a record as a client received it."""
    at, headers = record.timestamp / 1000, tuple(record.headers)
    return Entry(record.topic, record.partition, record.offset, at, record.key, record.value, headers)


def read(entry: Entry) -> Event | None:
    """The event of an entry, or None if it is no event."""
    named = dict(entry.headers)
    try:
        body = json.loads(entry.value or b"")
        locality, name, _ = entry.topic.split(".")
        who, identity = (named[key].decode() for key in ("ce_source", "ce_id"))  # type: ignore[union-attr]
        time = (named["ce_time"] or b"").decode()
        recorded = (named.get("ce_recordedtime") or b"").decode() or time
        referral, kind = body["referral_id"], str(body.get("kind", name))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    raw = entry.value or b""
    return Event(who, identity, name, kind, locality, referral, entry.at, body, raw, time, recorded)
