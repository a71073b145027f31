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
from shared.delivery.mongo.server_time import ONE_MORE, server_now_plus
from shared.delivery.unit_of_work.context import ServiceContext
from shared.delivery.unit_of_work.unit_of_work import TASKS

SENDING_LEASE: Final = timedelta(seconds=60)
"""For so long nobody else sends what somebody has begun to send."""
_MOST_WAIT: Final = timedelta(hours=1)


class Gone(Exception):
    """A due row is not there any more as it was read."""


def as_due(row: Document) -> TaskRow:
    """The row as its function sees it."""
    return TaskRow(row["what"], row["about"], row["at"], row["payload"], row["attempt"])


def as_read(row: Row) -> Document:
    """Which row it is, as long as nobody has written it since it was read, or made it anew under its key."""
    return {"_id": row["_id"], "v": row.get("v"), "at": row["at"]}


def due_since(row: Row) -> datetime:
    """When it came due: at its time, or when it had rested."""
    at: datetime = row["at"]
    return max(at, row.get("rests") or at)


async def taken(tx: Transaction, row: Document) -> bool:
    """Takes the row away; False where somebody else has, or has written it since it was read."""
    gone = await tx[TASKS].delete_one(as_read(row), session=tx.session)
    return bool(gone.deleted_count == 1)


async def take(tx: Transaction, rows: Sequence[Document]) -> None:
    """Takes all of them away.

    Raises:
        Gone: somebody else has taken one, or has written it since it was read.
    """
    gone = await tx[TASKS].delete_many({"$or": [as_read(row) for row in rows]}, session=tx.session)
    if gone.deleted_count != len(rows):
        raise Gone


def hold(row: Document, lane: str) -> UpdateOne:
    """The write by which the process of this lane begins to send what the row asks for."""
    held = {
        "rests": server_now_plus(SENDING_LEASE),
        "by": lane,
        "attempt": {"$add": ["$attempt", 1]},
        **ONE_MORE,
    }
    return UpdateOne(as_read(row), [{"$set": held}])


def held(row: Document) -> Document:
    """The row as `hold` has left it."""
    return row | {"v": (row.get("v") or 0) + 1}


async def put_off(
    worker: ServiceContext[Any, Any], row: Document, why: str, later: RetryLater | None = None
) -> None:
    """Puts a row off for as long as `later` says, or else for twice as long each time, an hour at most.

    Raises:
        Transient: the database is away; the row stays due.
    """
    attempt = row["attempt"] + 1
    wait = min(timedelta(seconds=2 ** min(attempt, 12)), _MOST_WAIT)
    if later is not None and later.until is not None:
        until: Document = {"at": later.until, "rests": None}
    else:
        until = {"rests": server_now_plus((later.after if later else None) or wait)}
    written = {**until, "attempt": attempt, "why": why, **ONE_MORE}
    change: list[Document] = [{"$set": written}, {"$unset": "by"}]
    try:
        await worker.mongo[TASKS].update_one(as_read(row), change)
    except PyMongoError as error:
        raise classified(error) from error


async def make_due(tx: Transaction, rows: Sequence[str], at: datetime) -> None:
    """These rows, by their ids, are looked at now: whatever they rested for has come about."""
    change = {"$set": {"at": at, "rests": None}, "$inc": {"v": 1}}
    await tx[TASKS].update_many({"_id": {"$in": list(rows)}}, change, session=tx.session)


async def give_back(worker: ServiceContext[Any, Any], row: Document) -> None:
    """Makes a row due again, where this process has begun to send it.

    Raises:
        Transient: the database is away.
    """
    change = {"$set": {"rests": None}, "$unset": {"by": ""}, "$inc": {"v": 1}}
    try:
        await worker.mongo[TASKS].update_one({"_id": row["_id"], "by": worker.lane}, change)
    except PyMongoError as error:
        raise classified(error) from error
