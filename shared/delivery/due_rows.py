"""Due rows as they lie in the database: taken once, or left to rest for a while.

A row is due at its time, which is the programme's, and rests until a moment of the database's own clock: what
waits for twenty seconds waits so long also where the clock of whoever put it off is wrong by an hour, and is
not looked at sooner by whoever's clock is ahead. `v` counts the row's writes.
"""

from datetime import timedelta
from typing import Any, Final

from pymongo import UpdateOne
from pymongo.errors import PyMongoError

from shared.delivery.decision import DueRow
from shared.delivery.errors import NotNow
from shared.delivery.mongo import Document, Transaction, classified
from shared.delivery.round import DUE
from shared.delivery.worker import Worker

SENDING_LEASE: Final = timedelta(seconds=60)
"""For so long nobody else sends what somebody has begun to send."""
RESTED: Final[Document] = {"$expr": {"$lte": ["$rests", "$$NOW"]}}
"""Which rows do not rest: one that never did has nothing there, which comes before every time."""
_MOST_WAIT = timedelta(hours=1)
_ONE_MORE: Final[Document] = {"v": {"$add": [{"$ifNull": ["$v", 0]}, 1]}}


def as_due(row: Document) -> DueRow:
    """The row as its function sees it."""
    return DueRow(row["what"], row["about"], row["at"], row["payload"], row["attempt"])


def as_read(row: Document) -> Document:
    """Which row it is, as long as nobody has written it since it was read."""
    return {"_id": row["_id"], "v": row.get("v")}


async def taken(tx: Transaction, row: Document) -> bool:
    """Takes the row away; False where somebody else has, or has written it since it was read."""
    gone = await tx[DUE].delete_one(as_read(row), session=tx.session)
    return bool(gone.deleted_count == 1)


def hold(row: Document, lane: str) -> UpdateOne:
    """The write by which the process of this lane begins to send what the row asks for."""
    held = {"rests": _for(SENDING_LEASE), "by": lane, "attempt": {"$add": ["$attempt", 1]}, **_ONE_MORE}
    return UpdateOne(as_read(row), [{"$set": held}])


def held(row: Document) -> Document:
    """The row as `hold` has left it."""
    return row | {"v": (row.get("v") or 0) + 1}


async def put_off(worker: Worker[Any, Any], row: Document, why: str, later: NotNow | None = None) -> None:
    """Puts a row off for as long as `later` says, or else for twice as long each time, an hour at most.

    Raises:
        Transient: the database is away; the row stays due.
    """
    attempt = row["attempt"] + 1
    wait = min(timedelta(seconds=2 ** min(attempt, 12)), _MOST_WAIT)
    if later is not None and later.until is not None:
        put_off: Document = {"at": later.until, "rests": None}
    else:
        put_off = {"rests": _for((later.after if later else None) or wait)}
    written = {**put_off, "attempt": attempt, "why": why, **_ONE_MORE}
    change: list[Document] = [{"$set": written}, {"$unset": "by"}]
    try:
        await worker.mongo[DUE].update_one(as_read(row), change)
    except PyMongoError as error:
        raise classified(error) from error


async def give_back(worker: Worker[Any, Any], row: Document) -> None:
    """Makes a row due again, where this process has begun to send it.

    Raises:
        Transient: the database is away.
    """
    change = {"$set": {"rests": None}, "$unset": {"by": ""}, "$inc": {"v": 1}}
    try:
        await worker.mongo[DUE].update_one({"_id": row["_id"], "by": worker.lane}, change)
    except PyMongoError as error:
        raise classified(error) from error


def _for(wait: timedelta) -> Document:
    return {"$add": ["$$NOW", int(wait.total_seconds() * 1000)]}
