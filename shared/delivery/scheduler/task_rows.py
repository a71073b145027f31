"""Rows of scheduled tasks: deleted once, claimed, or rescheduled.

A task runs at its time, by the programme's clock, and not before `not_before`, by the database's clock. `v`
counts the row's writes.
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
from shared.delivery.ownership.standing import epoch_of
from shared.delivery.unit_of_work.context import ServiceContext
from shared.delivery.unit_of_work.unit_of_work import TASKS

# No other process sends a claimed task for so long.
SENDING_LEASE: Final = timedelta(seconds=60)
_MAX_DELAY: Final = timedelta(hours=1)


class Gone(Exception):
    """A task's row was deleted or written since it was read."""


def as_task(row: Document) -> TaskRow:
    """The task as its function receives it."""
    return TaskRow(row["what"], row["about"], row["at"], row["payload"], row["attempt"])


def as_read(row: Row) -> Document:
    """A filter that finds the row only if it was neither written nor made anew since it was read."""
    return {"_id": row["_id"], "v": row.get("v"), "at": row["at"]}


def due_since(row: Row) -> datetime:
    """The time since which the task may run."""
    at: datetime = row["at"]
    return max(at, row.get("not_before") or at)


def is_void(row: Row, epoch: int) -> bool:
    """True if a decision was scheduled in another epoch of its part: the owner between may have made it."""
    return epoch_of(row) != epoch


async def delete_task(tx: Transaction, row: Document) -> bool:
    """Deletes the row; returns False if it was deleted or written since it was read."""
    gone = await tx[TASKS].delete_one(as_read(row), session=tx.session)
    return bool(gone.deleted_count == 1)


async def delete_tasks(tx: Transaction, rows: Sequence[Document]) -> None:
    """Deletes all of the rows.

    Raises:
        Gone: one of them was deleted or written since it was read.
    """
    gone = await tx[TASKS].delete_many({"$or": [as_read(row) for row in rows]}, session=tx.session)
    if gone.deleted_count != len(rows):
        raise Gone


def claim(row: Document, lane: str) -> UpdateOne:
    """The write with which the process of this lane claims the row, before it sends."""
    change = {
        "not_before": server_now_plus(SENDING_LEASE),
        "claimed_by": lane,
        "attempt": {"$add": ["$attempt", 1]},
        **NEXT_VERSION,
    }
    return UpdateOne(as_read(row), [{"$set": change}])


def claimed(row: Document) -> Document:
    """The row as `claim` has left it."""
    return row | {"v": (row.get("v") or 0) + 1}


async def reschedule(
    context: ServiceContext[Any, Any], row: Document, reason: str, later: RetryLater | None = None
) -> None:
    """Delays a task for as long as `later` says; else twice as long after each attempt, an hour at most.

    Raises:
        Transient: the database is away; the task stays due.
    """
    attempt = row["attempt"] + 1
    delay = min(timedelta(seconds=2 ** min(attempt, 12)), _MAX_DELAY)
    if later is not None and later.until is not None:
        until: Document = {"at": later.until, "not_before": None}
    else:
        until = {"not_before": server_now_plus((later.after if later else None) or delay)}
    written = {**until, "attempt": attempt, "why": reason, **NEXT_VERSION}
    change: list[Document] = [{"$set": written}, {"$unset": "claimed_by"}]
    try:
        await context.mongo[TASKS].update_one(as_read(row), change)
    except PyMongoError as error:
        raise classified(error) from error


async def run_now(tx: Transaction, ids: Sequence[str], at: datetime) -> None:
    """Makes these tasks due at once, because the cause of their delay is over."""
    change = {"$set": {"at": at, "not_before": None}, "$inc": {"v": 1}}
    await tx[TASKS].update_many({"_id": {"$in": list(ids)}}, change, session=tx.session)


async def release(context: ServiceContext[Any, Any], row: Document) -> None:
    """Makes a task due again, if this process has claimed it.

    Raises:
        Transient: the database is away.
    """
    change = {"$set": {"not_before": None}, "$unset": {"claimed_by": ""}, "$inc": {"v": 1}}
    try:
        await context.mongo[TASKS].update_one({"_id": row["_id"], "claimed_by": context.lane}, change)
    except PyMongoError as error:
        raise classified(error) from error
