"""Records in batches from a group of one, committed when each batch is done."""

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from aiokafka import AIOKafkaConsumer

from bench.peers.told import Told, kafka

if TYPE_CHECKING:
    from aiokafka import ConsumerRecord


async def batches(
    told: Told, topic: str, group: str, most: int = 2000
) -> "AsyncIterator[Sequence[ConsumerRecord[bytes, bytes]]]":
    """Each batch once, its offsets committed when the next is asked for; until told to stop."""
    consumer = AIOKafkaConsumer(
        topic,
        **kafka().client_arguments(),
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    await consumer.start()
    try:
        while not told.stop.is_set():
            found = await consumer.getmany(timeout_ms=100, max_records=most)
            records = [record for of_partition in found.values() for record in of_partition]
            if records:
                told.began()
                yield records
                await consumer.commit()
    finally:
        await consumer.stop()
