"""The records of the control topic: one partition, kept for ever, read from its beginning."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.delivery.kafka.partitions import partitions_of
from shared.platform.kafka_connection import KafkaConnection

_FETCH_WAIT_MS: Final = 5000  # A version comes rarely, and the broker answers at once when it does.
_POLL_MS: Final = 500


class NoControlTopic(Exception):
    """The broker answers, and has no such topic."""


class ControlLog:
    """A position in the topic, which begins at its first record."""

    def __init__(self, consumer: AIOKafkaConsumer, partition: TopicPartition, end: int) -> None:
        self._consumer = consumer
        self._partition = partition
        self._end = end

    async def to_end(self) -> list[bytes]:
        """Every record up to the end that the topic had when it was opened."""
        found: list[bytes] = []
        while await self._consumer.position(self._partition) < self._end:
            found += await self.more(_POLL_MS)
        return found

    async def more(self, milliseconds: int) -> list[bytes]:
        """The records that come within this time."""
        records = await self._consumer.getmany(self._partition, timeout_ms=milliseconds)
        return [record.value or b"" for record in records.get(self._partition, ())]


@asynccontextmanager
async def control_log(kafka: KafkaConnection, topic: str) -> AsyncIterator[ControlLog]:
    """Opens the topic at its beginning. It belongs to no consumer group.

    Raises:
        NoControlTopic: there is none.
        KafkaError, OSError: the broker does not answer, or refuses us.
    """
    partitions = await partitions_of(kafka, [topic])
    if not partitions:
        raise NoControlTopic(topic)
    consumer = AIOKafkaConsumer(
        **kafka.client_arguments(),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        fetch_max_wait_ms=_FETCH_WAIT_MS,
    )
    try:
        await consumer.start()
        # Before the first fetch: the broker answers a connection's requests in turn, and a fetch of an empty
        # topic takes its whole wait.
        end: int = (await consumer.end_offsets(partitions[:1]))[partitions[0]]
        consumer.assign(partitions[:1])
        await consumer.seek_to_beginning(partitions[0])
        yield ControlLog(consumer, partitions[0], end)
    finally:
        await consumer.stop()


async def read_control(kafka: KafkaConnection, topic: str) -> list[bytes]:
    """Every record of the topic.

    Raises:
        NoControlTopic: there is none.
        KafkaError, OSError: the broker does not answer, or refuses us.
    """
    async with control_log(kafka, topic) as log:
        return await log.to_end()
