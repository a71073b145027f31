"""The stored rows of heartbeats: who plays the next one, and how many went unanswered."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from pymongo.errors import DuplicateKeyError

from services.referral.collections import HEARTBEATS
from shared.delivery.mongo.database import Mongo
from shared.platform.clock import Clock

# A meeting answers within a minute. The second is for those who look.
ANSWERED_WITHIN: Final = timedelta(minutes=2)


def unanswered(answered: datetime, now: datetime, every: timedelta) -> int:
    """Heartbeats in a row without an answer: those due since the last answered one, `answered`.

    It counts heartbeats that nobody played, too.
    """
    return max(0, (now - answered - ANSWERED_WITHIN) // every)


@dataclass(frozen=True, slots=True)
class Beats:
    """The rows, one a sandbox. Whoever writes the time of a heartbeat plays it, so that one process does."""

    mongo: Mongo
    clock: Clock
    every: timedelta

    async def answered(self, locality: str) -> datetime:
        """When the last heartbeat was played to which a meeting answered; at first, when this was asked.

        Raises:
            PyMongoError: the database is away.
        """
        row = await self.mongo[HEARTBEATS].find_one({"_id": locality})
        if row is None:
            now = self.clock()
            row = {"_id": locality, "at": now - self.every, "answered": now}
            try:
                await self.mongo[HEARTBEATS].insert_one(dict(row))
            except DuplicateKeyError:  # Another process was first.
                return await self.answered(locality)
        return _answered(row)

    async def claim(self, locality: str) -> datetime | None:
        """The time of the heartbeat that this process has to play now; None if none is due.

        Raises:
            PyMongoError: the database is away.
        """
        now = self.clock()
        due = {"_id": locality, "at": {"$lte": now - self.every}}
        done = await self.mongo[HEARTBEATS].update_one(due, {"$set": {"at": now}})
        return now if done.modified_count else None

    async def note_answered(self, locality: str, beat: datetime) -> None:
        """Notes that a meeting answered to this heartbeat.

        Raises:
            PyMongoError: the database is away.
        """
        await self.mongo[HEARTBEATS].update_one({"_id": locality}, {"$max": {"answered": beat}})


def _answered(row: Mapping[str, datetime]) -> datetime:
    at = row["answered"]
    return at if at.tzinfo else at.replace(tzinfo=UTC)
