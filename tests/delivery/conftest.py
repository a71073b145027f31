from collections.abc import AsyncIterator

import pytest_asyncio

from tests.delivery.toy import Bench, bench


@pytest_asyncio.fixture
async def place(kafka_bootstrap: str, mongo_url: str) -> AsyncIterator[Bench]:
    """A locality and a database that no other test has."""
    async with bench(kafka_bootstrap, mongo_url) as made:
        yield made
