"""One system for all journeys, and the journey of one person in each locality, made once."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.journey.adventures import Travelled, travel
from tests.journey.system import System, running


@pytest_asyncio.fixture(scope="session")
async def system(
    tmp_path_factory: pytest.TempPathFactory, kafka_bootstrap: str, mongo_url: str
) -> AsyncIterator[System]:
    """Everything that `make run` starts, as processes, on the tests' broker and database."""
    async with running(tmp_path_factory.mktemp("journey"), kafka_bootstrap, mongo_url) as whole:
        yield whole


@pytest_asyncio.fixture(scope="session")
async def travelled(system: System) -> Travelled:
    """Eight people who have come all the way, and what was thrown at the system meanwhile."""
    return await travel(system)
