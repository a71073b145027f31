"""A sandbox forgets facts after a week, each by itself, and a rebuild from its log comes to the same."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete

from shared.contract.events.envelope import Envelope
from shared.contract.events.outcomes import ContactAttempted
from shared.contract.events.topics import event_topics
from shared.contract.events.vocabulary import Channel
from shared.delivery.forgetting import forget, is_forgotten
from shared.delivery.kernel import Kernel
from shared.delivery.mongo.database import Transaction
from shared.delivery.rebuild.run import Rebuild
from shared.delivery.rebuild.source import Rebuildable, Source
from shared.delivery.unit_of_work.unit_of_work import REFERRALS, TASKS
from tests.harness.delivery.toy import NOW, TOY, Bench, created, said

LATER = NOW + timedelta(days=7, hours=1)
FORGOTTEN: list[tuple[str, tuple[str, ...]]] = []


async def note_forgotten(tx: Transaction, locality: str, referrals: Sequence[str]) -> None:
    FORGOTTEN.append((locality, tuple(referrals)))


SANDBOX = replace(TOY, decisions={}, is_sandbox=lambda _: True, forget=note_forgotten)


def rebuildable(_: Path) -> Rebuildable:
    async def no_indexes(_: Any) -> None:
        return None

    return Rebuildable(SANDBOX, no_indexes)


@dataclass
class Now:
    """A clock that the test moves."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


async def stored(kernel: Kernel[Any, Any]) -> dict[str, tuple[set[str], Any]]:
    """The ids of each referral's facts, and its view."""
    return {
        row["referral"]: ({fact["i"] for fact in row["facts"]}, row["view"])
        async for row in kernel.mongo[REFERRALS].find()
    }


def called(event: Envelope) -> Envelope:
    """A fact of yesterday about a referral of a week ago."""
    body = ContactAttempted(
        referral_id=event.body.referral_id, locality=event.body.locality, channel=Channel.PHONE, reached=True
    )
    return said(body, time=LATER - timedelta(days=1))


async def folded(kernel: Kernel[Any, Any], event: Envelope, contacts: int = 0) -> None:
    """Waits until the referral has so many contacts."""
    body = event.body
    await kernel.wait_for(body.locality, body.referral_id, lambda view: view["contacts"] == contacts, 10)


@pytest.mark.parametrize(
    ("age", "forgotten"),
    [
        (timedelta(0), False),
        (timedelta(days=7), False),
        (timedelta(days=7, seconds=1), True),
        (-timedelta(days=1), False),
        (-timedelta(days=1, seconds=1), True),
    ],
)
def test_fact_is_forgotten_by_its_recorded_time(age: timedelta, forgotten: bool) -> None:
    assert is_forgotten(NOW - age, NOW) is forgotten


async def test_forgetting_drops_old_facts_and_whole_referrals(place: Bench) -> None:
    clock = Now()
    long, whole = said(created(place.locality)), said(created(place.locality))
    late = called(long)
    async with place.kernel(SANDBOX, clock).running() as kernel:
        await place.say(long, whole)
        for event in (long, whole):
            await folded(kernel, event)
        task = {"_id": "x", "locality": place.locality, "referral": whole.body.referral_id, "what": "none"}
        await kernel.mongo[TASKS].insert_one({**task, "at": LATER + timedelta(days=99)})
        assert await forget(kernel._context, place.locality) == 0
        assert [len(facts) for facts, _ in (await stored(kernel)).values()] == [1, 1]
        clock.now = LATER
        await place.say(late)
        await folded(kernel, long, contacts=1)
        FORGOTTEN.clear()
        assert await forget(kernel._context, place.locality) == 1
        left = await stored(kernel)
        assert await forget(kernel._context, place.locality) == 0
        assert await kernel.mongo[TASKS].count_documents({}) == 0
    assert [(place.locality, (whole.body.referral_id,))] == FORGOTTEN
    assert {referral: facts for referral, (facts, _) in left.items()} == {long.body.referral_id: {late.id}}
    assert left[long.body.referral_id][1]["stage"] == "unknown"


async def test_forgetting_refuses_locality_that_is_no_sandbox(place: Bench) -> None:
    kernel = place.kernel(TOY)
    with pytest.raises(ValueError, match="is no sandbox"):
        await forget(kernel._context, place.locality)
    await kernel.mongo.close()


async def test_rebuild_of_a_trimmed_sandbox_comes_to_the_same(place: Bench) -> None:
    clock = Now()
    long, whole = said(created(place.locality)), said(created(place.locality))
    late, fresh = called(long), said(created(place.locality), time=LATER)
    source = Source(f"{__name__}:rebuildable", Path(), place.kafka, place.mongo_url, place.options.database)
    async with place.kernel(SANDBOX, clock).running() as kernel:
        await place.say(long, whole)
        for event in (long, whole):
            await folded(kernel, event)
        await trimmed(place)
        clock.now = LATER
        await place.say(late, fresh)
        await folded(kernel, long, contacts=1)
        await folded(kernel, fresh)
        await forget(kernel._context, place.locality)
        before = await stored(kernel)
        report = await Rebuild(source, [place.locality], say=lambda _: None, processes=0).run()
        assert report.switched
        await forget(kernel._context, place.locality)
        assert await stored(kernel) == before
    assert set(before) == {long.body.referral_id, fresh.body.referral_id}


async def trimmed(place: Bench) -> None:
    """The broker deletes what it has, as it does after a week."""
    admin = AIOKafkaAdminClient(**place.kafka.client_arguments())
    await admin.start()
    try:
        everything = {
            TopicPartition(name, number): RecordsToDelete(before_offset=-1)
            for name in event_topics(place.locality)
            for number in range(3)
        }
        await admin.delete_records(everything)
    finally:
        await admin.close()
