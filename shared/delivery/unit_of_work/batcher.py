"""Small pieces of work that come in the same moment, done in one transaction: little dearer than one."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from shared.delivery.model.errors import Conflict, Transient
from shared.delivery.mongo.database import Mongo, Transaction

A = TypeVar("A")
B = TypeVar("B")
Work = Callable[[Sequence[A], Transaction], Awaitable[Sequence[B]]]
"""Does all of these in this transaction; gives an answer for each, in their order."""


@dataclass(eq=False)
class _Asked(Generic[A, B]):
    item: A
    answer: B | None = None
    error: Exception | None = None
    done: bool = False


class TransactionBatcher(Generic[A, B]):
    """Whoever comes while others are at it waits, and is done with all who came meanwhile."""

    def __init__(self, mongo: Mongo, work: Work[A, B]) -> None:
        self._mongo = mongo
        self._work = work
        self._waiting: list[_Asked[A, B]] = []
        self._at_it = asyncio.Lock()

    async def run(self, item: A) -> B:
        """Does one; raises what doing it raises."""
        mine: _Asked[A, B] = _Asked(item)
        self._waiting.append(mine)
        try:
            await asyncio.sleep(0)  # those who begin in the same moment come along
            async with self._at_it:
                if not mine.done:
                    group, self._waiting = self._waiting, []
                    try:
                        await self._do(group)
                    finally:  # cancelled: the others are left to one of them
                        self._waiting = [asked for asked in group if not asked.done] + self._waiting
        finally:
            if mine in self._waiting:
                self._waiting.remove(mine)
        if mine.error is not None:
            raise mine.error
        return mine.answer  # type: ignore[return-value]  # B may itself be None

    async def _do(self, group: Sequence[_Asked[A, B]]) -> None:
        items = [asked.item for asked in group]
        try:
            answers = await self._mongo.transact(partial(self._work, items))
        except Exception as error:
            away = isinstance(error, Transient) and not isinstance(error, Conflict)
            if len(group) > 1 and not away:  # one of them, perhaps, and the others have nothing to do with it
                for asked in group:
                    await self._do([asked])
                return
            for asked in group:
                asked.error, asked.done = error, True
            return
        for asked, answer in zip(group, answers, strict=True):
            asked.answer, asked.done = answer, True
