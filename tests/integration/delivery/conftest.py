from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from deploy.local.kafka import Kafka
from deploy.local.reaper import Reaper
from shared.platform.kafka_connection import KafkaConnection
from tests.harness.delivery.toy import Bench, bench


@pytest_asyncio.fixture
async def place(kafka: KafkaConnection, mongo_url: str) -> AsyncIterator[Bench]:
    """A locality and a database that no other test has."""
    async with bench(kafka, mongo_url) as made:
        yield made


@pytest_asyncio.fixture
async def own_kafka(tmp_path: Path) -> AsyncIterator[Kafka]:
    """A broker that a test may start, stop and start again."""
    reaper = Reaper()
    reaper.start()
    kafka = Kafka(tmp_path / "kafka", reaper=reaper, log=tmp_path / "kafka.log")
    try:
        yield kafka
    finally:
        await kafka.stop()
        reaper.close()
