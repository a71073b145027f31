"""Stores hand-overs, one row a case, so that each can be shown and undone for a day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from pymongo import ASCENDING, DESCENDING

from services.matching.collections import HAND_OVERS
from shared.delivery.mongo.database import Mongo, Row, Transaction
from shared.platform.web.principal import Principal

UNDO_WITHIN: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Handed:
    """A case that went to another link worker.

    Attributes:
        before: its link worker before; None if it had none.
        met_at: the time of the meeting that was to come, if any.
        undone_at: the moment at which it was taken back.
    """

    batch: str
    locality: str
    referral_id: str
    before: str | None
    to: str
    by: str
    at: datetime
    met_at: datetime | None
    undone_at: datetime | None


async def record_hand_over(
    tx: Transaction, caller: Principal, batch: str, row: Row, to: str, now: datetime
) -> None:
    """Records the hand-over in the transaction that decides it. `row`: the case before it."""
    view = row["view"]
    active = next((m for m in view["meetings"] if m["id"] == view["active"]), None)
    coming = active["starts_at"] if active and active["starts_at"] > now else None
    kept = {
        "batch": batch,
        "locality": row["locality"],
        "referral": row["referral"],
        "before": view["link_worker"],
        "to": to,
        "by": caller.subject,
        "at": now,
        "met_at": coming,
        "undone_at": None,
    }
    await tx[HAND_OVERS].replace_one(
        {"_id": f"{batch}:{row['referral']}"}, kept, upsert=True, session=tx.session
    )


async def record_undone(tx: Transaction, handed: Handed, now: datetime) -> None:
    """Records that a case was taken back."""
    await tx[HAND_OVERS].update_one(
        {"_id": f"{handed.batch}:{handed.referral_id}"}, {"$set": {"undone_at": now}}, session=tx.session
    )


async def handed_in(mongo: Mongo, batch: str) -> list[Handed]:
    """The cases of a hand-over."""
    found = mongo[HAND_OVERS].find({"batch": batch}).sort("_id", ASCENDING)
    return [_handed(row) async for row in found]


async def handed_lately(mongo: Mongo, locality: str, link_worker: str, now: datetime) -> list[Handed]:
    """The cases of the last day that went from this link worker to another one, the latest first."""
    which = {"locality": locality, "before": link_worker, "at": {"$gt": now - UNDO_WITHIN}, "undone_at": None}
    return [_handed(row) async for row in mongo[HAND_OVERS].find(which).sort("at", DESCENDING)]


async def drop_hand_overs(tx: Transaction, locality: str, referrals: Sequence[str]) -> None:
    """Deletes the hand-overs of referrals that a sandbox forgets."""
    which = {"locality": locality, "referral": {"$in": list(referrals)}}
    await tx[HAND_OVERS].delete_many(which, session=tx.session)


def _handed(row: Row) -> Handed:
    return Handed(
        row["batch"],
        row["locality"],
        row["referral"],
        row["before"],
        row["to"],
        row["by"],
        row["at"],
        row["met_at"],
        row["undone_at"],
    )
