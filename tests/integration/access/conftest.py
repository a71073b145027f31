"""A broker of its own for the tests of a file, as they write everywhere, and a place with rights."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from deploy.local.kafka import Kafka
from deploy.local.reaper import Reaper
from shared.platform.kafka_connection import KafkaConnection
from tests.harness.access.place import Place, guarded_place


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def kafka(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[KafkaConnection]:
    folder = tmp_path_factory.mktemp("guarded")
    reaper = Reaper()
    reaper.start()
    broker = Kafka(folder / "kafka", reaper=reaper, log=folder / "kafka.log")
    try:
        await broker.start()
        yield broker.connection
    finally:
        await broker.stop()
        reaper.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(kafka: KafkaConnection) -> AsyncIterator[Place]:
    async with guarded_place(kafka) as made:
        yield made
