"""Reads ranges of the log without a consumer group, so that no committed offset changes."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.delivery.kafka.patches import connections, record_batches
from shared.delivery.rebuild.source import RecordPosition
from shared.platform.kafka_connection import KafkaConnection

_FETCH_BYTES = 8_000_000
_POLL_MS = 500
# A gap of so many records is read rather than skipped: a new fetch returns as many.
_GAP = 1000

Offsets = dict[TopicPartition, int]


class OffsetRange(NamedTuple):
    """A range of one partition's offsets, from `start` up to and without `end`."""

    topic: str
    partition: int
    start: int
    end: int


def offset_ranges(
    start: Mapping[TopicPartition, int], end: Mapping[TopicPartition, int]
) -> list[OffsetRange]:
    """The ranges between two offsets of each partition."""
    return [
        OffsetRange(at.topic, at.partition, start.get(at, 0), until)
        for at, until in end.items()
        if start.get(at, 0) < until
    ]


def ranges_around(places: Iterable[RecordPosition]) -> list[OffsetRange]:
    """The ranges that hold these positions, joined where positions are near one another."""
    made: list[OffsetRange] = []
    for topic, partition, offset in sorted(places):
        last = made[-1] if made else None
        if last is not None and last[:2] == (topic, partition) and offset - last.end <= _GAP:
            made[-1] = last._replace(end=offset + 1)
        else:
            made.append(OffsetRange(topic, partition, offset, offset + 1))
    return made


@asynccontextmanager
async def consumer(kafka: KafkaConnection) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer that belongs to no group.

    Raises:
        KafkaError, OSError: the broker does not answer.
    """
    record_batches.install()
    connections.install()
    made = AIOKafkaConsumer(
        **kafka.client_arguments(),
        group_id=None,
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level="read_committed",
        max_partition_fetch_bytes=_FETCH_BYTES,
        fetch_max_bytes=4 * _FETCH_BYTES,
        check_crcs=False,
    )
    try:
        await made.start()
        yield made
    finally:
        await made.stop()


async def read(reader: AIOKafkaConsumer, parts: Sequence[OffsetRange]) -> AsyncIterator[list[Any]]:
    """Reads the records of these ranges by pages; each partition is read in its order."""
    ends = {TopicPartition(part.topic, part.partition): part.end for part in parts}
    waiting = list(ends)
    reader.assign(waiting)
    for part in parts:
        reader.seek(TopicPartition(part.topic, part.partition), part.start)
    while waiting:
        for at, records in (await reader.getmany(*waiting, timeout_ms=_POLL_MS)).items():
            if records[-1].offset >= ends[at]:
                yield [record for record in records if record.offset < ends[at]]
            else:
                yield records
        waiting = [at for at in waiting if await reader.position(at) < ends[at]]
