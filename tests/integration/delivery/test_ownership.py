"""Decisions of a part end with the flip in every process, and begin behind the markers of another epoch."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

import pytest

from shared.contract.events.models import MeetingBooked, ReferralCreated
from shared.contract.events.topics import topic
from shared.contract.history import ReferralHistory
from shared.delivery.kernel import Kernel
from shared.delivery.model.decision import Decision, DecisionContext, ScheduledTask
from shared.delivery.model.errors import Conflict, NotOwner, StillLooking
from shared.delivery.model.facts import ReceivedEvent
from shared.delivery.model.service_definition import Loaded, NoRepository, ServiceDefinition, every_referral
from shared.delivery.mongo.database import Mongo, Transaction
from shared.delivery.mongo.leases import LEASES
from shared.delivery.outbox.unpublished import OUTBOX_SET_ASIDE
from shared.delivery.ownership.flip import (
    CannotFlip,
    decides_again,
    outbox_left,
    ownership_of,
    stop_deciding,
)
from shared.delivery.ownership.standing import OWNERSHIP
from shared.delivery.rebuild.generations import REBUILD_LEASE
from shared.delivery.unit_of_work import commands
from shared.delivery.unit_of_work.unit_of_work import OUTBOX, TASKS
from shared.platform import metrics
from shared.platform.ids import new_id
from shared.platform.kafka_connection import KafkaConnection
from tests.harness.control import until
from tests.harness.delivery.letters import until as comes_true
from tests.harness.delivery.owners import TableInHand, kernel_with, mark
from tests.harness.delivery.toy import NOW, TOY, Bench, book, created, missed, said

# It books whatever is open, also when it looks.
LOOKING: Final = replace(TOY, look=book)


@dataclass
class Paused(NoRepository):
    """Resources that are loaded as slowly as the test wants."""

    reached: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)

    async def load(self, tx: Transaction, referrals: Sequence[Loaded[Any]], now: datetime) -> None:
        if referrals and not self.go.is_set():
            self.reached.set()
            await self.go.wait()


@pytest.fixture
def table(place: Bench) -> TableInHand:
    return TableInHand([place.locality])


@asynccontextmanager
async def replicas(
    place: Bench, table: TableInHand, part: ServiceDefinition[Any, Any] = LOOKING
) -> AsyncIterator[tuple[Kernel[Any, Any], Kernel[Any, Any]]]:
    first, second = (kernel_with(place, table, part) for _ in range(2))
    async with first.running() as one, second.running() as two:
        yield one, two


async def view_of(kernel: Kernel[Any, Any], body: ReferralCreated, meetings: int = 0) -> dict[str, Any]:
    """The view, once it has so many meetings."""
    found = await kernel.wait_for(
        body.locality, body.referral_id, lambda view: view["meetings"] >= meetings, 15
    )
    assert found is not None
    return dict(found)


def miss(story: ReferralHistory, _: object, context: DecisionContext) -> Decision:
    return Decision([missed(context.locality, context.referral_id, new_id())])


def book_it(story: ReferralHistory, _: None, context: DecisionContext) -> Decision:
    return replace(book(story, None, context), tasks=())


async def test_part_after_flip_folds_and_decides_nothing(place: Bench, table: TableInHand) -> None:
    before, after = created(place.locality), created(place.locality)
    async with replicas(place, table) as (one, two):
        await place.say(said(before))
        await view_of(one, before, meetings=1)
        await stop_deciding(one.mongo, place.locality, "booking", 0)
        await stop_deciding(one.mongo, place.locality, "booking", 0)  # A command that died does it again.
        await place.say(said(after))
        for kernel in (one, two):
            assert (await view_of(kernel, after))["meetings"] == 0
            with pytest.raises(NotOwner) as refused:
                await kernel.command(place.locality, after.referral_id, book_it)
            assert (refused.value.locality, refused.value.part) == (place.locality, "booking")
        # Another part of the same service goes on; what would follow from it is not decided.
        done = await two.command(place.locality, after.referral_id, miss)
        assert [fact.kind for fact in done.facts] == ["meeting_missed"]
        assert (await view_of(one, after))["meetings"] == 0
        assert not one.decides(place.locality, "booking")
        assert one.decides(place.locality, "casework")
        for _ in range(100):
            left = await outbox_left(one.mongo, place.locality, "booking")
            if not left:
                break
            await asyncio.sleep(0.05)
        assert left == 0
        assert len(await place.heard(topic(place.locality, "meeting-booked"), 2, seconds=1)) == 1


async def test_batch_that_sleeps_across_flip_decides_nothing(place: Bench, table: TableInHand) -> None:
    slow, body = Paused(), created(place.locality)
    async with kernel_with(place, table, replace(LOOKING, repository=slow)).running() as kernel:
        await place.say(said(body))
        await slow.reached.wait()
        await stop_deciding(kernel.mongo, place.locality, "booking", 0)
        slow.go.set()
        assert (await view_of(kernel, body))["meetings"] == 0
        assert await kernel.mongo[TASKS].count_documents({}) == 0
        assert await outbox_left(kernel.mongo, place.locality, "booking") == 0


@pytest.mark.parametrize("joins", [True, False], ids=["a new process", "one that has decided before"])
async def test_command_that_began_before_flip_is_refused(
    place: Bench, table: TableInHand, joins: bool
) -> None:
    """It has read who owns the part, and its first document, before the flip."""
    slow, body, first = Paused(), created(place.locality), created(place.locality)
    kernel = kernel_with(place, table, replace(TOY, repository=slow, decisions={}))
    async with kernel.running():
        await place.say(said(body), said(first))
        await view_of(kernel, body)
        await view_of(kernel, first)
        if not joins:
            slow.go.set()
            await kernel.command(place.locality, first.referral_id, book_it)
            slow.go.clear()
        slots = await kernel.mongo[OWNERSHIP].count_documents({"lane": {"$exists": True}})
        assert (slots == 0) is joins
        waiting = asyncio.create_task(kernel.command(place.locality, body.referral_id, book_it))
        await slow.reached.wait()
        await stop_deciding(kernel.mongo, place.locality, "booking", 0)
        slow.go.set()
        with pytest.raises(NotOwner):
            await waiting
        assert (await view_of(kernel, body))["meetings"] == 0


async def test_process_that_sleeps_with_slot_holds_up_no_flip(place: Bench, table: TableInHand) -> None:
    body = created(place.locality)
    async with kernel_with(place, table).running() as kernel:
        asleep, wakes = asyncio.Event(), asyncio.Event()

        async def decide(tx: Transaction) -> None:
            unit_of_work = kernel._context.unit_of_work(tx)
            await unit_of_work.read([(place.locality, body.referral_id)])
            unit_of_work.aggregate(place.locality, body.referral_id).append(ReceivedEvent.of(said(body)))
            await unit_of_work.decide(lambda _: True)
            await unit_of_work.write()
            asleep.set()
            await wakes.wait()

        sleeping = asyncio.create_task(kernel.mongo.transact(decide))
        await asleep.wait()
        await stop_deciding(kernel.mongo, place.locality, "booking", 0)
        wakes.set()
        with pytest.raises(Conflict):  # A batch begins anew, and finds the flip.
            await sleeping
        await kernel.mongo.transact(decide)
        assert (await view_of(kernel, body))["meetings"] == 0
        assert await kernel.mongo[OUTBOX].count_documents({}) == 0


async def test_undone_flip_looks_at_what_came_meanwhile(place: Bench, table: TableInHand) -> None:
    body = created(place.locality)
    async with replicas(place, table) as (one, _):
        await stop_deciding(one.mongo, place.locality, "booking", 0)
        await place.say(said(body))
        assert (await view_of(one, body))["meetings"] == 0
        with pytest.raises(CannotFlip, match="other_epoch"):
            await decides_again(one.mongo, place.locality, "booking", 1)
        await decides_again(one.mongo, place.locality, "booking", 0)
        assert (await view_of(one, body, meetings=1))["meetings"] == 1
        assert len(await place.heard(topic(place.locality, "meeting-booked"), 1)) == 1


async def test_flip_is_not_undone_behind_a_marker(place: Bench, table: TableInHand) -> None:
    async with kernel_with(place, table).running() as kernel:
        await stop_deciding(kernel.mongo, place.locality, "booking", 0)
        await mark(place, 1, ["outcome-recorded"])
        for _ in range(100):
            if await kernel.mongo["markers"].count_documents({}):
                break
            await asyncio.sleep(0.05)
        with pytest.raises(CannotFlip, match="marker"):
            await decides_again(kernel.mongo, place.locality, "booking", 0)


async def test_flip_waits_for_the_end_of_a_rebuild(place: Bench, table: TableInHand) -> None:
    async with kernel_with(place, table).running() as kernel:
        ends = datetime.now().astimezone() + timedelta(minutes=1)
        lease = {"_id": REBUILD_LEASE, "holder": "somebody", "until": ends}
        await kernel.mongo[LEASES].insert_one(lease)
        with pytest.raises(CannotFlip, match="rebuild"):
            await stop_deciding(kernel.mongo, place.locality, "booking", 0)
        assert (await ownership_of(kernel.mongo, place.locality))["booking"].decides
        await kernel.mongo[LEASES].update_one({"_id": REBUILD_LEASE}, {"$set": {"holder": ""}})
        await stop_deciding(kernel.mongo, place.locality, "booking", 0)
        assert not (await ownership_of(kernel.mongo, place.locality))["booking"].decides


def book_and_ask(story: ReferralHistory, resources: None, context: DecisionContext) -> Decision:
    """Books, and puts a call off until the test is over."""
    booked = book(story, resources, context)
    return replace(booked, tasks=[ScheduledTask("ring", "later", context.now + timedelta(hours=1))])


async def _tasks_are(mongo: Mongo, expected: set[tuple[str, int]]) -> bool:
    """True once these are left, by referral and epoch. The look's own call is due at once."""
    return {(row["referral"], row["epoch"]) async for row in mongo[TASKS].find({})} == expected


