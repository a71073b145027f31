"""Nobody works on a generation that is not live any more, however long they slept and wherever."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest
import pytest_asyncio
from pymongo.errors import AutoReconnect, WriteError

from shared.delivery.model.errors import Transient
from shared.delivery.mongo.database import Collection, Mongo, Permit, Transaction
from shared.delivery.mongo.leases import LEASES
from shared.delivery.outbox.lanes import process_name
from shared.delivery.rebuild import switching
from shared.delivery.rebuild.generations import GENERATIONS, LIVE, Generations, names_of, unlock
from shared.delivery.rebuild.switching import NotClosed, Switch, forget_kept, live_row
from shared.delivery.unit_of_work.unit_of_work import REFERRALS
from tests.harness.delivery.toy import locality_name


@pytest_asyncio.fixture
async def mongo(mongo_url: str) -> AsyncIterator[Mongo]:
    """A process's connection, whose transactions ask which generation is live; two generations are there."""
    made = Mongo(mongo_url, f"test_{locality_name()}", name=process_name("asleep"))
    for number in (1, 2):
        made.names = names_of([REFERRALS], number)
        await made.make([REFERRALS])
    made.names = {}
    await made.make([GENERATIONS])
    await made[LEASES].insert_one({"_id": "lane/asleep"})
    made.gate = Generations(made, [REFERRALS])
    yield made
    await made.client.drop_database(made.database.name)
    await made.close()


async def write(tx: Transaction, name: str) -> None:
    await tx[REFERRALS].insert_one({"_id": name}, session=tx.session)


async def names_in(mongo: Mongo, number: int) -> list[str]:
    collection = mongo.database[names_of([REFERRALS], number)[REFERRALS]]
    return [row["_id"] async for row in collection.find().sort("_id", 1)]


async def switched(mongo: Mongo) -> Switch:
    """The second generation is live."""
    switch = Switch(mongo, [REFERRALS], await live_row(mongo))
    await switch.close()
    await switch.open(2, {})
    return switch


async def test_process_asleep_before_writing_writes_nothing(mongo: Mongo) -> None:
    begun, awake = asyncio.Event(), asyncio.Event()

    async def work(tx: Transaction) -> None:
        begun.set()
        await awake.wait()
        await write(tx, "late")

    sleeper = asyncio.create_task(mongo.transact(work))
    await begun.wait()
    await switched(mongo)
    awake.set()
    await sleeper  # refused, it asked again, and found the other
    assert (await names_in(mongo, 1), await names_in(mongo, 2)) == ([], ["late"])


async def test_reader_may_not_decide_on_a_generation_not_live(mongo: Mongo) -> None:
    """It found nothing to do, and takes a row away elsewhere: the database would let it."""
    begun, awake = asyncio.Event(), asyncio.Event()

    async def work(tx: Transaction) -> None:
        begun.set()
        await awake.wait()
        assert await tx[REFERRALS].find_one({}, session=tx.session) is None
        await tx["scheduled_tasks"].delete_one({"_id": "row"}, session=tx.session)

    await mongo["scheduled_tasks"].insert_one({"_id": "row"})
    sleeper = asyncio.create_task(mongo.transact(work))
    await begun.wait()
    await switched(mongo)
    awake.set()
    with pytest.raises(Transient):
        await sleeper
    assert await mongo["scheduled_tasks"].find_one({"_id": "row"}) is not None


class AsleepBeforeCommit:
    """A gate that lets everybody pass, and holds them for a while just before they commit."""

    def __init__(self) -> None:
        self.asleep, self.awake = asyncio.Event(), asyncio.Event()

    async def enter(self) -> Permit:
        return Permit({}, 0.0)

    async def confirm(self, _: Permit) -> None:
        self.asleep.set()
        await self.awake.wait()

    def lapse(self) -> None:
        raise AssertionError


async def test_process_asleep_before_commit_commits_nothing(mongo: Mongo) -> None:
    """Its transaction holds the old generation: closing waits for it, and then ends it."""
    gate = mongo.gate = AsleepBeforeCommit()
    sleeper = asyncio.create_task(mongo.transact(lambda tx: write(tx, "late")))
    await gate.asleep.wait()
    mongo.gate = Generations(mongo, [REFERRALS])  # for those who come after it
    await switched(mongo)
    gate.awake.set()
    await sleeper  # what it had begun is gone; it began again, and found the other
    assert (await names_in(mongo, 1), await names_in(mongo, 2)) == ([], ["late"])


async def test_closed_generation_refuses_writes_without_permit(mongo: Mongo) -> None:
    mongo.gate = None
    await mongo.transact(lambda tx: write(tx, "before"))
    await switched(mongo)
    with pytest.raises(Transient):
        await mongo.transact(lambda tx: write(tx, "after"))
    assert await names_in(mongo, 1) == ["before"]


async def test_transaction_while_closed_waits_and_finds_the_other(mongo: Mongo) -> None:
    await mongo.transact(lambda tx: write(tx, "before"))
    switch = Switch(mongo, [REFERRALS], await live_row(mongo))
    await switch.close()
    waiting = asyncio.create_task(mongo.transact(lambda tx: write(tx, "meanwhile")))
    await asyncio.sleep(0.3)
    assert not waiting.done()
    await switch.open(2, {})
    await waiting
    assert (await names_in(mongo, 1), await names_in(mongo, 2)) == (["before"], ["meanwhile"])


