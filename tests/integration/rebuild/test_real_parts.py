"""The four parts themselves: figures equal, diaries and the ledger untouched, nobody told twice."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from linkwork.__main__ import parse
from linkwork.config import Config
from linkwork.service_definitions import MAKERS, maker
from services.evaluation.collections import SUMS
from services.matching.collections import OWNED
from shared.contract.events.topics import Part, topic
from shared.delivery.kernel import Kernel
from shared.delivery.mongo.database import Document, Mongo
from shared.delivery.mongo.operations import OPERATIONS
from shared.delivery.rebuild.run import Rebuild
from shared.delivery.rebuild.source import Source
from shared.delivery.scheduler.effects import SENT
from shared.delivery.unit_of_work.unit_of_work import TASKS
from shared.platform.localities import LOCALITIES_FILE
from tests.harness.delivery.toy import Bench
from tests.harness.evaluation.delivery import envelope
from tests.harness.localities import one_locality
from tests.harness.matching.service_harness import MatchingHarness
from tests.harness.matching.service_harness import matching_harness as matching_place
from tests.harness.notifications.fake_peers import FakePeers
from tests.harness.notifications.service_harness import FakeClock, NotificationsHarness
from tests.harness.web.issuer import LoopbackIssuer, issuer
from tests.integration.evaluation.test_sums import facts_in, recounted, sums_of
from tests.integration.notifications.conftest import clock, peers

__all__ = ["clock", "issuer", "peers"]


def rebuild_of(bench: Bench, made_by: str, processes: int = 0) -> Rebuild:
    file = LOCALITIES_FILE if made_by.startswith("linkwork.") else Path(bench.locality)
    source = Source(made_by, file, bench.kafka, bench.mongo_url, bench.options.database)
    return Rebuild(source, [bench.locality], say=lambda _: None, processes=processes)


async def rows(mongo: Mongo, names: Iterable[str]) -> dict[str, list[Document]]:
    return {name: [dict(row) async for row in mongo[name].find().sort("_id", 1)] for name in names}


@asynccontextmanager
async def part_running(bench: Bench, part: Part) -> AsyncIterator[Kernel[Any, Any]]:
    made = MAKERS[part](LOCALITIES_FILE)
    # Decisions need link workers and gateways; facts and views need neither.
    kernel = bench.kernel(replace(made.part, decisions={}, tasks={}))
    async with kernel.running():
        await made.ensure_indexes(kernel.mongo)
        yield kernel


async def heard(kernel: Kernel[Any, Any], facts: int) -> None:
    async with asyncio.timeout(30):
        while sum([len(row["facts"]) async for row in kernel.mongo["referrals"].find()]) < facts:
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("part", ["referral", "notifications"])
async def test_rebuilt_generation_equals_the_live_one(place: Bench, part: Part) -> None:
    facts = facts_in(place.locality, 40, seed=3)
    async with part_running(place, part) as kernel:
        await place.say(*(envelope(fact) for fact in facts))
        await heard(kernel, len(facts))
        report = await rebuild_of(place, maker(part)).run()
        assert report.switched
        assert (report.compared.facts, report.compared.views) == (len(facts), 0)


async def test_figures_are_equal_while_facts_come_in(place: Bench) -> None:
    facts = facts_in(place.locality, 120, seed=5)
    first, later = facts[: len(facts) // 2], facts[len(facts) // 2 :]
    async with part_running(place, "evaluation") as kernel:
        await place.say(*(envelope(fact) for fact in first))
        await heard(kernel, len(first))
        saying = asyncio.create_task(place.say(*(envelope(fact) for fact in later)))
        report = await rebuild_of(place, maker("evaluation"), processes=2).run()
        assert report.switched
        assert report.figures.rows > 0
        assert report.figures.unlike == ()
        await saying
        await heard(kernel, len(facts))
        assert await sums_of(kernel, place.locality) == recounted(facts)
        assert kernel.mongo[SUMS].name == "sums.g2"
        assert (await rebuild_of(place, maker("evaluation")).back()).switched
        assert await sums_of(kernel, place.locality) == recounted(facts)


def around_of(bench: Bench, folder: Path) -> Config:
    """A command's surroundings with the bench's locality alone: others write to those of the product."""
    return Config(
        kafka=bench.kafka,
        mongo_url=bench.mongo_url,
        localities_file=one_locality(folder, bench.locality),
        own_database=bench.options.database,
        operator="ada",
        control_topic=f"linkwork.control-{bench.locality}.v1",
    )


async def test_wrong_figures_are_corrected_only_if_accepted(
    place: Bench, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    around = around_of(place, tmp_path)
    facts = facts_in(place.locality, 30, seed=6)
    async with part_running(place, "evaluation") as kernel:
        await place.say(*(envelope(fact) for fact in facts))
        await heard(kernel, len(facts))
        some = await kernel.mongo[SUMS].find_one({})
        assert some is not None
        measure, counts = next(iter(some["n"].items()))
        wrong = {f"n.{measure}.{next(iter(counts))}": 5}
        await kernel.mongo[SUMS].update_one({"_id": some["_id"]}, {"$inc": wrong})
        command = ["rebuild", "evaluation", "--processes", "0", "--why", "they had drifted"]
        assert await parse(command).command.run(around) == 1
        printed = capsys.readouterr().out
        assert f"sums {some['_id']}" in printed
        assert "Nothing was changed. The two differ" in printed
        assert kernel.mongo[SUMS].name == SUMS
        command += ["--accept", "--json"]
        assert await parse(command).command.run(around) == 0
        told = json.loads(capsys.readouterr().out)
        assert (told["switched"], told["live"]) == (True, 2)
        assert told["figures"]["unlike"] == [f"sums {some['_id']}"]
        await heard(kernel, len(facts))
        assert await sums_of(kernel, place.locality) == recounted(facts)
        noted = [(row["what"], row["by"]) async for row in kernel.mongo[OPERATIONS].find().sort("_id", 1)]
        begun, ended = ("rebuild begun", "ada"), ("rebuild given up", "ada")
        assert noted == [begun, ended, begun, ("rebuild done", "ada")]


async def test_diaries_and_caseloads_stay_and_nobody_is_booked_again(
    place: Bench, issuer: LoopbackIssuer
) -> None:
    async with matching_place(place, issuer) as here:
        await here.put_worker(caseload_limit=100)
        for number in range(12):
            name = await here.refer()
            if number % 4 == 0:
                await here.met(name)
        await asyncio.sleep(1)
        before = await rows(here.kernel.mongo, [*OWNED, TASKS])
        booked = len(await place.heard(topic(place.locality, "meeting-booked"), 12))
        report = await rebuild_of(place, "tests.harness.rebuild.real:matching").run()
        assert report.switched
        assert report.compared.referrals == 12
        assert await rows(here.kernel.mongo, [*OWNED, TASKS]) == before
        async with asyncio.timeout(5):
            while here.kernel.mongo["referrals"].name != "referrals.g2":
                await asyncio.sleep(0.05)  # it looks a few times a second
        await _goes_on(here)
        assert len(await place.heard(topic(place.locality, "meeting-booked"), booked + 2)) == booked + 2


async def _goes_on(here: MatchingHarness) -> None:
    """Those referred now are booked, and at times that nobody else has."""
    for _ in range(2):
        name = await here.refer()
        await here.until(name, lambda view: view["active"])
    await here.no_time_is_held_twice()


async def test_rebuild_sends_no_message_twice(place: Bench, peers: FakePeers, clock: FakeClock) -> None:
    messages = NotificationsHarness(place, peers, clock)
    async with messages.running() as app:
        told = messages.referral()
        await messages.publish(told, told.created(), told.booked())
        await messages.advance_until(lambda: len(peers.sent()) >= 2)
        await asyncio.sleep(0.5)
        mongo = app.state.kernel.mongo
        before, sent = len(peers.sent()), await rows(mongo, [SENT, TASKS])
        report = await rebuild_of(place, "tests.harness.rebuild.real:notifications").run()
        assert report.switched
        assert await rows(mongo, [SENT, TASKS]) == sent
        await messages.publish_again()
        other = messages.referral()
        await messages.publish(other, other.created(), other.booked())
        await messages.advance_until(lambda: len(peers.sent()) >= 2 * before)
        await asyncio.sleep(0.5)
        assert len(peers.sent()) == 2 * before
