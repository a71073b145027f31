"""Leases, under which one process at a time does some work. They save work; safety never rests on them.

A lease is a row with a holder and an end by the database's clock. A process judges its own leases by its
monotonic clock, counted from before the request.
"""

import contextlib
import re
import time
from collections.abc import Iterable
from datetime import UTC, datetime

from pymongo.errors import BulkWriteError, DuplicateKeyError, PyMongoError

from shared.delivery.mongo.database import Mongo, Row

LEASES = "leases"
INSTANCES = "instance/"
# Each process that shares leases holds one of these.
SHARES = "share/"
_DUPLICATE_KEY = 11000
_FAR_AHEAD_MS = 600_000
_FORGET_AFTER_MS = 3_600_000
_SEEDED = datetime.fromtimestamp(0, UTC)


class Leases:
    """The leases that one process holds or tries to take."""

    def __init__(self, mongo: Mongo, holder: str, seconds: float) -> None:
        self._mongo = mongo
        self._holder = holder
        self._seconds = seconds
        self._until: dict[str, float] = {}
        self._seeded: set[str] = set()

    def held(self, name: str) -> bool:
        """True if this process still holds the lease, by its own clock."""
        return time.monotonic() < self._until.get(name, 0.0)

    async def take(self, name: str) -> bool:
        """Takes or renews a lease that is free, lapsed or ours. Returns whether this process holds it."""
        await self._seed(name)
        asked = time.monotonic()
        # MongoDB refuses $expr with an upsert, so the row is seeded first. An end far ahead was written by a
        # database whose clock was ahead, and does not count.
        mine_or_free = self._mine_or_free()
        got: Row | None = await self._mongo[LEASES].find_one_and_update(
            {"_id": name, "$expr": mine_or_free}, [{"$set": {"holder": self._holder, "until": self._end()}}]
        )
        if got is None:
            self._until.pop(name, None)
            self._seeded.discard(name)  # Another process holds it, or its row was removed.
            return False
        self._until[name] = asked + self._seconds * 0.9
        return True

    async def renew(self, names: Iterable[str]) -> None:
        """Takes or renews several leases. One write renews all that are held already."""
        names = list(names)
        ours = [name for name in names if self.held(name)]
        asked = time.monotonic()
        renewed = 0
        if ours:
            done = await self._mongo[LEASES].update_many(
                {"_id": {"$in": ours}, "holder": self._holder}, [{"$set": {"until": self._end()}}]
            )
            renewed = done.matched_count
        if renewed == len(ours):  # Else another process took one, so each is taken by itself.
            self._until.update(dict.fromkeys(ours, asked + self._seconds * 0.9))
            names = [name for name in names if name not in ours]
        if len(names) > 1:
            taken = await self._taken_by_others(names)
            self._until = {name: until for name, until in self._until.items() if name not in taken}
            names = [name for name in names if name not in taken]
        if len(names) > 1:
            await self._take_all(names)
        else:
            for name in names:
                await self.take(name)

    async def _take_all(self, names: list[str]) -> None:
        """As `take`, for many leases in three requests, so that a process that leads much starts at once."""
        rows = self._mongo[LEASES]
        if new := [name for name in names if name not in self._seeded]:
            try:
                seeds = [{"_id": name, "holder": "", "until": _SEEDED} for name in new]
                await rows.insert_many(seeds, ordered=False)
            except BulkWriteError as error:  # Another process seeded some.
                codes = {problem.get("code") for problem in (error.details or {}).get("writeErrors", [])}
                if codes != {_DUPLICATE_KEY}:
                    raise
        asked = time.monotonic()
        mine = [{"$set": {"holder": self._holder, "until": self._end()}}]
        await rows.update_many({"_id": {"$in": names}, "$expr": self._mine_or_free()}, mine)
        ours = {"_id": {"$in": names}, "holder": self._holder}
        taken = {row["_id"] async for row in rows.find(ours, {"_id": 1})}
        for name in names:
            self._until.pop(name, None)
        self._until.update(dict.fromkeys(taken, asked + self._seconds * 0.9))
        self._seeded = self._seeded - set(names) | taken

    async def holders(self, prefix: str) -> set[str]:
        """The holders of the leases with this prefix that have not ended, and this process."""
        going_on = {"_id": {"$regex": f"^{re.escape(prefix)}"}, "$expr": {"$gt": ["$until", "$$NOW"]}}
        found = {row["holder"] async for row in self._mongo[LEASES].find(going_on, {"holder": 1})}
        return {holder for holder in found if holder} | {self._holder}

    async def give(self, names: Iterable[str], holder: str) -> None:
        """Gives leases of this process to another one, which holds them as if it had just taken them.

        If that one has died meanwhile, they lapse.
        """
        names = [name for name in names if self._until.pop(name, None) is not None]
        if names:
            theirs = [{"$set": {"holder": holder, "until": self._end()}}]
            await self._mongo[LEASES].update_many({"_id": {"$in": names}, "holder": self._holder}, theirs)

    async def _taken_by_others(self, names: list[str]) -> set[str]:
        """The leases that other processes hold. One read finds them, where to take each costs two writes."""
        which = {"_id": {"$in": names}, "$expr": {"$not": [self._mine_or_free()]}}
        return {row["_id"] async for row in self._mongo[LEASES].find(which, {"_id": 1})}

    async def take_over(self, instance_id: str) -> None:
        """Takes the lease of an instance id and ends all leases of its holder, the dead predecessor.

        A holder that lives all the same takes them again, or finds them taken. Does nothing without an id.
        """
        if not instance_id:
            return
        name, leases = instance_lease(instance_id), self._mongo[LEASES]
        before: Row | None = await leases.find_one({"_id": name})
        if before is not None and before["holder"] not in ("", self._holder):
            await leases.update_many({"holder": before["holder"]}, [{"$set": {"until": "$$NOW"}}])
        asked = time.monotonic()
        mine = [{"$set": {"holder": self._holder, "until": self._end()}}]
        await leases.update_one({"_id": name}, mine, upsert=True)
        self._until[name] = asked + self._seconds * 0.9

    async def lapsed(self, prefix: str) -> list[str]:
        """Leases with this prefix that ended without a release: their holder died, or sleeps."""
        ended = {"$lt": ["$until", "$$NOW"]}
        others = {"$nin": ["", self._holder]}
        lost = {"_id": {"$regex": f"^{re.escape(prefix)}"}, "holder": others, "$expr": ended}
        return [row["_id"] async for row in self._mongo[LEASES].find(lost, {"_id": 1})]

    async def release(self, names: Iterable[str] | None = None) -> None:
        """Releases leases, so that no process waits for their end. If the database is away, they lapse."""
        names = list(self._until if names is None else names)
        for name in names:
            self._until.pop(name, None)
        try:
            await self._mongo[LEASES].update_many(
                {"_id": {"$in": names}, "holder": self._holder},
                [{"$set": {"holder": "", "until": "$$NOW"}}],
            )
        except PyMongoError:
            return

    async def forget_lapsed(self, prefix: str) -> None:
        """Removes leases with this prefix that ended an hour ago. Each process that ever ran left one."""
        long_ago = {"$subtract": ["$$NOW", _FORGET_AFTER_MS]}
        lapsed = {"$and": [{"$gt": ["$until", _SEEDED]}, {"$lt": ["$until", long_ago]}]}
        await self._mongo[LEASES].delete_many({"_id": {"$regex": f"^{re.escape(prefix)}"}, "$expr": lapsed})

    def _mine_or_free(self) -> dict[str, object]:
        far_ahead = {"$add": ["$$NOW", _FAR_AHEAD_MS]}
        free = [{"$lte": ["$until", "$$NOW"]}, {"$gt": ["$until", far_ahead]}]
        return {"$or": [{"$eq": ["$holder", self._holder]}, *free]}

    def _end(self) -> dict[str, object]:
        return {"$add": ["$$NOW", int(self._seconds * 1000)]}

    async def _seed(self, name: str) -> None:
        if name in self._seeded:
            return
        with contextlib.suppress(DuplicateKeyError):  # Another process seeded it.
            await self._mongo[LEASES].insert_one({"_id": name, "holder": "", "until": _SEEDED})
        self._seeded.add(name)


def instance_lease(instance_id: str) -> str:
    """The lease that the process with this instance id holds."""
    return f"{INSTANCES}{instance_id}"
