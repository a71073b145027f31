"""Scheduled tasks run once, even if several processes and batches interfere."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from shared.contract.events.envelope import Envelope
from shared.contract.events.topics import topic
from shared.contract.history import ReferralHistory
from shared.delivery.indexes import ensure_indexes
from shared.delivery.kernel import Kernel
from shared.delivery.model.decision import Decision, DecisionContext, ScheduledTask, TaskRow
from shared.delivery.model.errors import Conflict
from shared.delivery.model.facts import ReceivedEvent
from shared.delivery.model.service_definition import Effect, Loaded, NoRepository, ServiceDefinition
from shared.delivery.mongo.database import Transaction
from shared.delivery.scheduler.task_rows import delete_task
from shared.delivery.unit_of_work.unit_of_work import TASKS, UnitOfWork
from tests.harness.delivery.toy import TOY, Bench, created, missed, said


def round_of(kernel: Kernel[Any, Any], tx: Transaction) -> UnitOfWork[Any, Any]:
    return UnitOfWork(kernel.definition, tx, kernel.clock(), kernel.new_id, "tests")


async def hear(kernel: Kernel[Any, Any], event: Envelope) -> None:
    """Handles one record like a batch, without a broker."""

    async def work(tx: Transaction) -> None:
        round_ = round_of(kernel, tx)
        await round_.read([(event.body.locality, event.body.referral_id)])
        round_.aggregate(event.body.locality, event.body.referral_id).append(ReceivedEvent.of(event))
        await round_.decide(kernel._context.may_decide)
        await round_.write()

    await kernel.mongo.transact(work)


async def test_decision_asked_with_wrong_clock_is_made_at_once(
    place: Bench,
) -> None:
    kernel = place.kernel()
    await ensure_indexes(kernel.mongo)
    an_hour_ahead = kernel.clock() + timedelta(hours=1)
    event = said(created(place.locality), time=an_hour_ahead)

    async def work(tx: Transaction) -> None:
        round_ = UnitOfWork(kernel.definition, tx, an_hour_ahead, kernel.new_id, "tests")
        await round_.read([(place.locality, event.body.referral_id)])
        round_.aggregate(place.locality, event.body.referral_id).append(ReceivedEvent.of(event))
        await round_.decide(lambda _: False)
        await round_.write()

    await kernel.mongo.transact(work)
    async with kernel.running():
        assert len(await place.heard(topic(place.locality, "meeting-booked"), 1)) == 1


async def test_lease_lost_while_loading_leaves_no_referral_undecided(
    place: Bench,
) -> None:
    leads = {"now": False}

    class Slow(NoRepository):
        async def load(self, tx: Transaction, referrals: Sequence[Loaded[Any]], now: Any) -> None:
            leads["now"] = not leads["now"]

    kernel = place.kernel(replace(TOY, repository=Slow()))
    await ensure_indexes(kernel.mongo)
    for lead in (False, True):
        leads["now"] = lead
        event = said(created(place.locality))

        async def work(tx: Transaction, event: Envelope = event) -> None:
            round_ = round_of(kernel, tx)
            await round_.read([(place.locality, event.body.referral_id)])
            round_.aggregate(place.locality, event.body.referral_id).append(ReceivedEvent.of(event))
            await round_.decide(lambda _: leads["now"])
            await round_.write()

        await kernel.mongo.transact(work)
        view = await kernel.view(place.locality, event.body.referral_id)
        assert view is not None
        asked = await kernel.mongo[TASKS].count_documents(
            {"referral": event.body.referral_id, "what": "kernel.decide"}
        )
        assert (len(view.meetings), asked) == ((1, 0) if lead else (0, 1)), "decided by nobody or by two"
    await kernel.mongo.close()


async def test_task_scheduled_again_during_deletion_is_kept(place: Bench) -> None:
    """Two transactions that each see the row: one takes it, the other is content that it is there."""

    def look_again(story: ReferralHistory, resources: None, context: DecisionContext) -> Decision:
        return Decision(tasks=[ScheduledTask("look", "", context.now)])

    kernel = place.kernel(
        replace(TOY, decisions={"referral_created": look_again, "meeting_missed": look_again})
    )
    await ensure_indexes(kernel.mongo)
    body = created(place.locality)
    await hear(kernel, said(body))
    row = dict(await kernel.mongo[TASKS].find_one({}) or {})
    took, asked = asyncio.Event(), asyncio.Event()

    async def take(tx: Transaction) -> None:
        if await delete_task(tx, row):
            took.set()
            await asyncio.wait([asyncio.create_task(asked.wait())], timeout=0.5)

    async def ask() -> None:
        await took.wait()
        again = said(created(place.locality, body.referral_id))
        while not asked.is_set():
            with contextlib.suppress(Conflict):  # as a batch does that finds the row held
                await hear(kernel, again)
                asked.set()

    await asyncio.gather(kernel.mongo.transact(take), ask())
    assert await kernel.mongo[TASKS].count_documents({}) == 1, "asked for again, and nobody will look"
    await kernel.mongo.close()


async def test_task_cancelled_within_unit_of_work_is_gone(place: Bench) -> None:
    def first(story: ReferralHistory, resources: None, context: DecisionContext) -> Decision:
        return Decision(
            [created(place.locality, context.referral_id)], tasks=[ScheduledTask("ring", "m", context.now)]
        )

    def then(story: ReferralHistory, resources: None, context: DecisionContext) -> Decision:
        return Decision(cancelled_tasks=[("ring", "m")])

    kernel = place.kernel(replace(TOY, decisions={"meeting_missed": first, "referral_created": then}))
    await ensure_indexes(kernel.mongo)
    body = created(place.locality)
    await hear(kernel, said(missed(place.locality, body.referral_id, body.person_ref)))
    assert await kernel.mongo[TASKS].count_documents({}) == 0
    await kernel.mongo.close()


async def test_decision_with_task_only_writes_what_it_rests_on(place: Bench) -> None:
    """Else a fact that is heard at the same moment could make it wrong and neither would notice."""

    def look_again(
        story: ReferralHistory, resources: None, context: DecisionContext, row: TaskRow
    ) -> Decision:
        return Decision(tasks=[ScheduledTask("later", "", context.now + timedelta(days=1))])

    part = replace(TOY, tasks={"ring": look_again})
    event = said(created(place.locality))
    async with place.kernel(part).running() as kernel:
        await place.say(event)
        for _ in range(100):
            if await kernel.mongo[TASKS].count_documents({"what": "later"}):
                break
            await asyncio.sleep(0.1)
        stored = await kernel.stored(place.locality, event.body.referral_id)
        assert stored is not None
        assert stored["v"] == 2, "once when it was heard, once when it was looked at"


def notifying(sender: Effect[ReferralHistory]) -> ServiceDefinition[ReferralHistory, None]:
    def send_two(story: ReferralHistory, resources: None, context: DecisionContext) -> Decision:
        rows = [ScheduledTask("message", f"{n}", context.now) for n in ("hangs", "goes")]
        return Decision(tasks=[*rows, ScheduledTask("ring", "m", context.now)])

    return replace(TOY, decisions={"referral_created": send_two}, effects={"message": sender})


async def test_hanging_gateway_holds_up_no_other_task(place: Bench) -> None:
    gone: list[str] = []

    async def send(key: str, loaded: Loaded[ReferralHistory], row: TaskRow) -> str:
        if row.about == "hangs":
            await asyncio.sleep(60)
        gone.append(row.about)
        return "reference"

    part = notifying(Effect(is_still_needed=lambda *_: True, send=send))
    async with place.kernel(part, drain_seconds=0.5).running() as kernel:
        for count in range(1, 4):  # also what comes due while it hangs
            event = said(created(place.locality))
            await place.say(event)
            view = await kernel.wait_for(
                place.locality, event.body.referral_id, lambda v: v["contacts"] == 1, 10
            )
            assert view is not None
            assert view["contacts"] == 1
            for _ in range(50):
                if len(gone) == count:
                    break
                await asyncio.sleep(0.1)
            assert gone == ["goes"] * count


async def test_tasks_that_always_fail_do_not_block_others(place: Bench) -> None:
    """More of them than are read at once."""

    def many(story: ReferralHistory, resources: None, context: DecisionContext) -> Decision:
        rows = [ScheduledTask("broken", str(n), context.now - timedelta(hours=1)) for n in range(250)]
        return Decision(tasks=[*rows, ScheduledTask("ring", "m", context.now)])

    def broken(story: ReferralHistory, resources: None, context: DecisionContext, row: TaskRow) -> Decision:
        raise ZeroDivisionError

    part = replace(TOY, decisions={"referral_created": many}, tasks={**TOY.tasks, "broken": broken})
    event = said(created(place.locality))
    async with place.kernel(part).running() as kernel:
        await place.say(event)
        view = await kernel.wait_for(place.locality, event.body.referral_id, lambda v: v["contacts"] == 1, 20)
        assert view is not None
        assert view["contacts"] == 1
