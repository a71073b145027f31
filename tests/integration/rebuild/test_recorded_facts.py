"""A rebuild folds the records that the service has stored, and no other, or refuses."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.partitioner import murmur2
from pymongo.errors import WriteError

from linkwork.dead_letter_decisions import LetterDecisions
from linkwork.dead_letter_log import read_letters
from shared.contract.events.fact import Fact
from shared.contract.events.topics import topic
from shared.contract.events.vocabulary import Need
from shared.contract.history import ReferralHistory
from shared.delivery.kernel import Kernel
from shared.delivery.rebuild.report import Refused, Report
from shared.delivery.rebuild.run import Rebuild
from shared.delivery.rebuild.switching import live_row
from shared.delivery.unit_of_work.aggregate import aggregate_id
from shared.delivery.unit_of_work.unit_of_work import REFERRALS
from tests.harness.delivery.toy import Bench, created, fold, said
from tests.harness.rebuild.tallied import TALLIED, TALLIES
from tests.integration.rebuild.test_quiet import facts_of, generation, settled, tallies


async def some(place: Bench, kernel: Kernel[Any, Any], count: int = 20) -> list[str]:
    """So many referrals that have come to rest."""
    events = [said(created(place.locality)) for _ in range(count)]
    await place.say(*events)
    await settled(kernel, count)
    return [event.body.referral_id for event in events]


def faulty(facts: Sequence[Fact]) -> ReferralHistory:
    if any(Need.HOUSING in getattr(fact.body, "needs", ()) for fact in facts):
        raise ZeroDivisionError
    return fold(facts)


async def test_fact_not_received_yet_arrives_as_new(place: Bench, rebuild: Rebuild) -> None:
    """A rebuild that took it would make a repeat of it, and nobody would be booked."""
    async with place.kernel(TALLIED).running() as kernel:
        await some(place, kernel)
    late = [said(created(place.locality)) for _ in range(30)]
    await place.say(*late)
    assert (await rebuild.run()).switched
    async with place.kernel(TALLIED).running() as kernel:
        assert len(await generation(kernel, REFERRALS, 1)) == 20
        await settled(kernel, 50)
        booked = await place.heard(topic(place.locality, "meeting-booked"), 50)
        assert len({record.key for record in booked}) == 50
        assert (await tallies(kernel, 2))[place.locality] == {"booked": 50, "meetings": 50}


async def test_dead_letter_stays_out_until_it_is_replayed(place: Bench, rebuild: Rebuild) -> None:
    event = said(created(place.locality, needs=[Need.HOUSING]))
    async with place.kernel(replace(TALLIED, fold=faulty)).running() as kernel:
        await some(place, kernel)
        await place.say(event)
        await place.dead_letters(1)
    async with place.kernel(TALLIED).running() as kernel:
        assert (await rebuild.run()).switched
        assert await kernel.view(place.locality, event.body.referral_id) is None
        mine = [
            letter
            for letter in await read_letters(place.kafka, ["matching"])
            if letter.locality == place.locality
        ]
        await LetterDecisions("matching", kernel.mongo, "ada").replay(mine[0], "mended")
        await settled(kernel, 21)
        report = await rebuild.run()
        assert (report.switched, report.compared.referrals) == (True, 21)


async def test_a_record_in_another_partition_than_its_key_is_not_lost(place: Bench, rebuild: Rebuild) -> None:
    async with place.kernel(TALLIED).running() as kernel:
        await some(place, kernel)
        stray = said(created(place.locality))
        key = stray.body.referral_id.encode()
        elsewhere = ((murmur2(key) & 0x7FFFFFFF) + 1) % 3
        await place.producer.send_and_wait(
            stray.topic(), stray.raw, key=key, headers=stray.headers(), partition=elsewhere
        )
        await settled(kernel, 21)
        lines: list[str] = []
        rebuild.processes, rebuild.say = 1, lines.append
        report = await rebuild.run()
        assert (report.switched, report.compared.referrals) == (True, 21)
        done, _, total, _ = [line for line in lines if " of " in line][-1].split()
        assert done == total, "it looks as if a record were left out"


async def test_a_log_that_is_too_long_to_hold_is_folded_in_helpings(
    place: Bench, rebuild: Rebuild, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.delivery.rebuild.bulk._MAX_HELD", 7)
    async with place.kernel(TALLIED).running() as kernel:
        await some(place, kernel)
        report = await rebuild.run()
        assert (report.switched, report.compared.facts) == (True, 60)
        assert await tallies(kernel, 1) == await tallies(kernel, 2)


async def test_a_fact_that_the_log_lacks_keeps_the_old_one_live(place: Bench, rebuild: Rebuild) -> None:
    async with place.kernel(TALLIED).running() as kernel:
        names = await some(place, kernel)
        ours = {"_id": aggregate_id(place.locality, names[0])}
        stored = await kernel.mongo[REFERRALS].find_one(ours)
        assert stored is not None
        more = stored["facts"][0] | {"i": "0198f000-0000-7000-8000-000000000000"}
        await kernel.mongo[REFERRALS].update_one(ours, {"$push": {"facts": more}})
        rebuild.accept = True
        with pytest.raises(Refused, match="The log lacks 1 facts"):
            await rebuild.run()
        row = await live_row(kernel.mongo)
        assert (row.number, row.state, row.kept) == (1, "open", None)
        await place.say(said(created(place.locality)))
        await settled(kernel, 21)


async def test_lost_fact_returns_only_if_accepted(place: Bench, rebuild: Rebuild) -> None:
    async with place.kernel(TALLIED).running() as kernel:
        names = await some(place, kernel)
        await kernel.mongo[REFERRALS].delete_many({"referral": {"$in": names[:3]}})
        with pytest.raises(Refused, match="9 facts more"):
            await rebuild.run()
        with pytest.raises(Refused, match="No generation was kept"):
            await rebuild.back()
        rebuild.accept = True
        report = await rebuild.run()
        assert (report.switched, report.compared.extra) == (True, 9)
        await settled(kernel, 20)
        assert len(facts_of(await generation(kernel, REFERRALS, 2))) == 20


async def test_there_is_no_way_back_once_another_rebuild_has_begun(place: Bench, rebuild: Rebuild) -> None:
    async with place.kernel(TALLIED).running() as kernel:
        names = await some(place, kernel)
        assert (await rebuild.run()).switched
        await kernel.mongo.database["referrals.g2"].delete_one({"referral": names[0]})
        with pytest.raises(Refused, match="3 facts more"):
            await rebuild.run()
        row = await live_row(kernel.mongo)
        assert (row.number, row.state, row.kept, row.marks) == (2, "open", None, ())
        with pytest.raises(Refused, match="No generation was kept"):
            await rebuild.back()


async def test_trimmed_log_is_refused_and_keeps_the_way_back(place: Bench, rebuild: Rebuild) -> None:
    async with place.kernel(TALLIED).running() as kernel:
        await some(place, kernel)
        assert (await rebuild.run()).switched
        kept = await live_row(kernel.mongo)
        admin = AIOKafkaAdminClient(**place.kafka.client_arguments())
        await admin.start()
        at = TopicPartition(topic(place.locality, "referral-created"), 0)
        await admin.delete_records({at: RecordsToDelete(before_offset=1)})
        await admin.close()
        with pytest.raises(Refused, match="does not begin at its beginning"):
            await rebuild.run()
        assert await live_row(kernel.mongo) == kept
        report = await rebuild.back()
        assert (report.switched, report.number, report.compared.referrals) == (True, 1, 20)


async def test_kept_generation_is_locked_after_a_refused_way_back(place: Bench, rebuild: Rebuild) -> None:
    """Of a process that was paused since before the switch."""
    async with place.kernel(TALLIED).running() as kernel:
        names = await some(place, kernel)
        assert (await rebuild.run()).switched
        await kernel.mongo.database["referrals.g2"].delete_one({"referral": names[0]})
        with pytest.raises(Refused, match="3 facts more"):
            await rebuild.back()
        with pytest.raises(WriteError, match="failed validation"):
            await kernel.mongo.database["referrals"].insert_one({"_id": "of a process that was paused"})
        rebuild.accept = True
        assert (await rebuild.back()).switched
        await place.say(said(created(place.locality)))
        await settled(kernel, 21)


async def test_there_is_no_way_back_to_what_is_not_there(place: Bench, rebuild: Rebuild) -> None:
    """Earlier builds dropped it and had it down as kept."""
    async with place.kernel(TALLIED).running() as kernel:
        await some(place, kernel)
        assert (await rebuild.run()).switched
        await kernel.mongo.database.drop_collection(TALLIES)  # one of its two
        for told in ("generation 1 was kept, but lacks tallies by now", "No generation was kept"):
            with pytest.raises(Refused, match=told):
                await rebuild.back()
            row = await live_row(kernel.mongo)
            assert (row.number, row.state, row.kept, row.marks) == (2, "open", None, ())
        await place.say(said(created(place.locality)))
        await settled(kernel, 21)


async def test_of_two_rebuilds_at_once_one_is_refused(place: Bench, rebuild: Rebuild) -> None:
    async with place.kernel(TALLIED).running() as kernel:
        await some(place, kernel)
        first, second = await asyncio.gather(rebuild.run(), rebuild.run(), return_exceptions=True)
        assert {type(first), type(second)} == {Report, Refused}
        assert (await live_row(kernel.mongo)).number == 2
