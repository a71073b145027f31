from collections.abc import AsyncIterator

import pytest_asyncio

from shared.platform.kafka_connection import KafkaConnection
from tests.harness.delivery.toy import bench
from tests.harness.matching.service_harness import MatchingHarness, hours, matching_harness
from tests.harness.web.issuer import LoopbackIssuer, issuer

__all__ = ["issuer"]


@pytest_asyncio.fixture
async def here(
    kafka: KafkaConnection, mongo_url: str, issuer: LoopbackIssuer
) -> AsyncIterator[MatchingHarness]:
    """The service in a locality that no other test has, with one link worker."""
    async with bench(kafka, mongo_url) as made, matching_harness(made, issuer) as running:
        await running.put_worker()
        yield running


@pytest_asyncio.fixture(scope="package")
async def town(
    kafka: KafkaConnection, mongo_url: str, issuer: LoopbackIssuer
) -> AsyncIterator[MatchingHarness]:
    """The service in a locality that tests share: each refers people of its own, time only goes forward."""
    async with bench(kafka, mongo_url) as made, matching_harness(made, issuer) as running:
        await running.put_worker(hours=hours(range(7)), caseload_limit=1000)
        yield running
