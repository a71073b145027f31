"""Starts both services once for all page tests. Each test refers people of its own."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.harness.matching.pages.whole import Whole, whole
from tests.harness.web.issuer import LoopbackIssuer


@pytest_asyncio.fixture(scope="package")
async def both(
    issuer: LoopbackIssuer, kafka_bootstrap: str, mongo_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Whole]:
    folder = tmp_path_factory.mktemp("both")
    async with whole(folder, issuer, kafka_bootstrap, mongo_url) as started:
        yield started
