"""Makes, fills and empties the topics of a measurement, and reads the progress of their readers."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError
from aiokafka.partitioner import murmur2

from bench.events import Record
from shared.contract.events.topics import dead_letter_topic, event_topics
from shared.platform.kafka_connection import KafkaConnection

PARTITIONS = 6
_BATCH_BYTES = 131_072
_WAITING = 40
_REWINDS = 20


@dataclass(frozen=True)
class Published:
    """The contents of a topic: its messages, the ids among them, and the referrals that they are about."""

    messages: int
    ids: int
    referrals: int


class Topics:
    """One client of the broker for all work on topics and groups."""

    def __init__(self, kafka: KafkaConnection) -> None:
        self._client = kafka.client_arguments()
        self._admin = AIOKafkaAdminClient(**self._client)
        self._reader = AIOKafkaConsumer(**self._client, enable_auto_commit=False)

    async def __aenter__(self) -> Self:
        await self._admin.start()
        await self._reader.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._reader.stop()
        await self._admin.close()

    async def make(self, names: Sequence[str], partitions: int = PARTITIONS) -> None:
        """Makes topics that are not there, and waits until the broker leads them."""
        wanted = set(names) - set(await self._admin.list_topics())
        if wanted:
            await self._admin.create_topics([NewTopic(name, partitions, 1) for name in wanted])
        for name in wanted:
            await self._until_led(name, partitions)

    async def make_locality(self, locality: str) -> None:
        """Makes the three event topics of a locality, and the topic of its dead letters."""
        await self.make(event_topics(locality))
        await self.make([dead_letter_topic("matching")], 1)

    async def empty(self, names: Sequence[str]) -> None:
        """Makes empty topics of these names."""
        there = set(await self._admin.list_topics())
        if doomed := there & set(names):
            await self._admin.delete_topics(list(doomed))
        while set(names) & set(await self._admin.list_topics()):
            await asyncio.sleep(0.05)
        await self.make(names)

    async def rewind(self, group: str, topic: str) -> None:
        """Resets a group's offsets in a topic, as soon as the group has no members."""
        places = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        async with AIOKafkaConsumer(**self._client, group_id=group, enable_auto_commit=False) as member:
            member.assign(places)
            for attempt in range(_REWINDS):
                try:
                    await member.commit(dict.fromkeys(places, 0))
                except KafkaError:
                    if attempt == _REWINDS - 1:
                        raise
                    await asyncio.sleep(1)
                else:
                    return

    async def fill(self, topic: str, records: Iterable[Record]) -> tuple[int, int]:
        """Writes records, each into the partition of its key. Returns the number of all and of new ones."""
        count = new = 0
        async with AIOKafkaProducer(**self._client, max_batch_size=_BATCH_BYTES, linger_ms=5) as producer:
            builders = [producer.create_batch() for _ in range(PARTITIONS)]
            waiting = []
            for record in records:
                count, new = count + 1, new + record.new
                at = (murmur2(record.key) & 0x7FFFFFFF) % PARTITIONS
                said = {"key": record.key, "value": record.value, "headers": list(record.headers)}
                if builders[at].append(timestamp=None, **said) is None:
                    waiting.append(await producer.send_batch(builders[at], topic, partition=at))
                    builders[at] = producer.create_batch()
                    builders[at].append(timestamp=None, **said)
                if len(waiting) >= _WAITING:
                    await asyncio.gather(*waiting)
                    waiting = []
            for at, builder in enumerate(builders):
                if builder.record_count():
                    waiting.append(await producer.send_batch(builder, topic, partition=at))
            await asyncio.gather(*waiting)
        return count, new

    async def written(self, topic: str) -> int:
        """The used offsets of a topic: its records, and for a transactional writer its markers too."""
        places = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        return sum((await self._reader.end_offsets(places)).values())

    async def read_back(self, topic: str) -> Published:
        """Reads a topic as a reader of committed transactions does."""
        places = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        reader = AIOKafkaConsumer(**self._client, enable_auto_commit=False, isolation_level="read_committed")
        await reader.start()
        ids: set[bytes] = set()
        keys: set[bytes] = set()
        messages = 0
        try:
            reader.assign(places)
            await reader.seek_to_beginning(*places)
            ends = await reader.end_offsets(places)
            while any([await reader.position(place) < ends[place] for place in places]):
                for found in (await reader.getmany(timeout_ms=200)).values():
                    messages += len(found)
                    keys |= {record.key for record in found}
                    ids |= {value for record in found for name, value in record.headers if name == "ce_id"}
        finally:
            await reader.stop()
        return Published(messages, len(ids), len(keys))

    async def committed(self, group: str, topic: str) -> int:
        """The sum of a group's committed offsets in a topic."""
        try:
            offsets = await self._admin.list_consumer_group_offsets(group)
        except KafkaError:
            return 0  # The group does not exist before its first commit.
        return sum(max(at.offset, 0) for place, at in offsets.items() if place.topic == topic)

    async def _until_led(self, name: str, partitions: int) -> None:
        places = [TopicPartition(name, number) for number in range(partitions)]
        while True:
            try:
                await self._reader.end_offsets(places)
            except (UnknownTopicOrPartitionError, KafkaError):
                await asyncio.sleep(0.05)
            else:
                return
