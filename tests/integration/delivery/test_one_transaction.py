"""Facts, decisions and outbox rows are written together or not at all."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from shared.contract.events.topics import topic
from shared.delivery.indexes import ensure_indexes
from shared.delivery.model.errors import Conflict
from shared.delivery.model.facts import ReceivedEvent
from shared.delivery.model.service_definition import Changed, NoRepository
from shared.delivery.mongo.database import Transaction
from shared.delivery.outbox.rows import Message
from shared.delivery.unit_of_work.aggregate import ReferralAggregate, aggregate_id
from shared.delivery.unit_of_work.unit_of_work import OUTBOX, REFERRALS, UnitOfWork
from shared.platform.ids import new_id
from tests.harness.delivery.toy import TOY, Bench, created, missed, said


class FailsAtFirst(NoRepository):
    """A store whose last write is refused a few times."""

    def __init__(self, failures: int) -> None:
        self.left = failures

    async def save(self, tx: Transaction, changes: Sequence[Changed[Any]], resources: None) -> None:
        if self.left:
            self.left -= 1
            raise Conflict


async def test_decision_of_failed_transaction_is_not_published(place: Bench) -> None:
    event = said(created(place.locality))
    async with place.kernel(replace(TOY, repository=FailsAtFirst(3))).running() as kernel:
        await place.say(event)
        await kernel.wait_for(place.locality, event.body.referral_id, lambda v: v["contacts"] == 1, 10)
        facts = await kernel.facts(place.locality, event.body.referral_id)
        kernel._relay.read_lane()  # or it would see only what it is handed
        booked = await place.heard(topic(place.locality, "meeting-booked"), 2, seconds=2)
    assert [dict(record.headers)["ce_id"].decode() for record in booked] == [
        fact.id for fact in facts if fact.kind == "meeting_booked"
    ]


async def test_write_of_stale_referral_is_refused(place: Bench) -> None:
    """Also where the database itself would not notice: read before the transaction, written in it."""
    kernel = place.kernel()
    await ensure_indexes(kernel.mongo)
    body = created(place.locality)

    async def hear(tx: Transaction, stale: ReferralAggregate[Any, Any] | None, event: Any) -> None:
        round_ = UnitOfWork(kernel.definition, tx, kernel.clock(), kernel.new_id, "tests")
        if stale is not None:
            round_.aggregates[stale.id] = stale
        await round_.read([(place.locality, body.referral_id)])
        round_.aggregate(place.locality, body.referral_id).append(ReceivedEvent.of(event))
        await round_.write()

    await kernel.mongo.transact(lambda tx: hear(tx, None, said(body)))
    key = {"_id": aggregate_id(place.locality, body.referral_id)}
    stale = ReferralAggregate.from_document(
        kernel.definition, await kernel.mongo[REFERRALS].find_one(key) or {}
    )
    first, second = (said(missed(place.locality, body.referral_id, body.person_ref)) for _ in range(2))
    await kernel.mongo.transact(lambda tx: hear(tx, None, first))
    with pytest.raises(Conflict):
        await kernel.mongo.transact(lambda tx: hear(tx, stale, second))
    await kernel.mongo.close()


async def test_fact_with_foreign_id_does_not_silence_another(place: Bench) -> None:
    """One id in another locality is another referral; one id of another source is another fact."""
    kernel = place.kernel()
    await ensure_indexes(kernel.mongo)
    body = created(place.locality)
    elsewhere = body.model_copy(update={"locality": "elsewhere"})
    first = said(body)
    events = [first, said(missed(place.locality, body.referral_id, new_id()), "partner", identity=first.id)]
    events.append(said(elsewhere, identity=first.id))

    async def hear(tx: Transaction) -> list[str]:
        round_ = UnitOfWork(kernel.definition, tx, kernel.clock(), kernel.new_id, "tests")
        await round_.read([(event.body.locality, event.body.referral_id) for event in events])
        cases = [round_.aggregate(event.body.locality, event.body.referral_id) for event in events]
        told = [case.append(ReceivedEvent.of(event)) for case, event in zip(cases, events, strict=True)]
        await round_.write()
        return list(told)

    assert await kernel.mongo.transact(hear) == ["appended", "appended", "appended"]
    for locality, count in ((place.locality, 2), ("elsewhere", 1)):
        assert len(await kernel.facts(locality, body.referral_id)) == count
    await kernel.mongo.close()


async def test_setup_fault_loses_and_dead_letters_nothing(place: Bench) -> None:
    """Neither record nor letter can be written: that is nobody's record's fault. Once mended, all goes on."""
    events = [said(created(place.locality)) for _ in range(12)]
    async with place.kernel().running() as kernel:
        # Somebody has put a view in the outbox's place: nothing can be written to it.
        await kernel.mongo.database.drop_collection(OUTBOX)
        await kernel.mongo.database.command({"create": OUTBOX, "viewOn": "elsewhere", "pipeline": []})
        await place.say(*events)
        for _ in range(100):
            _, detail = await kernel.ready()
            if detail["streams"][place.locality]["waits_for"] == "own_code":
                break
            await asyncio.sleep(0.1)
        assert detail["streams"][place.locality]["waits_for"] == "own_code"
        await kernel.mongo.database.drop_collection(OUTBOX)
        await kernel.mongo.database.create_collection(OUTBOX)
        booked = await place.heard(topic(place.locality, "meeting-booked"), 12, seconds=20)
        assert {record.key for record in booked} == {e.body.referral_id.encode() for e in events}
        assert await place.dead_letters(0) == []


async def test_dead_letters_are_written_with_their_batch(place: Bench) -> None:
    good, bad = said(created(place.locality)), said(created(place.locality))
    store = FailsAtFirst(10**6)
    async with place.kernel(replace(TOY, repository=store), max_conflicts=10**6).running() as kernel:
        for event, value in ((bad, b"{not json"), (good, good.raw)):
            await place.producer.send_and_wait(
                event.topic(),
                value,
                key=event.body.referral_id.encode(),
                headers=event.headers(),
                partition=0,
            )
        for _ in range(100):
            if store.left < 10**6 - 2:
                break
            await asyncio.sleep(0.1)
        rows = [row async for row in kernel.mongo[OUTBOX].find({})]
        waiting = [Message.restore(stored) for row in rows for stored in row["m"]]
        store.left = 0
        assert len(await place.dead_letters(1)) == 1
    assert len(waiting) <= 1, "a letter for each attempt"
