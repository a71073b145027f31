"""A rebuild while people refer and act, and processes die and sleep: nothing lost, nothing decided twice."""

import asyncio
import signal
from typing import Any

import pytest

from shared.contract.events.topics import topic
from shared.delivery.kernel import Kernel
from shared.delivery.rebuild.report import Refused, Report
from shared.delivery.rebuild.run import Rebuild
from shared.delivery.rebuild.switching import live_row
from shared.delivery.unit_of_work.unit_of_work import OUTBOX, REFERRALS
from tests.harness.delivery.toy import Bench
from tests.harness.rebuild.load import Load, loaded, log_of
from tests.harness.rebuild.tallied import TALLIED
from tests.integration.rebuild.conftest import another_process
from tests.integration.rebuild.test_quiet import facts_of, generation, settled, tallies

pytestmark = pytest.mark.long


async def proven(place: Bench, kernel: Kernel[Any, Any], load: Load, number: int) -> None:
    """Everything that was said is in the live generation, and each miss was answered by one meeting."""
    await settled(kernel, len(load.referrals))
    live = facts_of(await generation(kernel, REFERRALS, number))
    log = await log_of(place)
    assert live == log
    assert set(load.commanded) <= {identity for facts in live.values() for _, identity in facts}
    booked: dict[bytes, int] = {}
    seen: set[bytes] = set()
    for record in await place.whole(topic(place.locality, "meeting-booked")):
        event_id = dict(record.headers)["ce_id"]
        if event_id not in seen:
            seen.add(event_id)
            booked[record.key or b""] = booked.get(record.key or b"", 0) + 1
    stored = kernel.mongo[REFERRALS].find({}, {"referral": 1, "view": 1})
    async for row in stored:
        assert row["view"]["stage"] == "booked"
        assert booked[row["referral"].encode()] == row["view"]["meetings"]
    count: dict[str, int] = {"meetings": sum(booked.values()), "booked": len(load.referrals)}
    assert (await tallies(kernel, number))[place.locality] == count


async def try_again(rebuild: Rebuild, times: int = 3) -> Report:
    """As an operator does who is told to try again."""
    for _ in range(times - 1):
        try:
            return await rebuild.run()
        except Refused:
            await asyncio.sleep(0.5)
    return await rebuild.run()


async def test_the_switch_is_not_noticed_but_for_a_pause(place: Bench, rebuild: Rebuild) -> None:
    first, second = place.kernel(TALLIED), place.kernel(TALLIED)
    async with first.running(), second.running():
        async with loaded(place, first) as load:
            await asyncio.sleep(1)
            report = await rebuild.run()
            await asyncio.sleep(1)
            again = await rebuild.run()
            await asyncio.sleep(1)
            back = await rebuild.back()
            await asyncio.sleep(1)
        assert [one.pause is not None and one.pause < 3 for one in (report, again, back)] == [True] * 3
        assert (report.number, again.number, back.number) == (2, 3, 2)
        assert load.refused == 0
        assert load.slowest < 4
        await proven(place, first, load, 2)


async def test_a_process_that_is_killed_while_it_is_closed(place: Bench, rebuild: Rebuild) -> None:
    kernel = place.kernel(TALLIED)
    async with kernel.running():
        async with another_process(place) as other, loaded(place, kernel) as load:
            await asyncio.sleep(1)
            rebuilding = asyncio.create_task(rebuild.run())
            while (await live_row(kernel.mongo)).state == "open" and not rebuilding.done():
                await asyncio.sleep(0.01)
            other.send(signal.SIGKILL)
            report = await rebuilding
            assert report.switched
        await proven(place, kernel, load, 2)


async def test_a_process_that_sleeps_through_the_switch(place: Bench, rebuild: Rebuild) -> None:
    """It wakes with a transaction in hand and a batch that others have handled meanwhile."""
    kernel = place.kernel(TALLIED)
    async with kernel.running():
        async with another_process(place) as other, loaded(place, kernel) as load:
            await asyncio.sleep(1)
            for _ in range(2):
                other.send(signal.SIGSTOP)
                report = await try_again(rebuild)
                assert report.switched
                await asyncio.sleep(1)
                other.send(signal.SIGCONT)
                await asyncio.sleep(1.5)
            asleep = await generation(kernel, REFERRALS, 2)
        await proven(place, kernel, load, 3)
        # What was closed has stayed as it was, whoever woke up.
        assert len(asleep) == len(await generation(kernel, REFERRALS, 2))


async def test_one_who_dies_while_it_is_closed_stops_nobody(
    place: Bench, rebuild: Rebuild, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rebuilder, that is: the processes open the generation again by themselves."""
    kernel = place.kernel(TALLIED)
    async with kernel.running():
        monkeypatch.setattr("shared.delivery.rebuild.switching.CLOSED_SECONDS", 4)
        monkeypatch.setattr("shared.delivery.rebuild.switching.Switch.give_up", _die)
        monkeypatch.setattr("shared.delivery.rebuild.shadow_generation.ShadowGeneration.finish", _die)
        async with loaded(place, kernel) as load:
            await asyncio.sleep(1)
            with pytest.raises(Died):
                await rebuild.run()
            assert (await live_row(kernel.mongo)).state == "closing"
            await asyncio.sleep(8)
            assert (await live_row(kernel.mongo)).state == "open"
            before = len(load.commanded)
            await asyncio.sleep(1)
            assert len(load.commanded) > before
        monkeypatch.undo()
        await proven(place, kernel, load, 1)
        assert (await try_again(rebuild)).switched


class Died(Exception):
    pass


async def _die(*_: object) -> None:
    raise Died


async def test_unpublished_event_is_in_the_rebuilt_generation(place: Bench, rebuild: Rebuild) -> None:
    """Decided and in the outbox, and its topic takes nothing: the new generation knows it."""
    kernel = place.kernel(TALLIED)
    async with kernel.running():
        async with loaded(place, kernel) as load:
            await asyncio.sleep(1)
        await settled(kernel, len(load.referrals))
        kernel._relay._own.publish = _die  # type: ignore[assignment]  # the broker is away for the relay
        async with loaded(place, kernel) as more:
            await asyncio.sleep(0.5)
        async with asyncio.timeout(20):
            while await kernel.mongo[REFERRALS].count_documents({}) < len(load.referrals + more.referrals):
                await asyncio.sleep(0.05)
        assert await kernel.mongo[OUTBOX].count_documents({})
        report = await rebuild.run()
        assert report.switched
        old, new = [facts_of(await generation(kernel, REFERRALS, number)) for number in (1, 2)]
        assert old == new
        assert await tallies(kernel, 1) == await tallies(kernel, 2)
    later = place.kernel(TALLIED)
    async with later.running():
        load.referrals += more.referrals
        load.commanded += more.commanded
        await proven(place, later, load, 2)
