"""Due rows as they lie in the database: taken once, or left to rest for a while.

A row is due at its time, which is the programme's, and may rest until a moment of the database's own clock
(`rests`). `v` counts the row's writes.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from pymongo import UpdateOne
from pymongo.errors import PyMongoError

from shared.delivery.model.decision import TaskRow
from shared.delivery.model.errors import RetryLater
from shared.delivery.mongo.database import Document, Row, Transaction, classified
from shared.delivery.mongo.server_time import NEXT_VERSION, server_now_plus
from shared.delivery.unit_of_work.context import ServiceContext
from shared.delivery.unit_of_work.unit_of_work import TASKS

SENDING_LEASE: Final = timedelta(seconds=60)
"""For so long nobody else sends what somebody has begun to send."""
_MOST_WAIT: Final = timedelta(hours=1)


class Gone(Exception):
    """A due row is not there any more as it was read."""


def as_task(row: Document) -> TaskRow:
    """The row as its function sees it."""
    return TaskRow(row["what"], row["about"], row["at"], row["payload"], row["attempt"])


def as_read(row: Row) -> Document:
    """Which row it is, as long as nobody has written it since it was read, or made it anew under its key."""
    return {"_id": row["_id"], "v": row.get("v"), "at": row["at"]}


def due_since(row: Row) -> datetime:
    """When it came due: at its time, or when it had rested."""
    at: datetime = row["at"]
    return max(at, row.get("not_before") or at)


async def delete_task(tx: Transaction, row: Document) -> bool:
    """Takes the row away; False where somebody else has, or has written it since it was read."""
    gone = await tx[TASKS].delete_one(as_read(row), session=tx.session)
    return bool(gone.deleted_count == 1)


async def delete_tasks(tx: Transaction, rows: Sequence[Document]) -> None:
    """Takes all of them away.

    Raises:
        Gone: somebody else has taken one, or has written it since it was read.
    """
    gone = await tx[TASKS].delete_many({"$or": [as_read(row) for row in rows]}, session=tx.session)
    if gone.deleted_count != len(rows):
        raise Gone


def claim(row: Document, lane: str) -> UpdateOne:
    """The write by which the process of this lane begins to send what the row asks for."""
    claimed = {
        "not_before": server_now_plus(SENDING_LEASE),
        "claimed_by": lane,
        "attempt": {"$add": ["$attempt", 1]},
        **NEXT_VERSION,
    }
    return UpdateOne(as_read(row), [{"$set": claimed}])


def claimed(row: Document) -> Document:
    """The row as `claim` has left it."""
    return row | {"v": (row.get("v") or 0) + 1}


async def reschedule(
    worker: ServiceContext[Any, Any], row: Document, why: str, later: RetryLater | None = None
) -> None:
    """Puts a row off for as long as `later` says, or else for twice as long each time, an hour at most.

    Raises:
        Transient: the database is away; the row stays due.
    """
    attempt = row["attempt"] + 1
    wait = min(timedelta(seconds=2 ** min(attempt, 12)), _MOST_WAIT)
    if later is not None and later.until is not None:
        until: Document = {"at": later.until, "not_before": None}
    else:
        until = {"not_before": server_now_plus((later.after if later else None) or wait)}
    written = {**until, "attempt": attempt, "why": why, **NEXT_VERSION}
    change: list[Document] = [{"$set": written}, {"$unset": "claimed_by"}]
    try:
        await worker.mongo[TASKS].update_one(as_read(row), change)
    except PyMongoError as error:
        raise classified(error) from error


async def run_now(tx: Transaction, rows: Sequence[str], at: datetime) -> None:
    """These rows, by their ids, are looked at now: whatever they rested for has come about."""
    change = {"$set": {"at": at, "not_before": None}, "$inc": {"v": 1}}
    await tx[TASKS].update_many({"_id": {"$in": list(rows)}}, change, session=tx.session)


async def release(worker: ServiceContext[Any, Any], row: Document) -> None:
    """Makes a row due again, where this process has begun to send it.

    Raises:
        Transient: the database is away.
    """
    change = {"$set": {"not_before": None}, "$unset": {"claimed_by": ""}, "$inc": {"v": 1}}
    try:
        await worker.mongo[TASKS].update_one({"_id": row["_id"], "claimed_by": worker.lane}, change)
    except PyMongoError as error:
        raise classified(error) from error
