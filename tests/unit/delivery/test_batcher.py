"""Pieces of work that come in the same moment share a transaction, and nothing else."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.delivery.model.errors import Conflict, Transient
from shared.delivery.mongo.database import Mongo, Transaction
from shared.delivery.unit_of_work.batcher import TransactionBatcher


class Database:
    """Transactions that take a moment, or as long as `may_answer` says."""

    def __init__(self) -> None:
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def transact(self, work: Callable[[Any], Awaitable[Any]]) -> Any:
        await asyncio.sleep(0)
        done = await work(None)
        await self.may_answer.wait()
        return done


def doubling(groups: list[list[int]], database: Database, error: type[Exception] = ValueError) -> Any:
    async def work(items: Sequence[int], _: Transaction) -> list[int]:
        groups.append(list(items))
        if any(item < 0 for item in items):
            raise error
        return [2 * item for item in items]

    return TransactionBatcher[int, int](cast("Mongo", database), work)


@given(st.lists(st.integers(-3, 50), min_size=1, max_size=12))
def test_batcher_gives_each_item_its_own_result(items: list[int]) -> None:
    groups: list[list[int]] = []

    async def all_at_once() -> list[Any]:
        together = doubling(groups, Database())
        return await asyncio.gather(*map(together.run, items), return_exceptions=True)

    for item, answer in zip(items, asyncio.run(all_at_once()), strict=True):
        assert isinstance(answer, ValueError) if item < 0 else answer == 2 * item
    assert groups[0] == items  # one transaction for all, and each alone only where one was at fault
    assert len(groups) == 1 or min(items) < 0


@pytest.mark.parametrize(("error", "transactions"), [(Transient, 1), (Conflict, 4)])
async def test_batcher_with_database_away_tries_once(error: type[Exception], transactions: int) -> None:
    groups: list[list[int]] = []
    together = doubling(groups, Database(), error)
    answers = await asyncio.gather(*map(together.run, (1, -1, 2)), return_exceptions=True)
    assert len(groups) == transactions
    assert isinstance(answers[1], error)
    assert [answers[0], answers[2]] == [2, 4] or error is Transient


async def test_batcher_items_that_come_meanwhile_share_next_group() -> None:
    groups: list[list[int]] = []
    database = Database()
    together = doubling(groups, database)
    database.may_answer.clear()
    first = asyncio.create_task(together.run(1))
    while not groups:
        await asyncio.sleep(0)
    others = [asyncio.create_task(together.run(item)) for item in (2, 3)]
    await asyncio.sleep(0.01)
    database.may_answer.set()
    assert await asyncio.gather(first, *others) == [2, 4, 6]
    assert groups == [[1], [2, 3]]


async def test_batcher_with_cancelled_caller_serves_others() -> None:
    groups: list[list[int]] = []
    database = Database()
    together = doubling(groups, database)
    database.may_answer.clear()
    tasks = [asyncio.create_task(together.run(item)) for item in (1, 2, 3)]
    while not groups:
        await asyncio.sleep(0)
    tasks[0].cancel()
    database.may_answer.set()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(answers[0], asyncio.CancelledError)
    assert answers[1:] == [4, 6]
    assert groups == [[1, 2, 3], [2, 3]]
