"""The live generation of the derived collections, and the permits to work on it.

A rebuild folds the log into a generation of its own, beside the live collections. One row names the live
generation. Every process reads the row a few times a second and may work on what it read for 1.5 s. A
transaction that does not begin and commit within that time reads the row again first. After a rebuild has
closed a generation and waited longer than that, no process works on it, even one that slept. While the
generation is closed, the database refuses writes to it.
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
# The lease of a rebuild of this database.
REBUILD_LEASE: Final = "rebuild"
_OWNER: Final = "owner"
PERMIT_SECONDS: Final = 1.5  # A process may work for so long on the row that it read.
_POLL_SECONDS = 0.4
_PATIENCE_SECONDS = 3.0
_GRACE_MS = 1000
_NOT_THERE = 26
_REFUSES_ALL: Final[dict[str, Any]] = {"_id": {"$exists": False}}
_log = logging.getLogger(__name__)


def names_of(derived: Iterable[str], number: int) -> dict[str, str]:
    """The names of a generation's collections; generation 1 has the plain names."""
    return {name: name if number == 1 else f"{name}.g{number}" for name in derived}


def boot_seconds() -> float:
    """Seconds of a clock that is never set, and that runs while the machine sleeps."""
    clock: int = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime(clock)


async def claim_database(mongo: Mongo, part: str) -> None:
    """Records the service that owns this database, unless an owner is recorded.

    Raises:
        ForeignDatabase: the database belongs to another service; nothing was written.
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
    """The service that owns this database; None if no service has started on it."""
    row = await mongo[GENERATIONS].find_one({"_id": _OWNER})
    return None if row is None else str(row["part"])


class Generations:
    """One process's copy of the row, which gives permits to its transactions."""

    def __init__(self, mongo: Mongo, derived: Iterable[str]) -> None:
        self._mongo = mongo
        self._derived = tuple(derived)
        self._permit = Permit({}, 0.0)
        self._seen = -1
        self._open = False

    async def enter(self) -> Permit:
        """The permit for a transaction that begins now.

        Raises:
            Transient: the generation is about to change, for longer than a command can wait.
            PyMongoError: the database is away.
        """
        end = boot_seconds() + _PATIENCE_SECONDS
        while True:
            if self._open and boot_seconds() < self._permit.until:
                return self._permit
            await self.refresh()
            if self._open:
                return self._permit
            if boot_seconds() > end:
                raise Transient("the generation is about to change")
            await asyncio.sleep(0.05)

    async def confirm(self, permit: Permit) -> None:
        """Checks that a transaction may commit under its permit.

        Raises:
            Transient: another generation is live, or is about to be.
        """
        if boot_seconds() < permit.until:
            return
        await self.refresh()
        if permit is not self._permit or boot_seconds() >= permit.until:
            raise Transient("the generation has changed")

    def lapse(self) -> None:
        """Withdraws the permit, so that the next transaction reads the row first."""
        self._open = False

    async def refresh(self) -> None:
        """Reads the row. The permit counts from the time before the request."""
        asked = boot_seconds()
        row = await self._mongo[GENERATIONS].find_one({"_id": LIVE})
        if row is not None and row["state"] == "closing":
            await self._reopen(row)
        epoch = 0 if row is None else row["epoch"]
        if epoch < self._seen:
            return  # A later answer has overtaken this one.
        self._open = row is None or row["state"] == "open"
        if epoch != self._seen:
            self._seen = epoch
            if self._open:
                self._permit = Permit(names_of(self._derived, 1 if row is None else row["number"]), 0.0)
                self._mongo.names = self._permit.names
        if self._open:
            self._permit.until = max(self._permit.until, asked + PERMIT_SECONDS)

    async def watch(self) -> None:
        """Reads the row a few times a second."""
        while True:
            await asyncio.sleep(_POLL_SECONDS)
            try:
                await self.refresh()
            except PyMongoError as error:
                _log.warning("the live generation could not be read: %s", type(error).__name__)

    async def _reopen(self, row: Mapping[str, Any]) -> None:
        """Opens a generation again if its closing lasts too long, as the rebuild that closed it has died."""
        late = {"$lt": [{"$add": ["$until", _GRACE_MS]}, "$$NOW"]}
        stale = {"_id": LIVE, "state": "closing", "epoch": row["epoch"], "$expr": late}
        rows = self._mongo[GENERATIONS]
        if await rows.find_one(stale) is not None:
            await unlock(self._mongo, names_of(self._derived, row["number"]).values())
            await rows.update_one(stale, {"$set": {"state": "open"}, "$inc": {"epoch": 1}})
            _log.warning("a change of generation was given up")


async def lock(mongo: Mongo, collections: Iterable[str], milliseconds: int) -> bool:
    """Makes the database refuse every write to these collections.

    Returns:
        False if transactions that have touched one of them do not end within that time. The command waits
        for them, and transactions that begin meanwhile wait for the command.
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
    """Makes the database accept writes again."""
    for name in collections:
        try:
            await mongo.database.command({"collMod": name, "validator": {}})
        except OperationFailure as error:
            if error.code != _NOT_THERE:
                raise
