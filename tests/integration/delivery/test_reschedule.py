"""Delays of rescheduled tasks: an error that says nothing of a task leaves it due, by any clock."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.contract.history import ReferralHistory
from shared.delivery.indexes import ensure_indexes
from shared.delivery.model.decision import Decision, DecisionContext, ScheduledTask, TaskRow
from shared.delivery.model.errors import Conflict, RetryLater, Transient
from shared.delivery.model.service_definition import Effect, Loaded, ServiceDefinition
from shared.delivery.mongo.database import Transaction
from shared.delivery.scheduler import effects as sending
from shared.delivery.scheduler.task_rows import SENDING_LEASE, delete_task, reschedule
from shared.delivery.unit_of_work.unit_of_work import DECIDE_LATER, OUTBOX, TASKS
from shared.platform import metrics
from tests.harness.delivery.toy import TOY, Bench, created, said

WRONG = timedelta(hours=1)


@pytest.mark.parametrize("wrong_by", [-WRONG, timedelta(0), WRONG])
async def test_gateway_away_is_retried_with_growing_delay(place: Bench, wrong_by: timedelta) -> None:
    kernel = place.kernel(clock=lambda: datetime.now(UTC) + wrong_by)
    # As the database keeps times: to the millisecond.
    now = datetime.now(UTC).replace(microsecond=0)
    row = {"_id": "a row", "what": "anything", "at": now, "attempt": 9, "v": 1}
    await kernel.mongo[TASKS].insert_one(dict(row))
    try:
        await reschedule(kernel._context, row, "rescheduled")
        after = datetime.now(UTC)
        kept = await kernel.mongo[TASKS].find_one({"_id": "a row"})
    finally:
        await kernel.mongo.close()
    assert kept is not None
    # Between two looks at the clock, however long a busy machine took in between.
    assert now + timedelta(seconds=1000) <= kept["not_before"] <= after + timedelta(seconds=1100)
    assert (kept["at"], kept["attempt"], kept["v"]) == (now, 10, 2)


def asks_for_one(
    send: Callable[[str, Loaded[ReferralHistory], TaskRow], Awaitable[str]],
) -> ServiceDefinition[ReferralHistory, None]:
    """A part that asks for one message to the person of each referral, due since yesterday."""

    def ask(story: ReferralHistory, resources: None, context: DecisionContext) -> Decision:
        return Decision(tasks=[ScheduledTask("message", "person", context.now - timedelta(days=1))])

    sender = Effect(is_still_needed=lambda *_: True, send=send)
    return replace(TOY, decisions={"referral_created": ask}, effects={"message": sender})


@pytest.mark.parametrize("after", [timedelta(seconds=2), None])
@pytest.mark.parametrize("sleeps", [False, True])
async def test_rescheduled_task_with_wrong_clock_keeps_its_delay(
    place: Bench, after: timedelta | None, sleeps: bool
) -> None:
    """`sleeps`: the clock is right again when the message was put off."""
    tries: list[float] = []
    ahead = WRONG

    async def send(key: str, loaded: Loaded[ReferralHistory], row: TaskRow) -> str:
        nonlocal ahead
        tries.append(time.monotonic())
        if len(tries) > 1:
            return "reference"
        if sleeps:
            ahead = timedelta(0)
        raise RetryLater(after)

    kernel = place.kernel(asks_for_one(send), clock=lambda: datetime.now(UTC) + ahead)
    async with kernel.running(), asyncio.timeout(20):
        await place.say(said(created(place.locality)))
        while len(tries) < 2:
            await asyncio.sleep(0.05)
    waited = tries[1] - tries[0]
    assert 1.5 < waited < 10, "not two seconds, as it was put off for"


@pytest.mark.parametrize("sends", [False, True])
async def test_delayed_tasks_are_not_read(place: Bench, sends: bool) -> None:
    """A gateway that is away leaves thousands of rows, and what is due is looked for all the time."""

    async def send(key: str, loaded: Loaded[ReferralHistory], row: TaskRow) -> str:
        return "reference"

    kernel = place.kernel(asks_for_one(send))
    await ensure_indexes(kernel.mongo)
    now, what = kernel.clock(), "message" if sends else "anything"
    row = {"what": what, "locality": place.locality, "referral": "", "about": "", "payload": {}, "attempt": 0}
    rests = [row | {"at": now, "not_before": now + WRONG} for _ in range(1000)]
    later = [row | {"at": now + WRONG, "not_before": None} for _ in range(1000)]
    due = [row | {"at": now, "not_before": rested} for rested in (None, now - WRONG)]
    asked = [row | {"what": DECIDE_LATER, "at": now + WRONG, "not_before": None}]
    rows = [*rests, *later, *due, *asked]
    await kernel.mongo[TASKS].insert_many([each | {"_id": str(n)} for n, each in enumerate(rows)])
    await kernel.mongo.database.command("profile", 2)
    found = [len(await kernel._scheduler._page(now, sends)) for _ in range(5)]
    await kernel.mongo.database.command("profile", 0)
    read = await kernel.mongo.database["system.profile"].find({"op": "query"}).to_list(None)
    await kernel.mongo.close()
    assert found == [2 if sends else 3] * 5
    assert len(read) == 5
    assert max(each["docsExamined"] for each in read) <= 20


async def test_delayed_task_is_overdue_from_end_of_delay(place: Bench) -> None:
    """An old log's rows bear its times: nobody is to be woken because they are days ago."""

    async def send(key: str, loaded: Loaded[ReferralHistory], row: TaskRow) -> str:
        return "reference"

    part = asks_for_one(send)
    kernel = place.kernel(part)
    await ensure_indexes(kernel.mongo)
    now = kernel.clock()
    row = {"what": "message", "locality": place.locality, "referral": "r", "about": "person", "payload": {}}
    times = {"at": now - timedelta(days=3), "not_before": now - timedelta(seconds=5), "not_after": None}
    await kernel.mongo[TASKS].insert_one({"_id": "a row", "attempt": 0, "v": 1, **row, **times})
    await kernel._scheduler.run_once(sends=True)
    await kernel.mongo.close()
    assert 5 <= metrics.scheduled_tasks_oldest_overdue.labels(part.name)._value.get() < 60


