"""One-tap links that have ended, and the wrong codes entered with each.

A link is one generation of a prescription's links: a new one takes the place of one that has ended. A try is
counted before its code is looked at, so that many at once are not more than many in turn.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from pymongo import ReturnDocument

from services.matching.collections import LINKS
from shared.delivery.mongo.database import Mongo, Row
from shared.platform.clock import Clock

# Wrong codes that end a link, whichever codes were sent meanwhile.
MAX_WRONG_CODES: Final = 20
# Longer than any link works.
_KEPT: Final = timedelta(days=400)


class Ended(StrEnum):
    """Why a link has ended before its time."""

    WRONG_CODES = "wrong_codes"
    LINK_WORKER = "link_worker"
    # A newer link was sent in its place.
    REPLACED = "replaced"


class LinkEnded(Exception):
    """The link has ended before its time. Says why."""

    def __init__(self, why: Ended) -> None:
        super().__init__(why.value)
        self.why = why


@dataclass(frozen=True, slots=True)
class LinkState:
    """State of the links of one prescription. `settled`: the link worker has seen why it ended."""

    referral: str = ""
    generation: int = 0
    ended_at: datetime | None = None
    why: Ended | None = None
    settled: bool = False

    @property
    def alerts(self) -> bool:
        """The link worker has yet to see to it."""
        return self.why is Ended.WRONG_CODES and not self.settled


@dataclass(frozen=True, slots=True)
class LinkKey:
    """One link: of this prescription of this referral, in this generation."""

    locality: str
    referral: str
    prescription: str
    generation: int

    @property
    def of(self) -> str:
        return _id(self.locality, self.prescription)


class LinkStates:
    """The states of links, by prescription. One that nothing happened to has no row."""

    def __init__(self, mongo: Mongo, clock: Clock) -> None:
        self._mongo = mongo
        self._clock = clock

    async def state(self, locality: str, prescription: str) -> LinkState:
        """The state of the links of a prescription."""
        row = await self._mongo[LINKS].find_one({"_id": _id(locality, prescription)})
        return _state(row) if row else LinkState()

    async def ended(self, referrals: Sequence[str]) -> dict[str, LinkState]:
        """The links of these referrals that have ended, by prescription."""
        wanted = {"referral": {"$in": list(referrals)}, "ended_at": {"$ne": None}}
        return {row["prescription"]: _state(row) async for row in self._mongo[LINKS].find(wanted)}

    async def alerting(self, localities: Collection[str]) -> list[str]:
        """The referrals in these localities whose link worker has yet to see to a link."""
        wanted = {"locality": {"$in": sorted(localities)}, "why": Ended.WRONG_CODES.value, "settled": False}
        found: list[str] = await self._mongo[LINKS].distinct("referral", wanted)
        return found

    async def check(self, locality: str, prescription: str, generation: int) -> None:
        """Raises LinkEnded for a link of an earlier generation, and for one that has ended."""
        state = await self.state(locality, prescription)
        if generation != state.generation:
            raise LinkEnded(Ended.REPLACED)
        if state.why is not None:
            raise LinkEnded(state.why)

    async def begin_try(self, link: LinkKey) -> bool:
        """Counts a try with a code; False where none are left, and its code must not be looked at."""
        await self._kept(link)
        counted = await self._mongo[LINKS].update_one(
            {**_standing(link), "tries": {"$lt": MAX_WRONG_CODES}}, {"$inc": {"tries": 1}}
        )
        return bool(counted.modified_count)

    async def was_no_try(self, link: LinkKey) -> None:
        """The code was right, or there was none to be wrong about: the try is given back."""
        await self._mongo[LINKS].update_one(
            {"_id": link.of, "generation": link.generation, "tries": {"$gt": 0}}, {"$inc": {"tries": -1}}
        )

    async def was_wrong(self, link: LinkKey) -> bool:
        """Counts a wrong code. True for the one that ended the link."""
        row = await self._mongo[LINKS].find_one_and_update(
            _standing(link), {"$inc": {"wrong": 1}}, return_document=ReturnDocument.AFTER
        )
        if row is None:
            return False
        return row["wrong"] >= MAX_WRONG_CODES and await self.end(link, Ended.WRONG_CODES)

    async def end(self, link: LinkKey, why: Ended) -> bool:
        """Ends a link; False where it has ended already."""
        await self._kept(link)
        now = self._clock()
        change = {"ended_at": now, "why": why.value, "settled": False, "forget_at": now + _KEPT}
        done = await self._mongo[LINKS].update_one(_standing(link), {"$set": change})
        return bool(done.modified_count)

    async def renew(self, locality: str, prescription: str) -> int | None:
        """The generation of a new link in place of one that has ended; None where none has."""
        change = {
            "$inc": {"generation": 1},
            "$set": {"ended_at": None, "why": None, "settled": False, "tries": 0, "wrong": 0},
        }
        row = await self._mongo[LINKS].find_one_and_update(
            {"_id": _id(locality, prescription), "ended_at": {"$ne": None}},
            change,
            return_document=ReturnDocument.AFTER,
        )
        return int(row["generation"]) if row else None

    async def settle(self, locality: str, prescription: str) -> None:
        """The link worker has seen that it ended, and leaves it so."""
        await self._mongo[LINKS].update_one(
            {"_id": _id(locality, prescription), "ended_at": {"$ne": None}}, {"$set": {"settled": True}}
        )

    async def _kept(self, link: LinkKey) -> None:
        """The row of a link to which something happens for the first time."""
        begun = {
            "locality": link.locality,
            "referral": link.referral,
            "prescription": link.prescription,
            "generation": 0,
            "tries": 0,
            "wrong": 0,
            "ended_at": None,
            "why": None,
            "settled": False,
        }
        kept = {"$setOnInsert": begun, "$set": {"forget_at": self._clock() + _KEPT}}
        await self._mongo[LINKS].update_one({"_id": link.of}, kept, upsert=True)


def _standing(link: LinkKey) -> dict[str, object]:
    return {"_id": link.of, "generation": link.generation, "ended_at": None}


def _state(row: Row) -> LinkState:
    return LinkState(
        referral=row["referral"],
        generation=row["generation"],
        ended_at=row["ended_at"],
        why=Ended(row["why"]) if row["why"] else None,
        settled=row["settled"],
    )


def _id(locality: str, prescription: str) -> str:
    return f"{locality}/{prescription}"
