"""Due rows as they lie in the database: taken once, or put off."""

from datetime import datetime, timedelta
from typing import Any

from pymongo.errors import PyMongoError

from shared.delivery.decision import DueRow
from shared.delivery.mongo import Document, Mongo, Transaction, classified
from shared.delivery.round import DUE
from shared.delivery.worker import Worker

SENDING_LEASE = timedelta(seconds=60)
"""For so long nobody else sends what somebody has begun to send."""
_MOST_WAIT = timedelta(hours=1)


def as_due(row: Document) -> DueRow:
    """The row as its function sees it."""
    return DueRow(row["what"], row["about"], row["at"], row["payload"], row["attempt"])


async def taken(tx: Transaction, row: Document) -> bool:
    """Takes the row away; False where somebody else has, or has given it another time, since it was read."""
    gone = await tx[DUE].delete_one({"_id": row["_id"], "at": row["at"]}, session=tx.session)
    return bool(gone.deleted_count == 1)


async def put_off(worker: Worker[Any, Any], row: Document, why: str, until: datetime | None = None) -> None:
    """Puts a row off until then, or twice as long each time, an hour at most.

    Raises:
        Transient: the database is away; the row stays due.
    """
    attempt = row["attempt"] + 1
    wait = min(timedelta(seconds=2 ** min(attempt, 12)), _MOST_WAIT)
    put_off_until = until or worker.clock() + wait
    change = {"$set": {"at": put_off_until, "attempt": attempt, "why": why}, "$unset": {"by": ""}}
    try:
        await worker.mongo[DUE].update_one({"_id": row["_id"], "at": row["at"]}, change)
    except PyMongoError as error:
        raise classified(error) from error


async def give_back(worker: Worker[Any, Any], row: Document) -> None:
    """Makes a row due as it was, where this process has begun to send it.

    Raises:
        Transient: the database is away.
    """
    change = {"$set": {"at": row["at"]}, "$unset": {"by": ""}}
    try:
        await worker.mongo[DUE].update_one({"_id": row["_id"], "by": worker.lane}, change)
    except PyMongoError as error:
        raise classified(error) from error


async def free_sends_of(mongo: Mongo, lane: str, now: datetime) -> None:
    """What a dead process had begun to send is sent in a minute, whatever its own clock made of that."""
    await mongo[DUE].update_many({"by": lane}, {"$min": {"at": now + SENDING_LEASE}})
