"""Localities in which a feed is offered: those of its owner, and those whose own team accepted it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from services.matching.collections import FEEDS
from shared.delivery.mongo.database import Mongo, Transaction
from shared.platform.web.principal import Principal


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed, its owners and its offers. `owners`: localities, or "*" for all of them."""

    name: str
    owners: tuple[str, ...]
    offered: tuple[str, ...]


class Feeds:
    """The feeds of the directory.

    A feed that a service brings for all localities is offered nowhere at first.
    """

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def named(self, name: str) -> Feed | None:
        """One feed; None for a new one."""
        row = await self._mongo[FEEDS].find_one({"_id": name})
        return _feed(row) if row else None

    async def all(self) -> list[Feed]:
        """Every feed, by name."""
        return [_feed(row) async for row in self._mongo[FEEDS].find({}).sort("_id", 1)]

    async def offered_in(self, localities: Iterable[str]) -> list[str]:
        """The names of the feeds that are offered in any of these localities."""
        which = {"offered": {"$in": sorted(localities)}}
        return [row["_id"] async for row in self._mongo[FEEDS].find(which, {"_id": 1})]

    async def keep(self, tx: Transaction, name: str, by: Principal) -> None:
        """Stores a new feed as the caller's, in their transaction. An existing feed keeps its owner."""
        theirs = sorted(by.localities)
        offered = [slug for slug in theirs if slug != "*"]
        fresh = {"owners": theirs, "offered": offered}
        await tx[FEEDS].update_one({"_id": name}, {"$setOnInsert": fresh}, upsert=True, session=tx.session)

    async def accept(self, tx: Transaction, name: str, localities: Iterable[str]) -> bool:
        """Offers the feed in these localities too; False for an unknown feed."""
        change = {"$addToSet": {"offered": {"$each": sorted(localities)}}}
        done = await tx[FEEDS].update_one({"_id": name}, change, session=tx.session)
        return bool(done.matched_count)

    async def withdraw(self, tx: Transaction, name: str, localities: Iterable[str]) -> bool:
        """Ends the offer of the feed in these localities; False for an unknown feed."""
        change = {"$pull": {"offered": {"$in": sorted(localities)}}}
        done = await tx[FEEDS].update_one({"_id": name}, change, session=tx.session)
        return bool(done.matched_count)


def _feed(row: Any) -> Feed:
    return Feed(row["_id"], tuple(row["owners"]), tuple(row["offered"]))
