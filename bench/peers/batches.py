"""Reads records in batches from a group of one, and commits each finished batch."""

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from aiokafka import AIOKafkaConsumer

from bench.peers.control import Control, kafka

if TYPE_CHECKING:
    from aiokafka import ConsumerRecord


async def batches(
    control: Control, topic: str, group: str, most: int = 2000
) -> "AsyncIterator[Sequence[ConsumerRecord[bytes, bytes]]]":
    """Yields each batch once, until `stop`. Commits a batch's offsets when the next is requested."""
    consumer = AIOKafkaConsumer(
        topic,
        **kafka().client_arguments(),
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    await consumer.start()
    try:
        while not control.stop.is_set():
            found = await consumer.getmany(timeout_ms=100, max_records=most)
            records = [record for of_partition in found.values() for record in of_partition]
            if records:
                control.began()
                yield records
                await consumer.commit()
    finally:
        await consumer.stop()
