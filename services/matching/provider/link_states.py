"""One-tap links that have ended, and the wrong codes entered with each.

A link is one generation of a prescription's links: a new link replaces an ended one. A try is counted before
its code is checked, so that simultaneous tries get no more than successive ones.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from pymongo import ReturnDocument

from services.matching.collections import LINKS
from shared.delivery.mongo.database import Mongo, Row, Transaction
from shared.platform.clock import Clock

# Wrong codes that end a link, however many codes were sent meanwhile.
MAX_WRONG_CODES: Final = 20
# Longer than any link works.
_KEPT: Final = timedelta(days=400)


class Ended(StrEnum):
    """The reason why a link has ended before its time."""

    WRONG_CODES = "wrong_codes"
    LINK_WORKER = "link_worker"
    # A newer link was sent in its place.
    REPLACED = "replaced"


class LinkEnded(Exception):
    """The link has ended before its time; with the reason."""

    def __init__(self, why: Ended) -> None:
        super().__init__(why.value)
        self.why = why


@dataclass(frozen=True, slots=True)
class LinkState:
    """State of the links of one prescription. `settled`: the link worker has seen the reason of the end."""

    referral: str = ""
    generation: int = 0
    ended_at: datetime | None = None
    why: Ended | None = None
    settled: bool = False

    @property
    def alerts(self) -> bool:
        """True if the link worker has not seen the end yet."""
        return self.why is Ended.WRONG_CODES and not self.settled


@dataclass(frozen=True, slots=True)
class LinkKey:
    """One link: the prescription of a referral, and the generation."""

    locality: str
    referral: str
    prescription: str
    generation: int

    @property
    def of(self) -> str:
        """The id of the stored state, the same for all generations."""
        return _id(self.locality, self.prescription)


class LinkStates:
    """The states of links, by prescription. A link without any incident has no row."""

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
        """The referrals in these localities with a link whose end the link worker has not seen."""
        wanted = {"locality": {"$in": sorted(localities)}, "why": Ended.WRONG_CODES.value, "settled": False}
        found: list[str] = await self._mongo[LINKS].distinct("referral", wanted)
        return found

    async def check(self, locality: str, prescription: str, generation: int) -> None:
        """Raises LinkEnded for a link that has ended or is of an earlier generation."""
        state = await self.state(locality, prescription)
        if generation != state.generation:
            raise LinkEnded(Ended.REPLACED)
        if state.why is not None:
            raise LinkEnded(state.why)

    async def begin_try(self, link: LinkKey) -> bool:
        """Counts a try with a code; False if none are left, and then the code must not be checked."""
        await self._kept(link)
        counted = await self._mongo[LINKS].update_one(
            {**_standing(link), "tries": {"$lt": MAX_WRONG_CODES}}, {"$inc": {"tries": 1}}
        )
        return bool(counted.modified_count)

    async def was_no_try(self, link: LinkKey) -> None:
        """Takes a try back: the code was right, or there was no code to compare with."""
        await self._mongo[LINKS].update_one(
            {"_id": link.of, "generation": link.generation, "tries": {"$gt": 0}}, {"$inc": {"tries": -1}}
        )

    async def was_wrong(self, link: LinkKey) -> bool:
        """Counts a wrong code. True if it ended the link."""
        row = await self._mongo[LINKS].find_one_and_update(
            _standing(link), {"$inc": {"wrong": 1}}, return_document=ReturnDocument.AFTER
        )
        if row is None:
            return False
        return row["wrong"] >= MAX_WRONG_CODES and await self.end(link, Ended.WRONG_CODES)

    async def end(self, link: LinkKey, why: Ended, tx: Transaction | None = None) -> bool:
        """Ends a link, in a transaction if one is given; False if it has ended already."""
        tx = tx or self._mongo.outside()
        await self._kept(link, tx)
        now = self._clock()
        change = {"ended_at": now, "why": why.value, "settled": False, "forget_at": now + _KEPT}
        done = await tx[LINKS].update_one(_standing(link), {"$set": change}, session=tx.session)
        return bool(done.modified_count)

    async def renew(self, locality: str, prescription: str, tx: Transaction | None = None) -> int | None:
        """The generation of a new link in place of an ended one; None if no link has ended."""
        change = {
            "$inc": {"generation": 1},
            "$set": {"ended_at": None, "why": None, "settled": False, "tries": 0, "wrong": 0},
        }
        tx = tx or self._mongo.outside()
        row = await tx[LINKS].find_one_and_update(
            {"_id": _id(locality, prescription), "ended_at": {"$ne": None}},
            change,
            return_document=ReturnDocument.AFTER,
            session=tx.session,
        )
        return int(row["generation"]) if row else None

    async def settle(self, locality: str, prescription: str, tx: Transaction | None = None) -> bool:
        """Records that the link worker has seen the end of the link and leaves it ended; False if known."""
        tx = tx or self._mongo.outside()
        done = await tx[LINKS].update_one(
            {"_id": _id(locality, prescription), "ended_at": {"$ne": None}},
            {"$set": {"settled": True}},
            session=tx.session,
        )
        return bool(done.modified_count)

    async def _kept(self, link: LinkKey, tx: Transaction | None = None) -> None:
        """Stores the row of a link at its first incident."""
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
        tx = tx or self._mongo.outside()
        await tx[LINKS].update_one({"_id": link.of}, kept, upsert=True, session=tx.session)


async def drop_links(tx: Transaction, locality: str, referrals: Sequence[str]) -> None:
    """Deletes the states of the links of these referrals."""
    which = {"locality": locality, "referral": {"$in": list(referrals)}}
    await tx[LINKS].delete_many(which, session=tx.session)


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
