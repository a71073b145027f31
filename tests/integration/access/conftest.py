"""One place with rights for all tests of a file."""

from collections.abc import AsyncIterator

import pytest_asyncio

from shared.platform.kafka_connection import KafkaConnection
from tests.harness.access.place import Place, guarded_place


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(kafka: KafkaConnection) -> AsyncIterator[Place]:
    async with guarded_place(kafka) as made:
        yield made