async def test_sandbox_tasks_and_rows_make_no_gauge_old(place: Bench) -> None:
    part = replace(TOY, is_sandbox=lambda locality: locality == place.locality)
    kernel = place.kernel(part)
    await ensure_indexes(kernel.mongo)
    long_ago = kernel.clock() - timedelta(days=3)
    row = {"what": "none", "locality": place.locality, "referral": "r", "about": "", "payload": {}}
    times = {"at": long_ago, "not_before": None, "not_after": None}
    await kernel.mongo[TASKS].insert_one({"_id": "a row", "attempt": 0, "v": 1, **row, **times})
    ours = {"lane": "another", "at": long_ago, "m": [], "source": f"/{place.locality}/booking"}
    await kernel.mongo[OUTBOX].insert_one({**ours, "_id": "a", "locality": place.locality})
    await kernel._scheduler.run_once(sends=False)
    await kernel._relay._observe()
    tasks, rows = metrics.scheduled_tasks_oldest_overdue, metrics.outbox_oldest
    assert [gauge.labels(part.name)._value.get() for gauge in (tasks, rows)] == [0, 0]
    await kernel.mongo[OUTBOX].insert_one({**ours, "_id": "b", "locality": "meir"})
    await kernel._relay._observe()
    assert rows.labels(part.name)._value.get() >= timedelta(days=3).total_seconds()
    await kernel.mongo.close()


async def test_task_made_anew_differs_from_row_that_was_read(place: Bench) -> None:
    """Its count of writes begins again; a process that slept meanwhile would take tomorrow's for today's."""
    kernel = place.kernel()
    now = kernel.clock().replace(microsecond=0)
    await kernel.mongo[TASKS].insert_one({"_id": "a row", "at": now + timedelta(days=1), "v": 1})
    gone = await kernel.mongo.transact(lambda tx: delete_task(tx, {"_id": "a row", "at": now, "v": 1}))
    left = await kernel.mongo[TASKS].count_documents({})
    await kernel.mongo.close()
    assert (gone, left) == (False, 1)


@pytest.mark.parametrize("trouble", [Transient, Conflict])
async def test_message_with_failed_claim_is_retried_at_once(
    place: Bench, monkeypatch: pytest.MonkeyPatch, trouble: type[Exception]
) -> None:
    """Transient: it was written that it has begun, and nobody heard so. Conflict: somebody else was first."""
    sent: list[tuple[str, int]] = []

    async def send(key: str, loaded: Loaded[ReferralHistory], row: TaskRow) -> str:
        sent.append((key, row.attempt))
        return "reference"

    async with place.kernel(asks_for_one(send)).running() as kernel:
        begin, transact = kernel._scheduler._effects._claim, kernel.mongo.transact
        troubles = 0

        async def fails_once(work: Callable[[Transaction], Awaitable[Any]]) -> Any:
            nonlocal troubles
            if troubles or getattr(work, "func", None) != begin:
                return await transact(work)
            troubles += 1
            if trouble is Transient:
                await transact(work)
            raise trouble

        monkeypatch.setattr(kernel.mongo, "transact", fails_once)
        event = said(created(place.locality))
        await place.say(event)
        async with asyncio.timeout(10):  # a lease for sending is for a minute
            while not sent or await kernel.mongo[TASKS].find_one({}):
                await asyncio.sleep(0.05)
    assert troubles == 1
    key = f"message|{place.locality}/{event.body.referral_id}|person"
    assert sent == [(key, 1 if trouble is Transient else 0)], "as often as it was begun before, never put off"


async def test_claimed_message_is_sent_by_one_process(place: Bench) -> None:
    """Two processes find the same row due, again and again while the gateway takes its time."""
    sent: list[str] = []
    answers = asyncio.Event()

    async def send(key: str, loaded: Loaded[ReferralHistory], row: TaskRow) -> str:
        sent.append(key)
        await answers.wait()
        return "reference"

    part = asks_for_one(send)
    async with place.kernel(part).running() as kernel, place.kernel(part).running():
        await place.say(said(created(place.locality)))
        async with asyncio.timeout(10):
            while not sent:
                await asyncio.sleep(0.05)
        begun = await kernel.mongo[sending.SENT].find_one({"_id": sent[0]})
        await asyncio.sleep(1.5)
        answers.set()
        async with asyncio.timeout(10):
            while await kernel.mongo[TASKS].find_one({}):
                await asyncio.sleep(0.05)
    assert len(sent) == 1
    assert begun is not None, "who dies now leaves no word of it"
    assert begun["status"] == "sending"


def test_gateway_call_ends_before_claim_lapses() -> None:
    """Else two send the same: the lease of a row in hand outlasts all patience with whoever takes it."""
    assert timedelta(seconds=sending._SEND_SECONDS) <= SENDING_LEASE / 2