async def test_given_up_it_goes_on_as_before(mongo: Mongo) -> None:
    switch = Switch(mongo, [REFERRALS], await live_row(mongo))
    await switch.close()
    await switch.give_up()
    await mongo.transact(lambda tx: write(tx, "after"))
    assert await names_in(mongo, 1) == ["after"]
    with pytest.raises(NotClosed):
        await switch.open(2, {})
    assert (await live_row(mongo)).number == 1


class Unanswered:
    """The collection of the row, whose writes are not answered: they happened, or did not."""

    def __init__(self, rows: Collection, *, happens: bool) -> None:
        self._rows = rows
        self._happens = happens

    def __getattr__(self, name: str) -> Any:
        return getattr(self._rows, name)

    async def update_one(self, *given: Any) -> None:
        if self._happens:
            await self._rows.update_one(*given)
        raise AutoReconnect


def unanswered(mongo: Mongo, *, happens: bool) -> AbstractContextManager[object]:
    rows: Any = Unanswered(mongo[GENERATIONS], happens=happens)
    return patch.dict(mongo._collections, {GENERATIONS: rows})


async def unasked(mongo: Mongo, name: str) -> None:
    """Writes to the first generation, as one does who has slept and does not ask."""
    await mongo.database[REFERRALS].insert_one({"_id": name})


async def test_old_generation_stays_closed_if_opening_got_no_answer(
    mongo: Mongo,
) -> None:
    switch = Switch(mongo, [REFERRALS], await live_row(mongo))
    await switch.close()
    with unanswered(mongo, happens=True), pytest.raises(AutoReconnect):
        await switch.open(2, {})
    await switch.give_up()
    row = await live_row(mongo)
    assert (row.number, row.state, row.kept) == (2, "open", 1)
    with pytest.raises(WriteError):
        await unasked(mongo, "late")


async def test_an_opening_that_is_late_finds_that_it_was_given_up(mongo: Mongo) -> None:
    """A cancelled process does not know if its write is still on its way."""
    switch = Switch(mongo, [REFERRALS], await live_row(mongo))
    await switch.close()

    async def late(*given: Any) -> None:
        with pytest.raises(NotClosed):
            await switch.open(2, {})
        await unlock(*given)

    with patch.object(switching, "unlock", late):
        await switch.give_up()
    await mongo.transact(lambda tx: write(tx, "after"))
    assert (await live_row(mongo)).number == 1
    assert await names_in(mongo, 1) == ["after"]


async def test_given_up_without_an_answer_it_goes_by_what_the_row_says(mongo: Mongo) -> None:
    switch = Switch(mongo, [REFERRALS], await live_row(mongo))
    await switch.close()
    with unanswered(mongo, happens=True), pytest.raises(AutoReconnect):
        await switch.give_up()
    assert (await live_row(mongo)).state == "open"
    await unasked(mongo, "after")


async def test_failed_giving_up_is_undone_by_the_next_process(mongo: Mongo) -> None:
    switch = Switch(mongo, [REFERRALS], await live_row(mongo))
    await switch.close()
    with unanswered(mongo, happens=False):
        await switch.give_up()
    with pytest.raises(WriteError):
        await unasked(mongo, "late")
    await undone(mongo)


async def test_death_while_giving_up_is_undone_by_the_next_process(mongo: Mongo) -> None:
    class Died(Exception):
        pass

    async def die(*_: object) -> None:
        raise Died

    switch = Switch(mongo, [REFERRALS], await live_row(mongo))
    await switch.close()
    with patch.object(switching, "unlock", die), pytest.raises(Died):
        await switch.give_up()
    await undone(mongo)


async def undone(mongo: Mongo) -> None:
    """The first who looks after the time is over opens what was live again."""
    assert (await live_row(mongo)).state == "closing"
    past = {"$set": {"until": {"$subtract": ["$$NOW", 5000]}}}
    await mongo[GENERATIONS].update_one({"_id": LIVE}, [past])
    await mongo.transact(lambda tx: write(tx, "after"))
    assert "after" in await names_in(mongo, 1)
    row = await live_row(mongo)
    assert (row.number, row.state) == (1, "open")


async def test_only_one_closes_it(mongo: Mongo) -> None:
    live = await live_row(mongo)
    first, second = (Switch(mongo, [REFERRALS], live) for _ in range(2))
    await first.close()
    with pytest.raises(NotClosed):
        await second.close()
    await first.open(2, {("a", 0): 7})
    row = await live_row(mongo)
    assert (row.number, row.kept, row.marks, row.state) == (2, 1, (("a", 0, 7),), "open")


async def test_kept_generation_is_forgotten_only_with_the_live_row(mongo: Mongo) -> None:
    before = await live_row(mongo)
    assert await forget_kept(mongo, before) == before
    await switched(mongo)
    stale = replace(before, kept=7)
    with pytest.raises(NotClosed):
        await forget_kept(mongo, stale)
    row = await live_row(mongo)
    assert row.kept == 1
    assert await forget_kept(mongo, row) == await live_row(mongo) == replace(row, kept=None, marks=())


async def test_closing_too_long_is_undone_by_the_next_process(mongo: Mongo) -> None:
    switch = Switch(mongo, [REFERRALS], await live_row(mongo))
    await switch.close()
    past = {"$set": {"until": {"$subtract": ["$$NOW", 5000]}}}
    await mongo[GENERATIONS].update_one({"_id": LIVE}, [past])
    with pytest.raises(NotClosed):
        await switch.open(2, {})
    await mongo.transact(lambda tx: write(tx, "after"))
    assert await names_in(mongo, 1) == ["after"]
