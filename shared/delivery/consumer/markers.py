"""Stores the markers of hand-overs. By them, the place of a fact in its partition tells its epoch."""

from collections.abc import Sequence
from functools import partial
from typing import Final

from pymongo import UpdateOne

from shared.contract.events.marker import Marker
from shared.delivery.dlq.dead_letters import Record
from shared.delivery.mongo.database import Mongo, Transaction

MARKERS: Final = "markers"
Placed = tuple[Marker, Record]


async def store_markers(mongo: Mongo, markers: Sequence[Placed]) -> None:
    """Stores markers in a transaction of their own, before the facts that follow them. Safe to repeat.

    Raises:
        Transient: the database is away, or another write came first.
    """
    await mongo.transact(partial(write_markers, markers))


async def write_markers(markers: Sequence[Placed], tx: Transaction) -> None:
    """Writes markers. Of one that was written twice into a partition, the first place counts."""
    if markers:
        writes = [_write(marker, record) for marker, record in markers]
        await tx[MARKERS].bulk_write(writes, session=tx.session)


def _write(marker: Marker, record: Record) -> UpdateOne:
    body = marker.body
    row = {
        "locality": body.locality,
        "part": body.part,
        "epoch": body.epoch,
        "owner": body.owner,
        "time": marker.time,
        "topic": record.topic,
        "partition": record.partition,
    }
    key = {"_id": f"{record.topic}/{record.partition}/{body.part}/{body.epoch}"}
    return UpdateOne(key, {"$setOnInsert": row, "$min": {"offset": record.offset}}, upsert=True)
