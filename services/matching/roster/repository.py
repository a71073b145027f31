"""Stores the entries of link workers.

A row holds the entry before its last change too (`before`), so that the change can be undone.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import orjson

from services.matching.collections import LINK_WORKERS, ROOMS
from services.matching.roster.link_workers import Leave, LinkWorker
from services.matching.roster.rooms import Room
from shared.delivery.mongo.database import Mongo, Transaction

_NOT_OF_ENTRY: Final = frozenset({"_id", "v", "before"})


@dataclass(frozen=True, slots=True)
class LastChange:
    """The last change of an entry, which made this version. `before`: None if the change added the entry."""

    version: int
    before: LinkWorker | None


def worker_of(row: Mapping[str, Any]) -> LinkWorker:
    """A link worker from the stored document."""
    return _read(orjson.dumps({"id": row["_id"], **{k: v for k, v in row.items() if k not in _NOT_OF_ENTRY}}))


@lru_cache(maxsize=8192)
def _read(entry: bytes) -> LinkWorker:
    # Each search and booking reads the same few entries, and checking their telephone numbers takes long.
    return LinkWorker.model_validate_json(entry)


def row_of(worker: LinkWorker, version: int, *, before: LinkWorker | None, may_undo: bool) -> dict[str, Any]:
    """The stored document of an entry. `before`: the entry until now, kept if the change may be undone."""
    row = {**worker.model_dump(mode="json", exclude={"id"}), "v": version}
    if may_undo:
        was = before.model_dump(mode="json") if before is not None else None
        row["before"] = {"v": version, "entry": was}
    return row


def change_in(row: Mapping[str, Any]) -> LastChange | None:
    """The last change of a stored entry, if the entry is still as that change left it."""
    kept = row.get("before")
    if kept is None or kept["v"] != row["v"]:
        return None
    was = kept["entry"]
    return LastChange(row["v"], LinkWorker.model_validate(was) if was is not None else None)


async def last_change(mongo: Mongo, link_worker: str) -> LastChange | None:
    """The last change of an entry, if it can be undone."""
    row = await mongo[LINK_WORKERS].find_one({"_id": link_worker})
    return change_in(row) if row is not None else None


async def link_workers(mongo: Mongo, ids: Collection[str]) -> dict[str, LinkWorker]:
    """Link workers by id."""
    found = mongo[LINK_WORKERS].find({"_id": {"$in": sorted(ids)}})
    return {row["_id"]: worker_of(row) async for row in found}


async def rooms_named(tx: Transaction, ids: Collection[str]) -> dict[str, Room]:
    """Rooms by id."""
    if not ids:
        return {}
    found = tx[ROOMS].find({"_id": {"$in": sorted(ids)}}, session=tx.session)
    return {row["_id"]: room_of(row) async for row in found}


def room_of(row: Mapping[str, Any]) -> Room:
    """A room from the stored document."""
    return Room.model_validate({"id": row["_id"], **{k: v for k, v in row.items() if k not in _NOT_OF_ENTRY}})


async def add_leave(tx: Transaction, link_worker: str, leave: Leave) -> None:
    """Adds days of absence to an entry."""
    await tx[LINK_WORKERS].update_one(
        {"_id": link_worker},
        {"$push": {"leave": leave.model_dump(mode="json", exclude_defaults=True)}, "$inc": {"v": 1}},
        session=tx.session,
    )


async def remove_leave(tx: Transaction, link_worker: str, leave: Leave) -> None:
    """Removes exactly this absence from an entry."""
    # A leave that an earlier release stored has two fields, and is the same as one with the others left out.
    which = {"first": leave.first.isoformat(), "last": leave.last.isoformat()}
    await tx[LINK_WORKERS].update_one(
        {"_id": link_worker},
        {"$pull": {"leave": which | {"half": leave.half}}, "$inc": {"v": 1}},
        session=tx.session,
    )