async def test_part_given_back_answers_what_is_open(place: Bench, table: TableInHand) -> None:
    ours, answered, opened = (created(place.locality) for _ in range(3))
    here = place.locality
    part = replace(LOOKING, decisions={"referral_created": book_and_ask})
    async with replicas(place, table, part) as (one, two):
        await place.say(said(ours))
        await view_of(one, ours, meetings=1)
        await stop_deciding(one.mongo, here, "booking", 0)
        await mark(place, 1)
        table.says(here, "booking", "together", 1)
        await place.say(said(answered), said(opened))
        await view_of(one, answered)  # A creation that came after its meeting would be decided on later.
        await place.say(said(meeting_for(answered), by="together"))
        await view_of(one, answered, meetings=1)
        await view_of(one, opened)
        # The table may be in force before the last marker is read.
        await mark(place, 2, ["referral-created", "meeting-booked"])
        table.says(here, "booking", "linkwork", 2)
        await two._owners.follow()
        assert not one.decides(here, "booking")
        assert await two.mongo[TASKS].count_documents({}) == 1
        await mark(place, 2, ["outcome-recorded"])
        assert (await view_of(one, opened, meetings=1))["meetings"] == 1
        await until(lambda: one.decides(here, "booking") and two.decides(here, "booking"), "both decide")
        assert [(await view_of(one, each))["meetings"] for each in (ours, answered)] == [1, 1]
        last = created(here)
        await place.say(said(last))
        await view_of(one, last, meetings=1)
        await comes_true(lambda: _tasks_are(one.mongo, {(last.referral_id, 2)}))
        standing = (await ownership_of(one.mongo, here))["booking"]
        assert (standing.epoch, standing.decides, standing.since is not None) == (2, True, True)
        _, detail = await one.ready()
        await until(lambda: one._ownership.standing(here, "booking").looked, "everything was looked at")
        assert detail["parts"][here]["booking"]["owner"] == "linkwork"
        assert metrics.part_epoch.labels("matching", here, "booking")._value.get() == 2


