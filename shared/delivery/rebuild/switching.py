"""Closing a generation, and opening it or another again: each a write that only succeeds as the next step."""

import asyncio
import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from pymongo.errors import PyMongoError

from shared.delivery.mongo.database import Document, Mongo
from shared.delivery.mongo.leases import LEASES
from shared.delivery.outbox.relay import process_name
from shared.delivery.rebuild.generations import GENERATIONS, LIVE, PERMIT_SECONDS, lock, names_of, now, unlock

CLOSED_SECONDS: Final = 15
"""A closing that lasts longer is undone by the first process that looks."""
_LOCK_SECONDS: Final = 6.0
_LOCK_TRY_MS: Final = 400
_IN_HAND_SECONDS: Final = 2.0
"""After so long a transaction that still holds the generation belongs to nobody who works."""


class NotClosed(Exception):
    """Somebody's transaction does not end, or somebody else changes the generation; nothing has changed."""


@dataclass(frozen=True)
class LiveRow:
    """Which generation is live; `kept` is the one before it, which had everything up to `marks`."""

    number: int = 1
    epoch: int = 0
    state: str = "open"
    kept: int | None = None
    marks: tuple[tuple[str, int, int], ...] = ()

    @classmethod
    def of(cls, row: Mapping[str, Any] | None) -> "LiveRow":
        if row is None:
            return cls()
        marks = tuple((mark["t"], mark["p"], mark["o"]) for mark in row["marks"])
        return cls(row["number"], row["epoch"], row["state"], row["kept"], marks)

    def stored(self) -> Document:
        marks = [{"t": topic, "p": partition, "o": offset} for topic, partition, offset in self.marks]
        return {
            "number": self.number,
            "epoch": self.epoch,
            "state": self.state,
            "kept": self.kept,
            "marks": marks,
        }


async def live_row(mongo: Mongo) -> LiveRow:
    return LiveRow.of(await mongo[GENERATIONS].find_one({"_id": LIVE}))


async def nothing_kept(mongo: Mongo, live: LiveRow) -> LiveRow:
    """Writes down that there is no way back any more; gives the row as it is from now on.

    Raises:
        NotClosed: the row is not as it was read.
    """
    if live.kept is None:
        return live
    bare = replace(live, kept=None, marks=())
    same = {"_id": LIVE, "epoch": live.epoch, "state": "open"}
    if (await mongo[GENERATIONS].update_one(same, {"$set": bare.stored()})).matched_count == 0:
        raise NotClosed("another rebuild changes the generation")
    return bare


class Switch:
    """One change of generation, from closing the live one to opening it or another."""

    def __init__(self, mongo: Mongo, derived: Iterable[str], live: LiveRow) -> None:
        self._mongo = mongo
        self._derived = tuple(derived)
        self.live = live
        self._closed_at = 0.0
        self._closing = LiveRow(live.number, live.epoch + 1, "closing", live.kept, live.marks)

    @property
    def closed_for(self) -> float:
        """Seconds since it was closed."""
        return now() - self._closed_at

    async def close(self) -> None:
        """Nobody begins a transaction from now on; those in hand end, and then the database refuses writes.

        Raises:
            NotClosed: it was given up; what was live is live.
        """
        until = {"$add": ["$$NOW", CLOSED_SECONDS * 1000]}
        whole = [{"$set": {**_literal(self._closing.stored()), "until": until}}]
        rows = self._mongo[GENERATIONS]
        if self.live.epoch == 0:
            await rows.update_one({"_id": LIVE}, {"$setOnInsert": self.live.stored()}, upsert=True)
        done = await rows.update_one({"_id": LIVE, "epoch": self.live.epoch, "state": "open"}, whole)
        if done.modified_count == 0:
            raise NotClosed("another rebuild changes the generation")
        self._closed_at = now()
        try:
            await self._lock()
        except BaseException:
            await self.give_up()
            raise

    async def _lock(self) -> None:
        names = list(names_of(self._derived, self.live.number).values())
        await asyncio.sleep(PERMIT_SECONDS / 3)  # most processes have seen it by now and end what they have
        while not await lock(self._mongo, names, _LOCK_TRY_MS):
            if self.closed_for > _LOCK_SECONDS:
                raise NotClosed("transactions do not end that hold the live generation")
            if self.closed_for > _IN_HAND_SECONDS:
                await self._mongo.end_transactions_older_than(_IN_HAND_SECONDS, await self._processes())
            await asyncio.sleep(0.05)

    async def _processes(self) -> list[str]:
        """What the service's processes are called towards the database, those that died among them."""
        lanes = self._mongo[LEASES].find({"_id": {"$regex": "^lane/"}}, {"_id": 1})
        return [process_name(row["_id"].removeprefix("lane/")) async for row in lanes]

    async def give_up(self) -> None:
        """What was live goes on, unchanged. Where `open` got through, though nobody was told, the other does,
        and what was live stays closed.

        Raises:
            PyMongoError: the database is away. What is closing still, the first process that looks opens.
        """
        rows = self._mongo[GENERATIONS]
        closing = {"_id": LIVE, "epoch": self._closing.epoch, "state": "closing"}
        ours = {**closing, "epoch": self._closing.epoch + 1}
        with contextlib.suppress(PyMongoError):  # the row says whether it was heard
            await rows.update_one(closing, {"$inc": {"epoch": 1}})  # closed still, and `open` comes too late
        if await rows.find_one(ours) is None:
            return
        await unlock(self._mongo, names_of(self._derived, self.live.number).values())
        await rows.update_one(ours, {"$set": {"state": "open"}, "$inc": {"epoch": 1}})

    async def open(self, number: int, marks: Mapping[tuple[str, int], int]) -> None:
        """The other generation is live from now on; what was is kept, closed, with what it had heard.

        Raises:
            NotClosed: it took too long, and somebody has opened the old one again.
        """
        await asyncio.sleep(max(PERMIT_SECONDS + 0.1 - self.closed_for, 0.0))
        kept = tuple((topic, partition, offset) for (topic, partition), offset in sorted(marks.items()))
        row = LiveRow(number, self._closing.epoch + 1, "open", self.live.number, kept)
        in_time = {"$gt": ["$until", "$$NOW"]}
        closing = {"_id": LIVE, "epoch": self._closing.epoch, "state": "closing", "$expr": in_time}
        done = await self._mongo[GENERATIONS].update_one(closing, {"$set": row.stored()})
        if done.modified_count == 0:
            raise NotClosed("it took too long")


def _literal(document: Document) -> Document:
    """In a pipeline a string that begins with a dollar would be a path."""
    return {name: {"$literal": value} for name, value in document.items()}
