"""Due tasks of one locality are decided together, and alone if that fails."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from shared.contract.events.envelope import Envelope
from shared.contract.events.topics import topic
from shared.contract.history import ReferralHistory
from shared.delivery.indexes import ensure_indexes
from shared.delivery.kernel import Kernel
from shared.delivery.model.decision import Decision, DecisionContext, TaskRow
from shared.delivery.model.errors import Transient
from shared.delivery.model.facts import ReceivedEvent
from shared.delivery.model.service_definition import Loaded, NoRepository
from shared.delivery.mongo.database import Transaction
from shared.delivery.unit_of_work.unit_of_work import TASKS, UnitOfWork
from tests.harness.delivery.toy import TOY, Bench, created, said


class Counting(NoRepository):
    """A store that remembers for how many referrals at a time it was asked."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    async def load(self, tx: Transaction, referrals: Sequence[Loaded[Any]], now: Any) -> None:
        self.asked.append(len(referrals))


async def hear(kernel: Kernel[Any, Any], events: Sequence[Envelope], may_decide: bool) -> None:
    """Handles these records like a batch, without a broker."""

    async def work(tx: Transaction) -> None:
        round_ = UnitOfWork(kernel.definition, tx, kernel.clock(), kernel.new_id, "tests")
        await round_.read([(event.body.locality, event.body.referral_id) for event in events])
        for event in events:
            round_.aggregate(event.body.locality, event.body.referral_id).append(ReceivedEvent.of(event))
        await round_.decide(lambda _: may_decide)
        await round_.write()

    await kernel.mongo.transact(work)


async def test_decisions_asked_by_others_are_made_together(place: Bench) -> None:
    """It may be thousands after a death, each of which would read all diaries by itself."""
    store = Counting()
    kernel = place.kernel(replace(TOY, repository=store))
    await ensure_indexes(kernel.mongo)
    events = [said(created(place.locality)) for _ in range(30)]
    await hear(kernel, events, may_decide=False)
    store.asked.clear()
    async with kernel.running():
        booked = await place.heard(topic(place.locality, "meeting-booked"), 30)
    assert {record.key for record in booked} == {event.body.referral_id.encode() for event in events}
    assert len(booked) == 30
    assert max(store.asked) == 30


async def test_failing_task_of_group_spares_others(place: Bench) -> None:
    events = [said(created(place.locality)) for _ in range(10)]
    faulty = events[4].body.referral_id
    ring = TOY.tasks["ring"]

    def look(story: ReferralHistory, resources: None, context: DecisionContext, row: TaskRow) -> Decision:
        if context.referral_id == faulty:
            raise ZeroDivisionError
        return ring(story, resources, context, row)

    kernel = place.kernel(replace(TOY, tasks={"ring": look}))
    await ensure_indexes(kernel.mongo)
    await hear(kernel, events, may_decide=True)
    await kernel.mongo[TASKS].update_many({}, {"$set": {"at": kernel.clock()}})
    async with kernel.running():
        for event in events:
            if event.body.referral_id != faulty:
                view = await kernel.wait_for(
                    place.locality, event.body.referral_id, lambda v: v["contacts"] == 1, 10
                )
                assert view is not None
                assert view["contacts"] == 1
        left = [row async for row in kernel.mongo[TASKS].find({})]
    assert [(row["referral"], row["why"]) for row in left] == [(faulty, "failed")]


async def test_page_with_database_away_is_left_after_one_try(
    place: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each try waits for it: all groups, and then all rows, would wait one after the other."""
    kernel = place.kernel()
    await ensure_indexes(kernel.mongo)
    await hear(kernel, [said(created(place.locality)) for _ in range(120)], may_decide=True)
    tries: list[None] = []

    async def away(work: Any) -> None:
        tries.append(None)
        raise Transient

    monkeypatch.setattr(kernel.mongo, "transact", away)
    assert not await kernel._scheduler.run_once(sends=False)
    assert len(tries) == 1
    assert await kernel.mongo[TASKS].count_documents({}) == 120
    await kernel.mongo.close()