async def test_fact_or_command_during_the_look_is_decided_after_it(
    place: Bench, table: TableInHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "_LOOKING_SECONDS", 0.01)
    here, came = place.locality, created(place.locality)
    looks, goes_on = asyncio.Event(), asyncio.Event()

    async def look_at(mongo: Mongo, locality: str, now: datetime) -> Sequence[list[str]]:
        looks.set()
        await goes_on.wait()
        return await every_referral(mongo, locality, now)

    async with replicas(place, table, replace(LOOKING, look_at=look_at)) as (one, two):
        await stop_deciding(one.mongo, here, "booking", 0)
        await mark(place, 1)
        table.says(here, "booking", "together", 1)
        await mark(place, 2)
        table.says(here, "booking", "linkwork", 2)
        await asyncio.wait_for(looks.wait(), 20)
        await place.say(said(came))
        assert (await view_of(one, came))["meetings"] == 0
        await until(lambda: one.decides(here, "booking") and two.decides(here, "booking"), "both decide")
        for kernel in (one, two):
            with pytest.raises(StillLooking):  # A time of the former owner's may not be reserved yet.
                await kernel.command(here, came.referral_id, book_it)
        # Another part's command is done; what would follow from it is decided after the look.
        done = await two.command(here, came.referral_id, miss)
        assert [fact.kind for fact in done.facts] == ["meeting_missed"]
        monkeypatch.setattr(commands, "_MAX_LOOKING", 10**6)
        waits = asyncio.create_task(one.command(here, came.referral_id, book_it))
        assert (await view_of(two, came))["meetings"] == 0
        goes_on.set()
        await view_of(one, came, meetings=1)
        assert (await waits).view.active is not None
        await until(lambda: not two._context.is_looking(here), "everything was looked at")
        assert (await view_of(one, came, meetings=1))["meetings"] == 1


