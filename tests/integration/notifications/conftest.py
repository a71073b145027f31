"""Fixtures of the service's tests: fake peers, a clock that the test moves, and the running service."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from shared.platform.kafka_connection import KafkaConnection
from tests.harness.delivery.toy import bench
from tests.harness.notifications.fake_peers import FakePeers, fake_peers
from tests.harness.notifications.service_harness import FakeClock, NotificationsHarness


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest_asyncio.fixture
async def peers(tmp_path: Path, clock: FakeClock) -> AsyncIterator[FakePeers]:
    async with fake_peers(tmp_path, clock) as running:
        yield running


@pytest_asyncio.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient() as client:
        yield client


@pytest_asyncio.fixture
async def harness(
    kafka: KafkaConnection, mongo_url: str, peers: FakePeers, clock: FakeClock
) -> AsyncIterator[NotificationsHarness]:
    async with bench(kafka, mongo_url, partitions=1) as made:
        yield NotificationsHarness(made, peers, clock)
