"""Which generation of the derived collections is live, and how one takes another's place.

What is folded from the log can be folded anew beside the live collections, as a generation of its own. Every
process reads the one row that says which is live, a few times a second, and works on what it has read for a
moment only: a transaction that does not begin and commit within that moment asks again first. So whoever
closes a generation and waits a little longer knows that nobody works on it any more, asleep or awake. While
it is closed the database itself refuses writes to it.
"""

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping
from typing import Any, Final

from pymongo import ReturnDocument
from pymongo.errors import OperationFailure, PyMongoError

from shared.delivery.model.errors import ForeignDatabase, Transient
from shared.delivery.mongo.database import Mongo, Permit, classified

GENERATIONS: Final = "generations"
LIVE: Final = "live"
_OWNER: Final = "owner"
PERMIT_SECONDS: Final = 1.5
"""For so long may be worked on what was read."""
_POLL_SECONDS = 0.4
_PATIENCE_SECONDS = 3.0
_GRACE_MS = 1000
_NOT_THERE = 26
_REFUSES_ALL: Final[dict[str, Any]] = {"_id": {"$exists": False}}
_log = logging.getLogger(__name__)


def names_of(derived: Iterable[str], number: int) -> dict[str, str]:
    """The names under which a generation's collections lie; the first has the plain ones."""
    return {name: name if number == 1 else f"{name}.g{number}" for name in derived}


def now() -> float:
    """Seconds by a clock of this machine that nobody sets and that goes on while the machine sleeps."""
    clock: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime(clock)


async def own(mongo: Mongo, part: str) -> None:
    """Writes down whose database this is, where nobody has yet.

    Raises:
        AnothersDatabase: it is another's, and nothing was written.
    """
    first = {"$setOnInsert": {"part": part}}
    row = await mongo[GENERATIONS].find_one_and_update(
        {"_id": _OWNER}, first, upsert=True, return_document=ReturnDocument.AFTER
    )
    if row["part"] != part:
        raise ForeignDatabase(
            f"The database {mongo.database.name} is that of {row['part']}, and {part} was started on it: "
            f"nothing was written. Set LINKWORK_DATABASE to that of {part} (empty means linkwork_{part}), "
            "and look whether LINKWORK_MONGO_URL is the right one."
        )


async def owner_of(mongo: Mongo) -> str | None:
    """The part whose database this is; None where none has started on it."""
    row = await mongo[GENERATIONS].find_one({"_id": _OWNER})
    return None if row is None else str(row["part"])


class Generations:
    """One process's view of the row; the gate that its transactions go through."""

    def __init__(self, mongo: Mongo, derived: Iterable[str]) -> None:
        self._mongo = mongo
        self._derived = tuple(derived)
        self._permit = Permit({}, 0.0)
        self._seen = -1
        self._open = False

    async def enter(self) -> Permit:
        """What a transaction that begins now works on.

        Raises:
            Transient: the generation is about to change, for longer than a command can wait.
            PyMongoError: the database is away.
        """
        end = now() + _PATIENCE_SECONDS
        while True:
            if self._open and now() < self._permit.until:
                return self._permit
            await self.refresh()
            if self._open:
                return self._permit
            if now() > end:
                raise Transient("the generation is about to change")
            await asyncio.sleep(0.05)

    async def confirm(self, permit: Permit) -> None:
        """Says whether a transaction may commit what it has done under its permit.

        Raises:
            Transient: another generation is live by now, or is about to be.
        """
        if now() < permit.until:
            return
        await self.refresh()
        if permit is not self._permit or now() >= permit.until:
            raise Transient("the generation has changed")

    def lapse(self) -> None:
        """Whoever enters next asks first."""
        self._open = False

    async def refresh(self) -> None:
        """Reads which generation is live. What was read goes by the time before it was asked for."""
        asked = now()
        row = await self._mongo[GENERATIONS].find_one({"_id": LIVE})
        if row is not None and row["state"] == "closing":
            await self._reopen(row)
        epoch = 0 if row is None else row["epoch"]
        if epoch < self._seen:
            return  # overtaken by a later answer
        self._open = row is None or row["state"] == "open"
        if epoch != self._seen:
            self._seen = epoch
            if self._open:
                self._permit = Permit(names_of(self._derived, 1 if row is None else row["number"]), 0.0)
                self._mongo.names = self._permit.names
        if self._open:
            self._permit.until = max(self._permit.until, asked + PERMIT_SECONDS)

    async def watch(self) -> None:
        """Reads it again and again."""
        while True:
            await asyncio.sleep(_POLL_SECONDS)
            try:
                await self.refresh()
            except PyMongoError as error:
                _log.warning("which generation is live is not known: %s", type(error).__name__)

    async def _reopen(self, row: Mapping[str, Any]) -> None:
        """Opens a generation again whose closing has lasted too long: whoever closed it has died."""
        late = {"$lt": [{"$add": ["$until", _GRACE_MS]}, "$$NOW"]}
        stale = {"_id": LIVE, "state": "closing", "epoch": row["epoch"], "$expr": late}
        rows = self._mongo[GENERATIONS]
        if await rows.find_one(stale) is not None:
            await unlock(self._mongo, names_of(self._derived, row["number"]).values())
            await rows.update_one(stale, {"$set": {"state": "open"}, "$inc": {"epoch": 1}})
            _log.warning("a change of generation was given up")


async def lock(mongo: Mongo, collections: Iterable[str], milliseconds: int) -> bool:
    """Has the database refuse every write to them from now on.

    False where transactions that have touched one of them do not end within that time: it waits for them, and
    whoever comes after it waits too.
    """
    for name in collections:
        change = {"collMod": name, "validator": _REFUSES_ALL, "maxTimeMS": milliseconds}
        try:
            await mongo.database.command(change)
        except PyMongoError as error:
            if isinstance(classified(error), Transient):
                return False
            raise
    return True


async def unlock(mongo: Mongo, collections: Iterable[str]) -> None:
    """Writes are taken again."""
    for name in collections:
        try:
            await mongo.database.command({"collMod": name, "validator": {}})
        except OperationFailure as error:
            if error.code != _NOT_THERE:
                raise
