from collections.abc import AsyncIterator

import pytest_asyncio

from tests.delivery.toy import bench
from tests.matching.place import Place, place
from tests.web.issuer import LoopbackIssuer, issuer

__all__ = ["issuer"]


@pytest_asyncio.fixture
async def here(kafka_bootstrap: str, mongo_url: str, issuer: LoopbackIssuer) -> AsyncIterator[Place]:
    """The service in a locality that no other test has, with one link worker."""
    async with bench(kafka_bootstrap, mongo_url) as made, place(made, issuer) as running:
        await running.put_worker()
        yield running
