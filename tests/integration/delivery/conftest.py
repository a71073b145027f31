from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from motor.motor_asyncio import AsyncIOMotorClient

from deploy.local.kafka import Kafka
from deploy.local.reaper import Reaper
from shared.platform.kafka_connection import KafkaConnection
from tests.harness.delivery.asked import Commands
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


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch) -> Commands:
    """What clients that are made from now on ask the database."""
    heard = Commands()

    def client(*args: Any, **options: Any) -> AsyncIOMotorClient:
        return AsyncIOMotorClient(*args, event_listeners=[heard], **options)

    monkeypatch.setattr("shared.delivery.mongo.database.AsyncIOMotorClient", client)
    return heard
