"""What every test may ask for: one broker and one database for the whole run."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
import uvloop
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from tests.harness.stores import Stores, stores

# What an example takes depends on who else works on the machine: speed is measured in bench/, not tested.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

pytest_plugins = ("tests.harness.web.issuer", "tests.harness.pages.browser")


@pytest.fixture(scope="session")
def event_loop_policy() -> asyncio.AbstractEventLoopPolicy:
    """The loop that services run on: what it does with a closed connection is not what asyncio does."""
    policy: asyncio.AbstractEventLoopPolicy = uvloop.EventLoopPolicy()
    return policy


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


class ByFolder(LoadScopeScheduling):  # type: ignore[misc]  # xdist ships no types for it
    """Where tests run in several processes, those of one folder stay together and share what they start."""

    def _split_scope(self, nodeid: str) -> str:
        folder: str = nodeid.partition("::")[0].rpartition("/")[0]
        return folder


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFolder:
    return ByFolder(config, log)
