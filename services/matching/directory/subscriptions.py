"""Feeds that are fetched from an address: how often, whether they are trusted, and how the last time went."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from pymongo import ReturnDocument

from services.matching.collections import FEEDS, SERVICES
from shared.delivery.mongo.database import Mongo, Row, Transaction

# A process that died while it fetched leaves the feed to the next one after so long.
_LEASE: Final = timedelta(minutes=10)
State = Literal["never", "taken", "unchanged", "waits", "failed"]


@dataclass(frozen=True, slots=True)
class Subscription:
    """A feed with its address.

    Attributes:
        every_hours: 0 for by hand only.
        trusted: what is fetched by schedule is taken at once; else it waits for an administrator.
        state: how the last fetch went; `told` is its reason in words, `records` and `services` its counts.
    """

    name: str
    owners: tuple[str, ...]
    offered: tuple[str, ...]
    url: str
    every_hours: int
    trusted: bool
    etag: str | None = None
    next_at: datetime | None = None
    at: datetime | None = None
    state: State = "never"
    told: str = ""
    records: int = 0
    services: int = 0


class Subscriptions:
    """The feeds that have an address, beside those that are sent."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo

    async def named(self, name: str) -> Subscription | None:
        """One feed with its address; without one, the address is empty. None for an unknown feed."""
        row = await self._mongo[FEEDS].find_one({"_id": name})
        return _subscription(row) if row else None

    async def all(self) -> list[Subscription]:
        """Every feed, by name."""
        return [_subscription(row) async for row in self._mongo[FEEDS].find({}).sort("_id", 1)]

    async def put(
        self,
        tx: Transaction,
        name: str,
        owners: Sequence[str],
        offered: Sequence[str],
        *,
        url: str,
        every_hours: int,
        trusted: bool,
        now: datetime,
    ) -> None:
        """Stores the address of a feed. An existing feed keeps owners and offers."""
        change: dict[str, Any] = {"url": url, "every_hours": every_hours, "trusted": trusted}
        change["next_at"] = now if every_hours else None
        before = await tx[FEEDS].find_one({"_id": name}, session=tx.session)
        if before is not None and before.get("url") != url:
            change["etag"] = None
        fresh = {"owners": sorted(owners), "offered": sorted(offered)}
        await tx[FEEDS].update_one(
            {"_id": name}, {"$set": change, "$setOnInsert": fresh}, upsert=True, session=tx.session
        )

    async def remove(self, tx: Transaction, name: str) -> None:
        """Removes a feed. Its services keep their names in plans, and are offered no more."""
        await tx[FEEDS].delete_one({"_id": name}, session=tx.session)
        await tx[SERVICES].update_many({"feed": name}, {"$set": {"gone": True}}, session=tx.session)

    async def due(self, now: datetime) -> Subscription | None:
        """A feed whose time has come, for this process alone; None if there is none."""
        row = await self._mongo[FEEDS].find_one_and_update(
            {"url": {"$gt": ""}, "every_hours": {"$gt": 0}, "next_at": {"$lte": now}},
            {"$set": {"next_at": now + _LEASE}},
            sort=[("next_at", 1)],
            return_document=ReturnDocument.AFTER,
        )
        return _subscription(row) if row else None

    async def note(
        self,
        feed: Subscription,
        now: datetime,
        state: State,
        *,
        told: str = "",
        records: int = 0,
        services: int = 0,
        etag: str | None = None,
    ) -> None:
        """Stores how a fetch went, and the next one."""
        change: dict[str, Any] = {"at": now, "state": state, "told": told}
        if state in ("taken", "waits"):
            change |= {"records": records, "services": services}
        if state == "taken":
            change["etag"] = etag
        if feed.every_hours:
            change["next_at"] = now + timedelta(hours=feed.every_hours)
        await self._mongo[FEEDS].update_one({"_id": feed.name}, {"$set": change})


def _subscription(row: Row) -> Subscription:
    return Subscription(
        name=row["_id"],
        owners=tuple(row["owners"]),
        offered=tuple(row["offered"]),
        url=row.get("url", ""),
        every_hours=row.get("every_hours", 0),
        trusted=row.get("trusted", False),
        etag=row.get("etag"),
        next_at=row.get("next_at"),
        at=row.get("at"),
        state=row.get("state", "never"),
        told=row.get("told", ""),
        records=row.get("records", 0),
        services=row.get("services", 0),
    )