def meeting_for(body: ReferralCreated) -> MeetingBooked:
    """The meeting that another owner of booking says."""
    return MeetingBooked(
        referral_id=body.referral_id,
        locality=body.locality,
        meeting_id=new_id(),
        sequence=0,
        link_worker=f"lw-{body.locality}-1",
        practice=body.practice,
        starts_at=NOW + timedelta(days=1),
        minutes=45,
    )


async def test_task_of_former_epoch_is_void(place: Bench, table: TableInHand) -> None:
    """Also where it was left behind: a restored database may have it again."""
    body = created(place.locality)
    async with kernel_with(place, table).running() as kernel:
        await place.say(said(body))
        await kernel.wait_for(place.locality, body.referral_id, lambda view: view["contacts"] == 1, 10)
        await stop_deciding(kernel.mongo, place.locality, "booking", 0)
        await mark(place, 2)
        table.says(place.locality, "booking", "linkwork", 2)
        await until(lambda: kernel.decides(place.locality, "booking"), "it is ours again")
        row = {
            "_id": f"ring|{place.locality}/{body.referral_id}|again",
            "what": "ring",
            "locality": place.locality,
            "referral": body.referral_id,
            "about": "again",
            "payload": {},
            "attempt": 0,
            "at": datetime.now().astimezone(),
            "not_after": None,
            "not_before": None,
            "v": 1,
        }
        await kernel.mongo[TASKS].insert_one(row)
        for _ in range(100):
            if not await kernel.mongo[TASKS].count_documents({}):
                break
            await asyncio.sleep(0.05)
        assert await kernel.mongo[TASKS].count_documents({}) == 0
        view = await kernel.view(place.locality, body.referral_id)
        assert view is not None
        assert len(view.contacts) == 1


async def test_row_of_ended_epoch_is_set_aside(place: Bench, table: TableInHand) -> None:
    body = created(place.locality)
    # The broker is away, so the row stays: as one that a crash of the database has brought back.
    async with kernel_with(place, table, kafka=KafkaConnection("127.0.0.1:1")).running() as kernel:
        await kernel.command(place.locality, body.referral_id, lambda *_: Decision([body]))
        assert await outbox_left(kernel.mongo, place.locality, "booking") == 1
        table.says(place.locality, "booking", "together", 1)
        await until(lambda: not kernel.decides(place.locality, "booking"), "it stands back")
    async with kernel_with(place, table).running() as kernel:
        for _ in range(100):
            aside = [row async for row in kernel.mongo[OUTBOX_SET_ASIDE].find({})]
            if aside and not await kernel.mongo[OUTBOX].count_documents({}):
                break
            await asyncio.sleep(0.1)
        assert [(row["part"], row["epoch"]) for row in aside] == [("booking", 0)]
        # It blocks the hand-over of its own epoch, until an operator has decided on it.
        assert await outbox_left(kernel.mongo, place.locality, "booking") == 1
    assert await place.heard(topic(place.locality, "meeting-booked"), 1, seconds=1) == []
    assert len(await place.heard(topic(place.locality, "referral-created"), 1)) == 1


async def test_new_database_of_a_part_given_away_decides_nothing(place: Bench, table: TableInHand) -> None:
    """Lost, or restored from before the flip: the table in force knows better."""
    table.says(place.locality, "booking", "together", 1)
    body = created(place.locality)
    await place.say(said(body))
    async with kernel_with(place, table).running() as kernel:
        assert (await view_of(kernel, body))["meetings"] == 0
        await until(
            lambda: not kernel._ownership.standing(place.locality, "booking").decides, "it stands back"
        )
        assert await kernel.mongo[TASKS].count_documents({}) == 0
