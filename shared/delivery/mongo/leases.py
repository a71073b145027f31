"""Leases: one process at a time does a thing. They save work; safety never rests on them.

A lease is a row with a holder and an end by the database's own clock; what a process believes about its
lease goes by its own monotonic clock, from before it asked.
"""

import contextlib
import re
import time
from collections.abc import Iterable
from datetime import UTC, datetime

from pymongo.errors import DuplicateKeyError, PyMongoError

from shared.delivery.mongo.database import Mongo, Row

LEASES = "leases"
INSTANCES = "instance/"
_FAR_AHEAD_MS = 600_000
_FORGET_AFTER_MS = 3_600_000
_SEEDED = datetime.fromtimestamp(0, UTC)


class Leases:
    """The leases that one process holds or tries to."""

    def __init__(self, mongo: Mongo, holder: str, seconds: float) -> None:
        self._mongo = mongo
        self._holder = holder
        self._seconds = seconds
        self._until: dict[str, float] = {}
        self._seeded: set[str] = set()

    def held(self, name: str) -> bool:
        """Whether this process still holds the lease, by its own clock."""
        return time.monotonic() < self._until.get(name, 0.0)

    async def take(self, name: str) -> bool:
        """Takes or renews a lease that is free, lapsed or ours."""
        await self._seed(name)
        asked = time.monotonic()
        # $expr with an upsert is refused, which is why the row is seeded first. An end far ahead was written
        # by a database whose clock was ahead: nobody waits for it.
        far_ahead = {"$add": ["$$NOW", _FAR_AHEAD_MS]}
        free = [{"$lte": ["$until", "$$NOW"]}, {"$gt": ["$until", far_ahead]}]
        mine_or_free = {"$or": [{"$eq": ["$holder", self._holder]}, *free]}
        got: Row | None = await self._mongo[LEASES].find_one_and_update(
            {"_id": name, "$expr": mine_or_free}, [{"$set": {"holder": self._holder, "until": self._end()}}]
        )
        if got is None:
            self._until.pop(name, None)
            self._seeded.discard(name)  # held by somebody else, or forgotten meanwhile
            return False
        self._until[name] = asked + self._seconds * 0.9
        return True

    async def renew(self, names: Iterable[str]) -> None:
        """Takes or renews several; those that are held already at the price of one."""
        names = list(names)
        ours = [name for name in names if self.held(name)]
        asked = time.monotonic()
        renewed = 0
        if ours:
            done = await self._mongo[LEASES].update_many(
                {"_id": {"$in": ours}, "holder": self._holder}, [{"$set": {"until": self._end()}}]
            )
            renewed = done.matched_count
        if renewed == len(ours):  # else somebody took one meanwhile: each is asked for by itself
            self._until.update(dict.fromkeys(ours, asked + self._seconds * 0.9))
            names = [name for name in names if name not in ours]
        for name in names:
            await self.take(name)

    async def take_over(self, seat: str) -> None:
        """Takes a seat, whoever has it, and ends the leases of that one: it is dead. Nothing without a seat.

        One that lives all the same takes them again, or finds them taken.
        """
        if not seat:
            return
        name, leases = instance_lease(seat), self._mongo[LEASES]
        before: Row | None = await leases.find_one({"_id": name})
        if before is not None and before["holder"] not in ("", self._holder):
            await leases.update_many({"holder": before["holder"]}, [{"$set": {"until": "$$NOW"}}])
        asked = time.monotonic()
        mine = [{"$set": {"holder": self._holder, "until": self._end()}}]
        await leases.update_one({"_id": name}, mine, upsert=True)
        self._until[name] = asked + self._seconds * 0.9

    async def lapsed(self, prefix: str) -> list[str]:
        """Leases of this kind that ended and were not given back: their holder died, or sleeps."""
        ended = {"$lt": ["$until", "$$NOW"]}
        others = {"$nin": ["", self._holder]}
        lost = {"_id": {"$regex": f"^{re.escape(prefix)}"}, "holder": others, "$expr": ended}
        return [row["_id"] async for row in self._mongo[LEASES].find(lost, {"_id": 1})]

    async def release(self, names: Iterable[str] | None = None) -> None:
        """Gives leases back, so that nobody waits for their end. Is silent if the database is away."""
        names = list(self._until if names is None else names)
        for name in names:
            self._until.pop(name, None)
        try:
            await self._mongo[LEASES].update_many(
                {"_id": {"$in": names}, "holder": self._holder},
                [{"$set": {"holder": "", "until": "$$NOW"}}],
            )
        except PyMongoError:
            return  # it lapses by itself

    async def forget_lapsed(self, prefix: str) -> None:
        """Removes leases of this kind that ended an hour ago: each process that ever ran has left one."""
        long_ago = {"$subtract": ["$$NOW", _FORGET_AFTER_MS]}
        lapsed = {"$and": [{"$gt": ["$until", _SEEDED]}, {"$lt": ["$until", long_ago]}]}
        await self._mongo[LEASES].delete_many({"_id": {"$regex": f"^{re.escape(prefix)}"}, "$expr": lapsed})

    def _end(self) -> dict[str, object]:
        return {"$add": ["$$NOW", int(self._seconds * 1000)]}

    async def _seed(self, name: str) -> None:
        if name in self._seeded:
            return
        with contextlib.suppress(DuplicateKeyError):  # somebody else seeded it
            await self._mongo[LEASES].insert_one({"_id": name, "holder": "", "until": _SEEDED})
        self._seeded.add(name)


def instance_lease(seat: str) -> str:
    """The lease that whoever sits there holds."""
    return f"{INSTANCES}{seat}"
