"""Cover: a link worker may work on a colleague's case for some days, for a reason that they gave first.

A cover is kept after its end, since the case tells who opened it and why.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from pymongo import DESCENDING

from services.matching.collections import COVERS
from shared.delivery.mongo.database import Mongo, Row, Transaction

MAX_DAYS: Final = 14
# Covers that ended so long ago are no longer listed to the link worker of the case.
TOLD_FOR: Final = timedelta(days=14)


class CoverReason(StrEnum):
    """Reasons for opening a colleague's case."""

    AWAY = "away"
    ASKED = "asked"
    URGENT_CALL = "urgent_call"
    SAFEGUARDING = "safeguarding"
    TAKING_OVER = "taking_over"


@dataclass(frozen=True, slots=True)
class Cover:
    """One cover of one case.

    Attributes:
        link_worker: the colleague who covers.
        whose: the case's link worker when it was opened; None if it had none.
        until: the moment of its end, or of its being ended before.
    """

    cover_id: str
    locality: str
    referral_id: str
    link_worker: str
    whose: str | None
    reason: CoverReason
    at: datetime
    until: datetime

    def stands(self, now: datetime) -> bool:
        """True if the colleague may open the case now."""
        return self.at <= now < self.until

    def row(self) -> dict[str, Any]:
        """The cover as stored."""
        return {
            "_id": self.cover_id,
            "locality": self.locality,
            "referral": self.referral_id,
            "link_worker": self.link_worker,
            "whose": self.whose,
            "reason": self.reason.value,
            "at": self.at,
            "until": self.until,
        }


def cover_of(row: Row) -> Cover:
    """A cover from the stored document."""
    return Cover(
        row["_id"],
        row["locality"],
        row["referral"],
        row["link_worker"],
        row["whose"],
        CoverReason(row["reason"]),
        row["at"],
        row["until"],
    )


def standing(now: datetime) -> dict[str, Any]:
    """The filter of covers that stand."""
    return {"at": {"$lte": now}, "until": {"$gt": now}}


async def covers_case(mongo: Mongo, locality: str, referral_id: str, link_worker: str, now: datetime) -> bool:
    """True if this link worker covers the case now."""
    which = {"locality": locality, "referral": referral_id, "link_worker": link_worker, **standing(now)}
    return await mongo[COVERS].find_one(which, {"_id": 1}) is not None


async def covering_now(
    mongo: Mongo, locality: str, referrals: Sequence[str], now: datetime
) -> dict[str, list[str]]:
    """The link workers who cover these cases now, by referral."""
    which = {"locality": locality, "referral": {"$in": list(referrals)}, **standing(now)}
    found: dict[str, set[str]] = {}
    async for row in mongo[COVERS].find(which, {"referral": 1, "link_worker": 1}):
        found.setdefault(row["referral"], set()).add(row["link_worker"])
    return {referral: sorted(names) for referral, names in found.items()}


async def covers(mongo: Mongo, which: dict[str, Any], most: int = 200) -> list[Cover]:
    """The covers that match, the latest first."""
    found = mongo[COVERS].find(which).sort("at", DESCENDING).limit(most)
    return [cover_of(row) async for row in found]


async def drop_covers(tx: Transaction, locality: str, referrals: Sequence[str]) -> None:
    """Deletes the covers of referrals that a sandbox forgets."""
    which = {"locality": locality, "referral": {"$in": list(referrals)}}
    await tx[COVERS].delete_many(which, session=tx.session)
