"""The stores of the embedded run do what everything rests on."""

from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from pymongo import AsyncMongoClient

from deploy.local.mongo import cache_gigabytes
from shared.platform.kafka_connection import KafkaConnection


async def test_the_broker_takes_and_gives_records(kafka: KafkaConnection) -> None:
    admin = AIOKafkaAdminClient(**kafka.client_arguments())
    await admin.start()
    await admin.create_topics([NewTopic("local-stores", num_partitions=1, replication_factor=1)])
    await admin.close()
    async with AIOKafkaProducer(**kafka.client_arguments(), enable_idempotence=True) as producer:
        await producer.send_and_wait("local-stores", b"value", key=b"key")
    async with AIOKafkaConsumer(
        "local-stores",
        **kafka.client_arguments(),
        group_id="local-stores",
        auto_offset_reset="earliest",
    ) as consumer:
        assert (await consumer.getone()).value == b"value"


async def test_the_database_commits_transactions(mongo_url: str) -> None:
    async with AsyncMongoClient[dict[str, Any]](mongo_url) as client:
        async with client.start_session() as session, await session.start_transaction():
            await client.local_stores.things.insert_one({"_id": 1}, session=session)
        assert await client.local_stores.things.count_documents({}) == 1
        await client.drop_database("local_stores")


@pytest.mark.parametrize(("gigabytes", "cache"), [(1, 0.25), (6, 0.5), (24, 2.0), (256, 2.0)])
def test_database_cache_leaves_memory_for_the_rest(gigabytes: int, cache: float) -> None:
    assert cache_gigabytes(gigabytes * 2**30) == cache
