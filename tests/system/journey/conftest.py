"""One system for all journeys, and one journey in each locality, made once."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio

from shared.platform.kafka_connection import KafkaConnection
from tests.harness.journey import travel as chapter
from tests.harness.journey.adventures import Travelled, travel
from tests.harness.journey.system import System, monday_morning, running
from tests.harness.journey.travel import Journey


@pytest_asyncio.fixture(scope="package")
async def system(
    tmp_path_factory: pytest.TempPathFactory, kafka: KafkaConnection, mongo_url: str
) -> AsyncIterator[System]:
    """Everything that `make run` starts, as processes, on the tests' broker and database."""
    async with running(tmp_path_factory.mktemp("journey"), kafka, mongo_url) as whole:
        yield whole


@pytest_asyncio.fixture(scope="package")
async def case(system: System) -> Journey:
    """An open case halfway through its journey: met, with a service that was asked."""
    system.clock.move_to(monday_morning(system.clock()))
    journey = await chapter.refer(system, "meir")
    await chapter.booked(system, journey)
    system.clock.move_to(chapter.starts(journey) + timedelta(hours=1))
    await chapter.meet(system, journey)
    await chapter.prescribe(system, journey)
    return journey


@pytest_asyncio.fixture(scope="package")
async def travelled(system: System) -> Travelled:
    """Eight people at the end of their journey, and the faults that struck the system meanwhile."""
    return await travel(system)
