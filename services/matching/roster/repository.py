"""Stores the entries of link workers."""

from collections.abc import Collection, Mapping
from typing import Any

from services.matching.collections import LINK_WORKERS
from services.matching.roster.link_workers import Leave, LinkWorker
from shared.delivery.mongo.database import Mongo, Transaction


def worker_of(row: Mapping[str, Any]) -> LinkWorker:
    """A link worker from the stored document."""
    return LinkWorker.model_validate(
        {"id": row["_id"], **{k: v for k, v in row.items() if k not in ("_id", "v")}}
    )


async def link_workers(mongo: Mongo, ids: Collection[str]) -> dict[str, LinkWorker]:
    """Link workers by id."""
    found = mongo[LINK_WORKERS].find({"_id": {"$in": sorted(ids)}})
    return {row["_id"]: worker_of(row) async for row in found}


async def add_leave(tx: Transaction, link_worker: str, leave: Leave) -> None:
    """Adds days of absence to an entry."""
    await tx[LINK_WORKERS].update_one(
        {"_id": link_worker},
        {"$push": {"leave": leave.model_dump(mode="json")}, "$inc": {"v": 1}},
        session=tx.session,
    )


async def remove_leave(tx: Transaction, link_worker: str, leave: Leave) -> None:
    """Removes exactly these days of absence from an entry."""
    await tx[LINK_WORKERS].update_one(
        {"_id": link_worker},
        {"$pull": {"leave": leave.model_dump(mode="json")}, "$inc": {"v": 1}},
        session=tx.session,
    )
