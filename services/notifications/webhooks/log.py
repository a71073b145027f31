"""Reads the log of a locality for one endpoint, from the endpoint's own positions. No group is joined."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from services.notifications.webhooks.endpoint import Position
from shared.contract.events.topics import event_topics
from shared.delivery.kafka.partitions import partitions_of
from shared.delivery.kafka.patches import connections, record_batches
from shared.delivery.stopping import to_its_end
from shared.platform.kafka_connection import KafkaConnection

_FETCH_BYTES: Final = 262_144
_FETCH_WAIT_MS: Final = 1000


class TopicsMissing(Exception):
    """The locality lacks one of its three topics."""


class EventLog:
    """The records of a locality behind some positions, and the positions behind what was given out."""

    def __init__(self, consumer: AIOKafkaConsumer, positions: dict[TopicPartition, int]) -> None:
        self._consumer = consumer
        self._positions = positions

    @property
    def positions(self) -> list[Position]:
        """The next offset of each partition, once all that was given out is stored."""
        return [Position(at.topic, at.partition, offset) for at, offset in self._positions.items()]

    async def more(self, limit: int, milliseconds: int) -> list[Any]:
        """The records that come within this time, at most `limit`."""
        found: list[Any] = []
        pages = await self._consumer.getmany(timeout_ms=milliseconds, max_records=limit)
        for at, records in pages.items():
            found += records
            self._positions[at] = records[-1].offset + 1
        return found


@asynccontextmanager
async def event_log(
    kafka: KafkaConnection, locality: str, positions: Sequence[Position] | None, since: datetime
) -> AsyncIterator[EventLog]:
    """Opens the log at these positions; without positions, at what was said from `since` on.

    A log that no longer has a position was trimmed or made anew: it is read from its beginning, and an event
    that was sent already has the id that it had.

    Raises:
        TopicsMissing: a topic does not exist.
        KafkaError, OSError: the broker does not answer, or refuses us.
    """
    topics = event_topics(locality)
    partitions = await to_its_end(partitions_of(kafka, topics))
    if {at.topic for at in partitions} != set(topics):
        raise TopicsMissing
    record_batches.install()
    connections.install()
    consumer = AIOKafkaConsumer(
        **kafka.client_arguments(),
        group_id=None,
        client_id="linkwork-webhooks",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        max_partition_fetch_bytes=_FETCH_BYTES,
        fetch_max_wait_ms=_FETCH_WAIT_MS,
    )
    try:
        await to_its_end(consumer.start())
        begin = await _begin(consumer, partitions, positions, since)
        consumer.assign(partitions)
        for at, offset in begin.items():
            consumer.seek(at, offset)
        yield EventLog(consumer, begin)
    finally:
        await to_its_end(consumer.stop())
        await consumer._client.close()  # noqa: SLF001  # aiokafka leaves it open if the broker is away


async def _begin(
    consumer: AIOKafkaConsumer,
    partitions: Sequence[TopicPartition],
    positions: Sequence[Position] | None,
    since: datetime,
) -> dict[TopicPartition, int]:
    if positions is not None:
        known = {TopicPartition(each.topic, each.partition): each.offset for each in positions}
        # A partition that was added holds only what was said since.
        return {at: known.get(at, 0) for at in partitions}
    # The ends first: what arrives between the two questions is found by its time.
    ends: dict[TopicPartition, int] = await consumer.end_offsets(partitions)
    milliseconds = max(int(since.timestamp() * 1000), 0)
    found = await consumer.offsets_for_times(dict.fromkeys(partitions, milliseconds))
    return {at: found[at].offset if found.get(at) is not None else ends[at] for at in partitions}
