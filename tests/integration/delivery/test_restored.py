"""A restored service knows from the log what it decided since the back-up, before it decides again."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
import pytest_asyncio

from shared.contract.events.models import ReferralCreated
from shared.contract.events.topics import EventName, topic
from shared.contract.history import ReferralHistory
from shared.delivery.kernel import Kernel
from shared.delivery.model.decision import NOTHING, Decision, DecisionContext, ScheduledTask, TaskRow
from shared.delivery.model.errors import NotOwner
from shared.delivery.model.service_definition import Effect, Loaded
from shared.delivery.mongo.database import Mongo
from shared.delivery.ownership.flip import CannotFlip, stop_deciding
from shared.delivery.ownership.standing import OWNERSHIP
from shared.delivery.restored import catching_up
from shared.delivery.scheduler.effects import SENT
from shared.delivery.unit_of_work.unit_of_work import TASKS
from tests.harness.control import until
from tests.harness.delivery.backups import BackUps
from tests.harness.delivery.owners import TableInHand, kernel_with, mark
from tests.harness.delivery.toy import NOW, TOY, Bench, book, created, said

LOOKING: Final = replace(TOY, look=book)


@pytest_asyncio.fixture
async def backups(place: Bench, tmp_path: Path) -> AsyncIterator[BackUps]:
    async with BackUps(place.mongo_url, {"matching": place.options.database}, tmp_path) as made:
        await made.claim()
        yield made


async def booked(kernel: Kernel[Any, Any], *referrals: ReferralCreated) -> None:
    """Each of these has one meeting, and its link worker has rung."""
    for body in referrals:
        view = await kernel.wait_for(
            body.locality, body.referral_id, lambda view: view["meetings"] and view["contacts"], 20
        )
        assert view is not None
        assert (view["meetings"], view["contacts"]) == (1, 1)


async def said_of(place: Bench, event: EventName, count: int) -> list[bytes]:
    """The ids of all events in a topic, once there are so many. A repeat has the id of the first."""
    records = await place.heard(topic(place.locality, event), count, seconds=5)
    return sorted({dict(record.headers)["ce_id"] for record in records})


def decides(kernel: Kernel[Any, Any], place: Bench) -> Callable[[], bool]:
    return lambda: kernel.decides(place.locality, "booking")


@pytest.mark.parametrize("knows_it", [True, False], ids=["as it was", "a locality added since the back-up"])
async def test_decisions_since_the_backup_are_not_made_again(
    place: Bench, backups: BackUps, knows_it: bool
) -> None:
    before, since, away, after = (created(place.locality) for _ in range(4))
    made = await backups.make()
    async with place.kernel(LOOKING).running() as kernel:
        await place.say(said(before))
        await booked(kernel, before)
        if knows_it:
            made = await backups.make()
        await place.say(said(since))
        await booked(kernel, since)
    await backups.lose()
    await place.say(said(away))
    await backups.restore(made)
    async with place.kernel(LOOKING).running() as kernel:
        await until(decides(kernel, place), "it decides again")
        view = await kernel.wait_for(place.locality, away.referral_id, lambda view: view["meetings"] == 1, 20)
        assert view is not None
        await place.say(said(after))
        await booked(kernel, before, since, after)
        assert len(await said_of(place, "meeting-booked", 4)) == 4
        _, detail = await kernel.ready()
        assert detail["streams"][place.locality]["state"] == "running"
        await until(lambda: kernel._context.may_send(place.locality), "the restore is over")
        row = await kernel.mongo[OWNERSHIP].find_one({"_id": f"{place.locality}/booking"})
        assert row is not None
        assert {"until", "restored_at", "decided"}.isdisjoint(row)


async def test_held_part_folds_and_refuses_commands(
    place: Bench, backups: BackUps, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = created(place.locality)
    async with place.kernel(LOOKING).running() as kernel:
        made = await backups.make()
    await backups.lose()
    await backups.restore(made)

    async def waits(*_: Any) -> None:
        """The broker does not tell the end of the log yet."""

    with monkeypatch.context() as patch:
        patch.setattr(catching_up, "_begin", waits)
        async with place.kernel(LOOKING).running() as kernel:
            await place.say(said(body))
            view = await kernel.wait_for(place.locality, body.referral_id, lambda _: True, 20)
            assert view is not None
            assert view["meetings"] == 0
            with pytest.raises(NotOwner):
                await kernel.command(place.locality, body.referral_id, _book)
            with pytest.raises(CannotFlip, match="restored"):
                await stop_deciding(kernel.mongo, place.locality, "booking", 0)
            _, detail = await kernel.ready()
            assert detail["parts"][place.locality]["booking"]["held"]
            assert await kernel.mongo[TASKS].count_documents({}) == 0
    async with place.kernel(LOOKING).running() as kernel:
        await booked(kernel, body)


def _book(story: ReferralHistory, resources: None, context: DecisionContext) -> Decision:
    return replace(book(story, resources, context), tasks=())


async def test_part_handed_over_since_the_backup_stays_so(place: Bench, backups: BackUps) -> None:
    """And one that came back is taken over behind the end of the log, in its own epoch."""
    table, body = TableInHand([place.locality]), created(place.locality)
    async with kernel_with(place, table, LOOKING).running():
        made = await backups.make()
    await mark(place, 1)
    await mark(place, 2)
    await place.say(said(body))
    await backups.lose()
    await backups.restore(made)
    table.says(place.locality, "booking", "together", 1)
    async with kernel_with(place, table, LOOKING).running() as kernel:
        await until(
            lambda: not kernel._ownership.standing(place.locality, "booking").held, "it knows the log"
        )
        await until(lambda: kernel._context.may_send(place.locality), "the restore is over")
        view = await kernel.wait_for(place.locality, body.referral_id, lambda _: True, 20)
        assert view is not None
        assert view["meetings"] == 0
        assert not kernel.decides(place.locality, "booking")
        table.says(place.locality, "booking", "linkwork", 2)
        await booked(kernel, body)
        assert kernel._ownership.standing(place.locality, "booking").epoch == 2


@dataclass
class Gateway:
    """Tells every referral once, and reminds of it in an hour."""

    sent: list[str] = field(default_factory=list)

    def tell(self, story: ReferralHistory, _: None, context: DecisionContext) -> Decision:
        if story.created is None:
            return NOTHING
        later = NOW + timedelta(days=10_000)
        return Decision(tasks=[ScheduledTask("note", "told", NOW), ScheduledTask("note", "reminded", later)])

    async def send(self, reference: str, referral: Loaded[ReferralHistory], task: TaskRow) -> str:
        self.sent.append(referral.referral_id)
        return reference

    def needed(self, story: ReferralHistory, context: DecisionContext, task: TaskRow) -> bool:
        return True


async def _status(mongo: Mongo, body: ReferralCreated) -> str:
    """The end of a message, as the ledger says it."""
    row = await mongo[SENT].find_one({"_id": f"note|{body.locality}/{body.referral_id}|told"})
    return "" if row is None else str(row.get("code", row["status"]))


async def test_message_since_the_backup_is_not_sent_twice(place: Bench, backups: BackUps) -> None:
    gateway = Gateway()
    part = replace(
        TOY,
        decisions={"referral_created": gateway.tell},
        tasks={},
        effects={"note": Effect(is_still_needed=gateway.needed, send=gateway.send)},
        look=gateway.tell,
    )
    before, waits, since, after = (created(place.locality) for _ in range(4))

    async def is_told(kernel: Kernel[Any, Any], *referrals: ReferralCreated) -> None:
        for body in referrals:
            for _ in range(200):
                if await _status(kernel.mongo, body) == "sent":
                    break
                await asyncio.sleep(0.05)
            assert await _status(kernel.mongo, body) == "sent"

    async with place.kernel(part).running() as kernel:
        await place.say(said(before))
        await is_told(kernel, before)
        made = await backups.make()
        await place.say(said(since))
        await is_told(kernel, since)
    await backups.lose()
    await backups.restore(made)
    # A message that waited when the back-up was made: the service sent it afterwards, or not.
    waiting = {"what": "note", "about": "told", "locality": place.locality, "referral": waits.referral_id}
    fields = {"payload": {}, "attempt": 0, "at": NOW, "not_after": None, "epoch": 0, "not_before": None}
    task = {"_id": f"note|{place.locality}/{waits.referral_id}|told", **waiting, **fields}
    await backups.stores["matching"].database[TASKS].insert_one(task)
    async with place.kernel(part).running() as kernel:
        await until(lambda: kernel._context.may_send(place.locality), "the restore is over")
        statuses = [await _status(kernel.mongo, body) for body in (before, waits, since)]
        assert statuses == ["sent", "maybe_sent", "maybe_sent"]
        left = {row["referral"] async for row in kernel.mongo[TASKS].find({"about": "reminded"})}
        assert left == {before.referral_id, since.referral_id}, "a reminder was lost"
        await place.say(said(after))
        await is_told(kernel, after)
        assert gateway.sent == [before.referral_id, since.referral_id, after.referral_id]
