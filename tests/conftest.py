"""Fixtures of every test: one broker and one database for the whole run."""

import asyncio
import os
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
import uvloop
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from shared.platform.kafka_connection import KafkaConnection
from tests.harness.stores import Stores, stores

# The time of an example depends on the machine's other work: bench/ measures speed, tests do not.
settings.register_profile("quick", deadline=None, max_examples=20)
settings.register_profile("usual", deadline=None, max_examples=100)
settings.register_profile("ci", deadline=None, max_examples=1000)
settings.register_profile("properties", deadline=None, max_examples=100_000)
settings.register_profile("mutations", deadline=None, max_examples=100)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "usual"))

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
def kafka(_stores: Stores) -> KafkaConnection:
    """A real broker, as the user that may do everything. A test makes topics with names of its own."""
    return _stores.kafka


@pytest.fixture(scope="session")
def mongo_url(_stores: Stores) -> str:
    """Address of a real replica set. A test uses a database with a name of its own."""
    return _stores.mongo_url


# Tests of one of these folders share something that is slow to start.
TOGETHER = ("tests/system/journey/",)
LEVELS = ("tests/system/", "tests/integration/", "tests/tools/", "tests/unit/")


class ByFile(LoadScopeScheduling):  # type: ignore[misc]  # xdist ships no types for it
    """Keeps the tests of a file in one process, and those of a folder that shares something slow to start."""

    def _split_scope(self, nodeid: str) -> str:
        shared = next((folder for folder in TOGETHER if nodeid.startswith(folder)), None)
        return shared or nodeid.partition("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile:
    # In the order of `pytest_collection_modifyitems`, not by the number of tests in a file.
    config.option.loadscopereorder = False
    return ByFile(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts long tests first, so that processes end at about the same time."""

    def level(item: pytest.Item) -> int:
        return next((at for at, name in enumerate(LEVELS) if item.nodeid.startswith(name)), len(LEVELS))

    items.sort(key=lambda item: (level(item), not item.nodeid.startswith(TOGETHER)))
