"""Closes a generation, and opens it or another. Each step is a write that succeeds only as the next step."""

import asyncio
import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from pymongo.errors import PyMongoError

from shared.delivery.mongo.database import Document, Mongo
from shared.delivery.outbox.lanes import processes_of
from shared.delivery.rebuild.generations import (
    GENERATIONS,
    LIVE,
    PERMIT_SECONDS,
    boot_seconds,
    lock,
    names_of,
    unlock,
)

CLOSED_SECONDS: Final = 15  # The first process that sees a longer closing undoes it.
_LOCK_SECONDS: Final = 6.0
_LOCK_TRY_MS: Final = 400
_IN_HAND_SECONDS: Final = 2.0  # An older transaction belongs to a process that has died.


class NotClosed(Exception):
    """A transaction does not end, or another rebuild changes the generation. Nothing has changed."""


@dataclass(frozen=True)
class LiveRow:
    """The live generation. `kept` is the one before it, which has every record up to `marks`."""

    number: int = 1
    epoch: int = 0
    state: str = "open"
    kept: int | None = None
    marks: tuple[tuple[str, int, int], ...] = ()

    @classmethod
    def of(cls, row: Mapping[str, Any] | None) -> "LiveRow":
        """Reads a stored row; without one, generation 1 is live."""
        if row is None:
            return cls()
        marks = tuple((mark["t"], mark["p"], mark["o"]) for mark in row["marks"])
        return cls(row["number"], row["epoch"], row["state"], row["kept"], marks)

    def stored(self) -> Document:
        """The row as it is stored."""
        marks = [{"t": topic, "p": partition, "o": offset} for topic, partition, offset in self.marks]
        return {
            "number": self.number,
            "epoch": self.epoch,
            "state": self.state,
            "kept": self.kept,
            "marks": marks,
        }


async def live_row(mongo: Mongo) -> LiveRow:
    """Reads the row of the live generation."""
    return LiveRow.of(await mongo[GENERATIONS].find_one({"_id": LIVE}))


async def forget_kept(mongo: Mongo, live: LiveRow) -> LiveRow:
    """Records that no generation is kept, and returns the new row.

    Raises:
        NotClosed: the row has changed since it was read.
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
        """The seconds since the generation was closed."""
        return boot_seconds() - self._closed_at

    async def close(self) -> None:
        """Closes the live generation: no transaction begins, those in hand end, then writes are refused.

        Raises:
            NotClosed: the closing was given up; the live generation is unchanged.
        """
        until = {"$add": ["$$NOW", CLOSED_SECONDS * 1000]}
        whole = [{"$set": {**_literal(self._closing.stored()), "until": until}}]
        rows = self._mongo[GENERATIONS]
        if self.live.epoch == 0:
            await rows.update_one({"_id": LIVE}, {"$setOnInsert": self.live.stored()}, upsert=True)
        done = await rows.update_one({"_id": LIVE, "epoch": self.live.epoch, "state": "open"}, whole)
        if done.modified_count == 0:
            raise NotClosed("another rebuild changes the generation")
        self._closed_at = boot_seconds()
        try:
            await self._lock()
        except BaseException:
            await self.give_up()
            raise

    async def _lock(self) -> None:
        names = list(names_of(self._derived, self.live.number).values())
        await asyncio.sleep(PERMIT_SECONDS / 3)  # Most processes have read the row by then.
        while not await lock(self._mongo, names, _LOCK_TRY_MS):
            if self.closed_for > _LOCK_SECONDS:
                raise NotClosed("transactions do not end that hold the live generation")
            if self.closed_for > _IN_HAND_SECONDS:
                processes = await processes_of(self._mongo)
                await self._mongo.end_transactions_older_than(_IN_HAND_SECONDS, processes)
            await asyncio.sleep(0.05)

    async def give_up(self) -> None:
        """Opens the live generation again, unless `open` succeeded without an answer.

        Raises:
            PyMongoError: the database is away. The first process that sees the late closing undoes it.
        """
        rows = self._mongo[GENERATIONS]
        closing = {"_id": LIVE, "epoch": self._closing.epoch, "state": "closing"}
        ours = {**closing, "epoch": self._closing.epoch + 1}
        with contextlib.suppress(PyMongoError):  # The row shows whether the write arrived.
            await rows.update_one(
                closing, {"$inc": {"epoch": 1}}
            )  # Still closed, and `open` fails from now on.
        if await rows.find_one(ours) is None:
            return
        await unlock(self._mongo, names_of(self._derived, self.live.number).values())
        await rows.update_one(ours, {"$set": {"state": "open"}, "$inc": {"epoch": 1}})

    async def open(self, number: int, marks: Mapping[tuple[str, int], int]) -> None:
        """Makes the other generation live. The one before is kept, closed, with its offsets.

        Raises:
            NotClosed: it took too long, and a process has opened the old generation again.
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
    """The values as literals: in a pipeline, a string that begins with a dollar sign is a path."""
    return {name: {"$literal": value} for name, value in document.items()}
