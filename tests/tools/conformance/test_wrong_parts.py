"""Each clause of booking has a part that breaks it, and a right part that breaks none."""

import asyncio
import random
import string
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio

from conformance.clause import clauses_of
from conformance.kit import Kit, running
from conformance.runner import Result, run
from conformance.serving import Server
from conformance.settings import Settings
from deploy.local.ports import free_port
from shared.platform.kafka_connection import KafkaConnection
from tests.harness.conformance.ours import kafka_of
from tests.harness.conformance.small_booking import SmallBooking

PATIENCE = 0.1
AT_ONCE = 5

# The switch of each clause. A switch may break more than one.
FAULTS: Mapping[str, str] = {
    "ALL-1": "answers each record",
    "ALL-1/kinds": "ignores returns",
    "ALL-1/aborted": "reads what was aborted",
    "ALL-1/two-localities": "serves one locality",
    "ALL-2": "makes random ids",
    "ALL-3": "answers each record",
    "ALL-3/kill": "reads on from the end",
    "ALL-3/full-log": "reads no words of its own",
    "ALL-4": "forgets what comes early",
    "ALL-5": "says another part's words",
    "ALL-6": "names people",
    "ALL-7": "stops at a marker",
    "ALL-8": "keys by itself",
    "F1/another-body": "takes the last body",
    "F2/clocks": "refuses what is to come",
    "F3": "refuses what it does not know",
    "F3/later-version": "reads later versions",
    "F10": "ignores retraction",
    "F31": "confirms another meeting",
    "R2/poison": "stops at a poison",
    "BOOK-1": "answers nobody",
    "BOOK-2": "ignores languages",
    "BOOK-2/overlap": "books twice",
    "BOOK-3": "says yes for people",
    "BOOK-4": "forgets what it replaces",
    "BOOK-5": "promises too late",
    "BOOK-6": "reads link workers once",
    "BOOK-6/later": "ignores later",
    "BOOK-7": "keeps meetings of the ended",
    "BOOK-8": "ignores reopening",
    "BOOK-9": "books after two misses",
    "BOOK-10": "offers the same time",
    "BOOK-11": "ignores changes of link worker",
    "BOOK-12": "ignores leave",
    "BOOK-13": "keeps what lost",
    "BOOK-13/times": "ignores others' times",
    "BOOK-14": "books after meeting",
    "BOOK-15": "ignores retraction",
    "BOOK-17": "waits for no log",
    "ERASE-3": "ignores erasure",
    "LOOKUPS/keys": "forgets keys",
    "LOOKUPS/refusals": "believes everybody",
    "LOOKUPS/capacity": "counts too much",
    "OWN-1": "decides without owning",
    "OWN-2/0": "looks at nothing",
    "OWN-2/1": "looks at nothing",
    "OWN-2/50": "looks at nothing",
    "OWN-3": "never says that it stopped",
    "STORY/corrected": "answers nobody",
    "STORY/erased": "ignores erasure",
    "STORY/first-visit": "answers nobody",
    "STORY/link-worker-changed": "ignores changes of link worker",
    "STORY/missed-rebooked": "never books again",
    "STORY/provisional-yes": "confirms another meeting",
    "STORY/reopened": "books after meeting",
    "STORY/withdrawn": "keeps meetings of the ended",
}
BOOKING = [each.name for each in clauses_of("booking")]


@asynccontextmanager
async def tried(kafka: KafkaConnection, *faults: str, patience: float = PATIENCE) -> AsyncIterator[Kit]:
    """A kit beside a small part with these faults, in localities of its own."""
    word = "".join(random.choices(string.ascii_lowercase, k=9))
    here, there, port = f"kit-{word}", f"far-{word}", free_port()
    settings = Settings(
        kafka=kafka_of(kafka),
        part="booking",
        locality=here,
        other_locality=there,
        other_practice="Z00002",
        source=f"/{here}/small",
        inbox=True,
        api=f"http://127.0.0.1:{port}",
        settle=7 * patience,
        patience=patience,
        partitions=3,
    )
    part = SmallBooking(settings.kafka.arguments(), [here, there], port, patience, faults)

    def made(server: Server) -> SmallBooking:
        part.url = server.url
        return part

    async with running(settings, made) as kit:
        yield kit


async def _broken(
    kafka: KafkaConnection, fault: str, names: list[str], gate: asyncio.Semaphore
) -> dict[str, Result]:
    clauses = [each for each in clauses_of("booking") if each.name in names]
    async with gate, tried(kafka, fault) as kit:
        found = await run(kit, clauses, lambda _: None)
    return {each.clause.name: each for each in found}


@pytest_asyncio.fixture(scope="session")
async def broken(kafka: KafkaConnection) -> Mapping[str, Result]:
    """What came of each clause at the part that breaks it."""
    gate = asyncio.Semaphore(AT_ONCE)
    # One part for all clauses that it breaks.
    wrong: dict[str, list[str]] = defaultdict(list)
    for name, fault in FAULTS.items():
        wrong[fault].append(name)
    results = await asyncio.gather(*(_broken(kafka, *each, gate) for each in wrong.items()))
    return {name: result for found in results for name, result in found.items()}


def test_every_clause_of_booking_has_a_fault() -> None:
    assert set(FAULTS) == set(BOOKING)


@pytest.mark.parametrize("name", BOOKING)
async def test_wrong_part_breaks_its_clause(broken: Mapping[str, Result], name: str) -> None:
    found = broken[name]
    assert found.outcome == "failed", found.came
    assert found.expected
    assert found.clause.text


async def test_right_part_breaks_no_clause(kafka: KafkaConnection) -> None:
    async with tried(kafka, patience=0.4) as kit:
        found = await run(kit, clauses_of("booking"), lambda _: None)
    assert [(each.clause.name, each.expected, each.came) for each in found if each.outcome != "passed"] == []
