import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from shared.delivery.rebuild.run import Rebuild
from shared.delivery.rebuild.source import Source
from shared.platform.kafka_connection import KafkaConnection
from tests.harness.delivery.toy import Bench, bench


@pytest_asyncio.fixture
async def place(kafka: KafkaConnection, mongo_url: str) -> AsyncIterator[Bench]:
    """A locality and a database that no other test has."""
    async with bench(kafka, mongo_url) as made:
        yield made


def source_of(place: Bench, made_by: str = "tests.harness.rebuild.tallied:rebuildable") -> Source:
    return Source(made_by, Path(), place.kafka, place.mongo_url, place.options.database)


@pytest.fixture
def rebuild(place: Bench) -> Rebuild:
    return Rebuild(source_of(place), [place.locality, "nowhere"], say=lambda _: None, processes=0)


@dataclass
class Running:
    """Another process of the tallied part."""

    pid: int

    def send(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)


@asynccontextmanager
async def another_process(place: Bench) -> AsyncIterator[Running]:
    told = {
        "mongo_url": place.mongo_url,
        "database": place.options.database,
        "locality": place.locality,
        "key": place.options.dead_letter_key.decode(),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.harness.rebuild.process", json.dumps(told)),
        stdout=asyncio.subprocess.PIPE,
        cwd=Path(__file__).parents[3],
        env={**os.environ, **place.kafka.environment()},
    )
    assert process.stdout is not None
    try:
        assert await asyncio.wait_for(process.stdout.readline(), 30) == b"runs\n"
        yield Running(process.pid)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
