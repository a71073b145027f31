"""Starts both services once for all page tests. Each test refers people of its own."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from shared.platform.kafka_connection import KafkaConnection
from tests.harness.matching.pages.running import PagesHarness, running_harness
from tests.harness.web.issuer import LoopbackIssuer


@pytest_asyncio.fixture(scope="package")
async def harness(
    issuer: LoopbackIssuer, kafka: KafkaConnection, mongo_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[PagesHarness]:
    folder = tmp_path_factory.mktemp("both")
    async with running_harness(folder, issuer, kafka, mongo_url) as started:
        yield started
