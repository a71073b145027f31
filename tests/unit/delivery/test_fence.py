"""The fence of a transaction: what it rests on, and the slots that it alone writes."""

from datetime import UTC, datetime
from typing import Any, cast

from shared.delivery.mongo.database import Mongo, Transaction
from shared.delivery.ownership.fence import Fence, unfenced
from shared.delivery.ownership.ownership import Ownership
from shared.delivery.ownership.standing import Key, Standing, TableOwner
from shared.delivery.unit_of_work.context import ServiceContext
from tests.harness.delivery.toy import TOY


class Slots:
    """Standings in the test's hand, and the slots that were written."""

    def __init__(self) -> None:
        self.at = Standing()
        self.written: list[tuple[int, dict[Key, Standing]]] = []

    def standing(self, locality: str, part: str) -> Standing:
        return self.at

    def owns(self, locality: str, part: str) -> bool:
        return self.at.decides

    async def write(self, tx: Transaction, number: int, rests: dict[Key, Standing]) -> None:
        self.written.append((number, dict(rests)))


NO_TRANSACTION = cast("Transaction", None)


def a_transaction() -> Transaction:
    return Transaction(cast("Any", None), None)


async def test_fence_writes_what_was_asked_for_once() -> None:
    slots = Slots()
    fence = Fence(slots, 4)
    assert fence.owns("meir", "booking")
    assert fence.standing("meir", "booking").epoch == 0
    assert fence.owns("meir", "casework")
    await fence.write(NO_TRANSACTION)
    assert slots.written == [(4, {("meir", "booking"): Standing(), ("meir", "casework"): Standing()})]


async def test_transaction_that_asks_nothing_writes_nothing() -> None:
    slots = Slots()
    await Fence(slots, 4).write(NO_TRANSACTION)
    assert slots.written == []


async def test_answer_stays_while_the_standing_changes() -> None:
    """Else a transaction could decide under one standing and write another."""
    slots = Slots()
    fence = Fence(slots, 0)
    assert fence.owns("meir", "booking")
    slots.at = Standing(2, decides=False)
    assert fence.owns("meir", "booking")
    await fence.write(NO_TRANSACTION)
    assert slots.written == [(0, {("meir", "booking"): Standing(0)})]


async def test_part_that_is_left_out_is_written_too() -> None:
    slots = Slots()
    slots.at = Standing(1, decides=False)
    fence = Fence(slots, 0)
    assert not fence.owns("meir", "booking")
    await fence.write(NO_TRANSACTION)
    assert slots.written == [(0, {("meir", "booking"): Standing(1, decides=False)})]


def ownership(**table: TableOwner) -> Ownership:
    def by_table(_: str, part: str) -> TableOwner:
        return table.get(part, TableOwner())

    return Ownership(cast("Mongo", None), "lane", ["booking", "casework"], ["meir"], by_table)


def test_open_transactions_have_numbers_of_their_own() -> None:
    ours = ownership()
    first, second, third = (a_transaction() for _ in range(3))
    numbers = [vars(ours.fence(tx))["_number"] for tx in (first, second, third)]
    assert numbers == [0, 1, 2]
    second.end(committed=True)
    first.end(committed=False)
    assert [vars(ours.fence(a_transaction()))["_number"] for _ in range(3)] == [0, 1, 3]


def test_part_whose_epoch_ended_by_the_table_decides_nothing() -> None:
    ours = ownership(booking=TableOwner("vast-hub", 1))
    assert not ours.owns("meir", "booking")
    assert ours.owns("meir", "casework")
    assert not ownership(booking=TableOwner("linkwork", 2)).owns("meir", "booking"), "behind its markers only"


def test_rows_of_an_ended_epoch_are_told_by_source() -> None:
    ours = ownership(booking=TableOwner("vast-hub", 1))
    assert ours.is_ended("/meir/booking", 0)
    assert ours.is_ended("/meir/matching", 0)
    assert not ours.is_ended("/meir/casework", 0)
    assert not ours.is_ended("/meir/booking", 1)


def test_detail_names_owner_and_epoch() -> None:
    detail = ownership(booking=TableOwner("vast-hub", 1)).detail()
    standing = {"epoch": 0, "decides": False, "looked": True, "held": False}
    assert detail["meir"]["booking"] == {"owner": "vast-hub", **standing}


def test_unit_of_work_without_a_process_owns_everything() -> None:
    assert unfenced().owns("meir", "booking")


def context(standing: Standing, table: TableOwner) -> ServiceContext[Any, Any]:
    ours = ownership(booking=table)
    ours._known[("meir", "booking")] = standing
    made: ServiceContext[Any, Any] = object.__new__(ServiceContext)
    made.definition, made.ownership = TOY, ours
    return made


def test_message_waits_between_owners_and_passes_over_after() -> None:
    row = {"locality": "meir", "epoch": 0}
    moment = datetime(2026, 11, 30, tzinfo=UTC)
    ours = context(Standing(), TableOwner())
    stopped = context(Standing(decides=False), TableOwner())
    theirs = context(Standing(decides=False), TableOwner("vast-hub", 1))
    back = context(Standing(2, since=moment), TableOwner("linkwork", 2))
    assert [each.is_ours(row) for each in (ours, stopped, theirs, back)] == [True, False, False, False]
    assert [each.is_between_owners(row) for each in (stopped, theirs, back)] == [True, False, False]
    assert back.is_ours(row | {"epoch": 2})
