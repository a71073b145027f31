"""What every test may ask for: one broker and one database for the whole run."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.stores import Stores, stores

pytest_plugins = ("tests.web.issuer", "tests.pages.browser")


@pytest_asyncio.fixture(scope="session")
async def _stores(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stores]:
    async with stores(tmp_path_factory.mktemp("stores")) as running:
        yield running


@pytest.fixture(scope="session")
def kafka_bootstrap(_stores: Stores) -> str:
    """Address of a real broker. A test makes its own topics, with names of its own."""
    return _stores.kafka_bootstrap


@pytest.fixture(scope="session")
def mongo_url(_stores: Stores) -> str:
    """Address of a real replica set. A test uses a database with a name of its own."""
    return _stores.mongo_url


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where tests run in several processes, those of one folder stay together and share what they start."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(str(item.path.parent.name)))
