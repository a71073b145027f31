"""Small pieces of work of the same moment share a transaction, which costs little more than one of them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from shared.delivery.model.errors import Conflict, Transient
from shared.delivery.mongo.database import Mongo, Transaction

A = TypeVar("A")
B = TypeVar("B")
# Does all items in one transaction; returns a result for each, in their order.
Work = Callable[[Sequence[A], Transaction], Awaitable[Sequence[B]]]


@dataclass(eq=False)
class _Request(Generic[A, B]):
    item: A
    result: B | None = None
    error: Exception | None = None
    done: bool = False


class TransactionBatcher(Generic[A, B]):
    """Runs work in groups: items that come while a group is in hand make the next group."""

    def __init__(self, mongo: Mongo, work: Work[A, B]) -> None:
        self._mongo = mongo
        self._work = work
        self._waiting: list[_Request[A, B]] = []
        self._running = asyncio.Lock()

    async def run(self, item: A) -> B:
        """Does one item; raises what its work raises."""
        mine: _Request[A, B] = _Request(item)
        self._waiting.append(mine)
        try:
            await asyncio.sleep(0)  # Callers of the same moment come along.
            async with self._running:
                if not mine.done:
                    group, self._waiting = self._waiting, []
                    try:
                        await self._run_group(group)
                    finally:  # If this caller is cancelled, another of the group goes on.
                        self._waiting = [each for each in group if not each.done] + self._waiting
        finally:
            if mine in self._waiting:
                self._waiting.remove(mine)
        if mine.error is not None:
            raise mine.error
        return mine.result  # type: ignore[return-value]  # B may itself be None

    async def _run_group(self, group: Sequence[_Request[A, B]]) -> None:
        items = [request.item for request in group]
        try:
            results = await self._mongo.transact(partial(self._work, items))
        except Exception as error:
            away = isinstance(error, Transient) and not isinstance(error, Conflict)
            if len(group) > 1 and not away:  # One item may be at fault, which must not harm the others.
                for request in group:
                    await self._run_group([request])
                return
            for request in group:
                request.error, request.done = error, True
            return
        for request, result in zip(group, results, strict=True):
            request.result, request.done = result, True
