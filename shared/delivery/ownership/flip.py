"""The change of a part's standing: its document and every slot, in one transaction.

A transaction that decides writes a slot too, so it ends before the change, or finds out and writes nothing.
A process that sleeps with a slot in hand holds up nobody: its transaction is ended after two seconds.
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final, Literal

from pymongo.errors import OperationFailure

from shared.contract.asyncapi.roles import parts_of_service
from shared.contract.events.topics import PARTS, SOURCE_PARTS, SourcePart, source
from shared.delivery.consumer.markers import MARKERS
from shared.delivery.model.errors import Conflict
from shared.delivery.mongo.database import Document, Mongo, Transaction
from shared.delivery.mongo.leases import LEASES
from shared.delivery.outbox.lanes import processes_of
from shared.delivery.outbox.unpublished import OUTBOX_DEAD_LETTERS, OUTBOX_SET_ASIDE
from shared.delivery.ownership.standing import (
    OWNERSHIP,
    Key,
    Standing,
    document_id,
    first_document,
    names_of,
)
from shared.delivery.rebuild.generations import REBUILD_LEASE, owner_of
from shared.delivery.unit_of_work.unit_of_work import OUTBOX

# A transaction that is open for longer belongs to a process that sleeps or has died.
_IN_HAND_SECONDS: Final = 2.0
# MongoDB itself ends transactions after a minute, where our user may not.
_GIVE_UP_SECONDS: Final = 70.0
_PAUSE_SECONDS: Final = 0.05
_log = logging.getLogger(__name__)

# Why a standing is not changed.
#   other_epoch: the database knows a later epoch of the part.
#   rebuild: a rebuild of the service goes on.
#   marker: a marker of a later epoch stands in the log already.
#   restored: the database was restored, and does not know yet what was decided since.
Obstacle = Literal["other_epoch", "rebuild", "marker", "restored"]


class CannotFlip(Exception):
    """The standing stays as it was. The text is the code of the reason."""

    def __init__(self, why: Obstacle) -> None:
        super().__init__(why)
        self.why: Obstacle = why


async def stop_deciding(mongo: Mongo, locality: str, part: SourcePart, epoch: int) -> None:
    """Ends the decisions of a part in the epoch that is in force, in every process. Safe to repeat.

    Raises:
        CannotFlip: `other_epoch`, `rebuild`, or `restored`.
        PyMongoError, Transient: the database is away; the same call later does the rest.
    """
    await _turn(mongo, (locality, part), partial(_stop, (locality, part), epoch, during_rebuild=False))


async def stand_back(mongo: Mongo, locality: str, part: SourcePart, epoch: int) -> None:
    """Ends decisions that the table in force has ended already. See `stop_deciding`."""
    await _turn(mongo, (locality, part), partial(_stop, (locality, part), epoch, during_rebuild=True))


async def decides_again(mongo: Mongo, locality: str, part: SourcePart, epoch: int) -> None:
    """Undoes the flip, before the first marker. What came meanwhile is looked at. Safe to repeat.

    Raises:
        CannotFlip: `other_epoch`, `marker`, or `restored`.
        PyMongoError, Transient: the database is away; the same call later does the rest.
    """
    await _turn(mongo, (locality, part), partial(_undo, (locality, part), epoch))


async def take_over(
    mongo: Mongo, locality: str, part: SourcePart, epoch: int, since: datetime, *, looks: bool
) -> None:
    """Begins the decisions of an epoch whose markers have been passed. Safe to repeat, by any process.

    `since`: the time of the first marker. `looks`: open referrals have to be looked at.
    """
    begun = {"looked": not looks, "looked_to": "", "since": since}
    await _turn(mongo, (locality, part), partial(_begin, (locality, part), epoch, begun))


async def end_hold(mongo: Mongo, locality: str, part: SourcePart) -> None:
    """Ends the hold of a restored database: the part stands as before the restore, and is looked at.

    Safe to repeat, by any process.
    """
    await _turn(mongo, (locality, part), partial(_end_hold, (locality, part)))


async def outbox_left(mongo: Mongo, locality: str, part: SourcePart) -> int:
    """The rows of a part in its epoch that are not published, or never will be. Of every lane.

    Rows that wait, messages that were too large and rows that were set aside count too. To be asked after
    the flip, and read as the majority has it.

    Raises:
        PyMongoError: the database is away.
    """
    sources = [source(locality, part)] + [f"/{locality}/{name}" for name in names_of(part) if name != part]
    count: int = await mongo[OUTBOX].count_documents({"source": {"$in": sources}})
    standing = (await ownership_of(mongo, locality)).get(part, Standing())
    lost = {"source": {"$in": sources}, "epoch": standing.epoch}
    for collection in (OUTBOX_DEAD_LETTERS, OUTBOX_SET_ASIDE):
        count += await mongo[collection].count_documents(lost)
    return count


async def ownership_of(mongo: Mongo, locality: str) -> Mapping[SourcePart, Standing]:
    """The standings of the parts that this database's service runs, in a locality.

    Raises:
        PyMongoError: the database is away.
    """
    owner = await owner_of(mongo)
    parts = next((parts_of_service(name) for name in PARTS if name == owner), SOURCE_PARTS)
    named = {document_id((locality, part)): part for part in parts}
    rows = mongo[OWNERSHIP].find({"_id": {"$in": list(named)}})
    found = {named[row["_id"]]: Standing.of(row) async for row in rows}
    return {part: found.get(part, Standing()) for part in parts}


async def _stop(key: Key, epoch: int, tx: Transaction, *, during_rebuild: bool) -> None:
    standing = await _standing(key, tx)
    if standing.epoch > epoch:
        raise CannotFlip("other_epoch")
    if not during_rebuild:
        goes_on = {"_id": REBUILD_LEASE, "holder": {"$ne": ""}, "$expr": {"$gt": ["$until", "$$NOW"]}}
        if await tx[LEASES].find_one(goes_on, session=tx.session) is not None:
            raise CannotFlip("rebuild")
    await _write(key, tx, {"decides": False})


async def _undo(key: Key, epoch: int, tx: Transaction) -> None:
    standing = await _standing(key, tx)
    if standing.epoch != epoch:
        raise CannotFlip("other_epoch")
    locality, part = key
    later = {"locality": locality, "part": part, "epoch": {"$gt": epoch}}
    if await tx[MARKERS].find_one(later, session=tx.session) is not None:
        raise CannotFlip("marker")
    if not standing.decides:
        await _write(key, tx, {"decides": True}, {"looked": False, "looked_to": ""})


async def _begin(key: Key, epoch: int, begun: Document, tx: Transaction) -> None:
    if (await _standing(key, tx)).epoch < epoch:
        await _write(key, tx, {"epoch": epoch, "decides": True}, begun)


async def _end_hold(key: Key, tx: Transaction) -> None:
    row = await tx[OWNERSHIP].find_one({"_id": document_id(key)}, session=tx.session)
    if row is not None and row.get("held"):
        again = {"held": False, "looked": False, "looked_to": ""}
        await _write(key, tx, {"decides": row["decided"]}, again)


async def _standing(key: Key, tx: Transaction) -> Standing:
    row = await tx[OWNERSHIP].find_one({"_id": document_id(key)}, session=tx.session)
    if row is not None and row.get("held"):
        raise CannotFlip("restored")
    return Standing() if row is None else Standing.of(row)


async def _write(
    key: Key,
    tx: Transaction,
    everywhere: Document,
    in_document: Document | None = None,
) -> None:
    """Writes document and slots. Each is written even where it stays the same: the write is the fence."""
    first = first_document(key)
    fresh = {**everywhere, **(in_document or {})}
    change: dict[str, Any] = {
        "$set": fresh,
        "$inc": {"joins": 1},
        "$setOnInsert": {name: first[name] for name in first.keys() - fresh.keys() - {"_id"}},
    }
    documents = tx[OWNERSHIP]
    await documents.update_one({"_id": first["_id"]}, change, upsert=True, session=tx.session)
    slots = {"locality": key[0], "part": key[1], "lane": {"$exists": True}}
    change = {"$set": everywhere, "$inc": {"written": 1}}
    await documents.update_many(slots, change, session=tx.session)


async def _turn(mongo: Mongo, key: Key, work: Any) -> None:
    """Runs the change, and ends transactions of sleeping processes that hold one of the slots."""
    await mongo.make([OWNERSHIP])
    began = time.monotonic()
    while True:
        try:
            return await mongo.transact(work)
        except Conflict:
            waited = time.monotonic() - began
            if waited > _GIVE_UP_SECONDS:
                raise
            if waited > _IN_HAND_SECONDS:
                await _end_transactions(mongo)
        await asyncio.sleep(_PAUSE_SECONDS)


async def _end_transactions(mongo: Mongo) -> None:
    # Of every process, as one that sleeps in its first transaction has no slot yet.
    names = await processes_of(mongo)
    try:
        ended = await mongo.end_transactions_older_than(_IN_HAND_SECONDS, names)
    except OperationFailure as error:
        _log.warning("the transaction of a sleeping process is left: %s", type(error).__name__)
    else:
        if ended:
            _log.warning("ended %d transactions of processes that sleep", ended)
