"""Each clause of the other parts has a part that breaks it, and a right part that breaks none."""

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
from tests.harness.conformance.small_others import (
    SmallCasework,
    SmallDirectory,
    SmallEvaluation,
    SmallNotifications,
    SmallReferral,
)
from tests.harness.conformance.small_part import SmallPart

PATIENCE = 0.1
AT_ONCE = 5
PARTS: Mapping[str, type[SmallPart]] = {
    "referral": SmallReferral,
    "casework": SmallCasework,
    "directory": SmallDirectory,
    "notifications": SmallNotifications,
    "evaluation": SmallEvaluation,
}
# The switch of each clause that booking does not owe.
FAULTS: Mapping[tuple[str, str], str] = {
    ("referral", "REF-1"): "creates twice",
    ("referral", "REF-1/kill"): "forgets people when killed",
    ("referral", "REF-1/locality"): "one reference everywhere",
    ("referral", "REF-2"): "refers twice",
    ("referral", "REF-3"): "gives every field",
    ("referral", "REF-3/token"): "believes everybody",
    ("referral", "REF-4"): "withdraws twice",
    ("referral", "REF-5"): "says contact twice",
    ("referral", "ERASE-1"): "keeps the erased",
    ("referral", "ERASE-5"): "knows the erased again",
    ("referral", "F10/stage"): "shows no meeting",
    ("referral", "OWN-1/referral"): "decides without owning",
    ("referral", "OWN-2/referral"): "shows no meeting",
    ("referral", "OWN-3/referral"): "never says that it stopped",
    **{("referral", each.name): "creates twice" for each in clauses_of("referral") if "STORY" in each.name},
    ("casework", "CASE-1"): "names another meeting",
    ("casework", "CASE-9"): "forgets handed over cases",
    ("casework", "CASE-10"): "makes up ids",
    ("casework", "F10/cases"): "forgets handed over cases",
    ("casework", "OWN-1/others"): "decides without owning",
    ("casework", "OWN-2/others"): "follows only as owner",
    ("casework", "OWN-3/others"): "never says that it stopped",
    ("directory", "DIR-1"): "knows every service",
    ("directory", "DIR-2"): "answers twice",
    ("directory", "DIR-3"): "links the ended",
    ("directory", "ERASE-3/links"): "ignores erasure",
    ("directory", "OWN-1/others"): "decides without owning",
    ("directory", "OWN-2/others"): "follows only as owner",
    ("directory", "OWN-3/others"): "never says that it stopped",
    ("notifications", "NOTE-1"): "tells twice",
    ("notifications", "NOTE-7"): "writes to everybody",
    ("notifications", "NOTE-9"): "sends old news",
    ("notifications", "ERASE-3/messages"): "keeps numbers",
    ("notifications", "OWN-1/messages"): "decides without owning",
    ("notifications", "OWN-3/others"): "never says that it stopped",
    ("evaluation", "EVAL-1"): "never takes away",
    ("evaluation", "EVAL-3"): "counts errors",
    ("evaluation", "ERASE-4/figures"): "forgets the erased",
    ("evaluation", "F10/figures"): "never takes away",
    ("evaluation", "OWN-2/others"): "follows only as owner",
    ("evaluation", "OWN-3/others"): "never says that it stopped",
}
BOOKING = {each.name for each in clauses_of("booking")}


@asynccontextmanager
async def tried(
    kafka: KafkaConnection, part: str, *faults: str, patience: float = PATIENCE
) -> AsyncIterator[Kit]:
    """A kit beside a small part with these faults, in localities of its own."""
    word = "".join(random.choices(string.ascii_lowercase, k=9))
    here, there, port = f"kit-{word}", f"far-{word}", free_port()
    settings = Settings(
        kafka=kafka_of(kafka),
        part=part,
        locality=here,
        other_locality=there,
        other_practice="Z00002",
        source=f"/{here}/small",
        inbox=True,
        api=f"http://127.0.0.1:{port}",
        hands=f"http://127.0.0.1:{port}/hands" if part != "notifications" else "",
        settle=7 * PATIENCE,
        patience=patience,
        partitions=3,
        day=(0, 24),
        at_once=1 if part == "evaluation" else 12,
    )
    small = PARTS[part](settings.kafka.arguments(), [here, there], port, patience, faults)

    def made(server: Server) -> SmallPart:
        small.url = server.url
        return small

    async with running(settings, made) as kit:
        yield kit


@pytest_asyncio.fixture(scope="session")
async def broken(kafka: KafkaConnection) -> Mapping[tuple[str, str], Result]:
    """What came of each clause at the part that breaks it."""
    gate = asyncio.Semaphore(AT_ONCE)
    # One part for all clauses that it breaks.
    wrong: dict[tuple[str, str], list[str]] = defaultdict(list)
    for (part, name), fault in FAULTS.items():
        wrong[part, fault].append(name)

    async def one(part: str, fault: str, names: list[str]) -> dict[tuple[str, str], Result]:
        clauses = [each for each in clauses_of(part) if each.name in names]
        async with gate, tried(kafka, part, fault) as kit:
            found = await run(kit, clauses, lambda _: None)
        return {(part, each.clause.name): each for each in found}

    results = await asyncio.gather(*(one(*each, names) for each, names in wrong.items()))
    return {name: result for found in results for name, result in found.items()}


@pytest.mark.parametrize("part", PARTS)
def test_every_clause_of_a_part_has_a_fault(part: str) -> None:
    own = {each.name for each in clauses_of(part)} - BOOKING
    assert own == {name for owner, name in FAULTS if owner == part}


@pytest.mark.parametrize("part", PARTS)
def test_every_part_has_two_clauses_of_its_own(part: str) -> None:
    assert sum(owner == part for owner, _ in FAULTS) >= 2


@pytest.mark.parametrize("name", FAULTS, ids="/".join)
async def test_wrong_part_breaks_its_clause(
    broken: Mapping[tuple[str, str], Result], name: tuple[str, str]
) -> None:
    assert broken[name].outcome == "failed", broken[name].came


@pytest.mark.parametrize("part", PARTS)
async def test_right_part_breaks_no_clause(kafka: KafkaConnection, part: str) -> None:
    # Limits alone: a right part needs none of them on an idle machine.
    async with tried(kafka, part, patience=0.5) as kit:
        found = await run(kit, clauses_of(part), lambda _: None)
    wrong = [
        (each.clause.name, each.expected, each.came)
        for each in found
        if each.outcome not in ("passed", "not tried")
    ]
    assert wrong == []
