from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest
import pytest_asyncio

from linkwork.__main__ import parse
from linkwork.config import Config
from shared.platform.kafka_connection import KafkaConnection
from shared.platform.localities import LOCALITIES_FILE
from tests.harness.delivery.toy import Bench, bench


@pytest_asyncio.fixture
async def place(kafka: KafkaConnection, mongo_url: str) -> AsyncIterator[Bench]:
    """A locality and a database that no other test has."""
    async with bench(kafka, mongo_url) as made:
        yield made


@dataclass
class Printed:
    """The output of a command, and its exit code."""

    code: int
    out: str
    err: str


Console = Callable[..., Awaitable[Printed]]


@pytest.fixture
def around(place: Bench) -> Config:
    return Config(
        kafka=place.kafka,
        mongo_url=place.mongo_url,
        localities_file=LOCALITIES_FILE,
        own_database=place.options.database,
        key=place.options.dead_letter_key,
        operator="ada",
    )


@pytest.fixture
def letters(place: Bench, around: Config, capsys: pytest.CaptureFixture[str]) -> Console:
    """Runs `linkwork dead-letters` on this locality's letters."""

    async def run(verb: str, *more: str, around: Config = around) -> Printed:
        capsys.readouterr()
        line = ["dead-letters", verb, "--service", "matching", "--locality", place.locality, *more]
        code = await parse(line).command.run(around)
        printed = capsys.readouterr()
        return Printed(code, printed.out, printed.err)

    return run
