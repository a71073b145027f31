"""Link workers of a casework that is owned elsewhere: its published list, in our own roster.

Booking reads hours, leave and practices from the roster, whoever owns casework. One process reads the list
once a minute, with its tag.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from pydantic import ValidationError
from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError, PyMongoError

from services.matching.clients.casework import CaseworkAway, CaseworkClient
from services.matching.collections import LINK_WORKERS, PUBLISHED
from services.matching.roster.link_workers import LinkWorker
from services.matching.roster.repository import worker_of
from shared.delivery.model.errors import Transient
from shared.delivery.mongo.database import Mongo, Row
from shared.platform.clock import Clock
from shared.platform.web.owners import Owner, Owners
from shared.platform.web.problem import Problem

EVERY: Final = timedelta(minutes=1)
_LOOK_SECONDS: Final = 5.0
_FIELDS: Final = frozenset(LinkWorker.model_fields)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Changes:
    """Differences between a published list and the roster.

    Attributes:
        entries: to store, those who have left among them.
        refused: entries that cannot be used; what the roster has of them stays.
    """

    entries: tuple[LinkWorker, ...]
    refused: int


def changes(
    published: Iterable[Any], stored: Mapping[str, LinkWorker], locality: str, *, again: bool = False
) -> Changes:
    """The changes that make the roster as the list. `again`: every entry, as earlier work was cut short.

    A link worker whom a list leaves out has left. A list in which nobody can be read changes nothing.
    """
    listed: set[str] = set()
    found: list[LinkWorker] = []
    refused = 0
    for each in published:
        worker = _read(each, locality)
        if worker is None:
            refused += 1
        else:
            found.append(worker)
        if isinstance(each, Mapping) and isinstance(each.get("id"), str):
            listed.add(each["id"])
    if not found:
        return Changes((), refused)
    changed = [worker for worker in found if again or stored.get(worker.id) != worker]
    left = [worker for name, worker in stored.items() if name not in listed and worker.active]
    gone = [worker.model_copy(update={"active": False}) for worker in left]
    return Changes((*changed, *gone), refused)


def _read(entry: Any, locality: str) -> LinkWorker | None:
    """The entry as the roster has it; None if it cannot be used. Unknown fields are ignored."""
    if not isinstance(entry, Mapping) or entry.get("locality") != locality:
        return None
    try:
        return LinkWorker.model_validate({name: entry[name] for name in entry if name in _FIELDS})
    except ValidationError:
        return None


@dataclass
class PublishedLinkWorkers:
    """Keeps the roster as casework's owners publish it. `adopt`: stores one entry, with what follows."""

    mongo: Mongo
    localities: Iterable[str]
    owners: Owners
    client: CaseworkClient
    adopt: Callable[[LinkWorker], Awaitable[None]]
    clock: Clock

    async def keep_reading(self) -> None:
        """Reads the lists for ever. Continues after a failure."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            for locality in tuple(self.localities):
                try:
                    await self.read(locality)
                except (PyMongoError, Transient, CaseworkAway) as error:
                    kind, where = type(error).__name__, {"locality": locality}
                    _log.warning("link workers were not read: %s", kind, extra=where)
                except Exception:  # the list of one locality must not stop the others
                    _log.exception("reading link workers failed", extra={"locality": locality})

    async def read(self, locality: str) -> None:
        """Reads a locality's list, if casework is owned elsewhere and no process did so within a minute.

        Raises:
            CaseworkAway: the owner does not answer.
        """
        owner = self.owners.elsewhere("casework", locality)
        if owner is None:
            return
        before = await self._claim(locality, owner)
        if before is None:
            return
        same = before.get("owner") == owner.name
        published = await self.client.link_workers(locality, before.get("tag") if same else None)
        if published is None:
            return
        await self._note(locality, owner, begun=True, tag=None)
        rows = self.mongo[LINK_WORKERS].find({"locality": locality})
        stored = {row["_id"]: worker_of(row) async for row in rows}
        found = changes(published.entries, stored, locality, again=bool(before.get("begun")))
        refused = found.refused
        for worker in found.entries:
            try:
                await self.adopt(worker)
            except Problem as problem:
                if problem.status_code == 503:
                    raise CaseworkAway from None  # The database is away: the next minute begins anew.
                refused += 1
        if refused or not published.entries:
            how_many = {"locality": locality, "refused": refused, "listed": len(published.entries)}
            _log.warning("published link workers cannot be used", extra=how_many)
        # Without a tag, the next minute reads all again: the owner may have put it right.
        await self._note(locality, owner, begun=False, tag=None if refused else published.tag)

    async def _claim(self, locality: str, owner: Owner) -> Row | None:
        """The state of before, if this process is to read the list now; else None."""
        now: datetime = self.clock()
        free = {"_id": locality, "$or": [{"at": {"$lte": now - EVERY}}, {"owner": {"$ne": owner.name}}]}
        try:
            row: Row | None = await self.mongo[PUBLISHED].find_one_and_update(
                free, {"$set": {"at": now}}, upsert=True, return_document=ReturnDocument.BEFORE
            )
        except DuplicateKeyError:
            return None  # Read within a minute.
        return row or {}

    async def _note(self, locality: str, owner: Owner, *, begun: bool, tag: str | None) -> None:
        state = {"owner": owner.name, "begun": begun, "tag": tag}
        await self.mongo[PUBLISHED].update_one({"_id": locality}, {"$set": state})
