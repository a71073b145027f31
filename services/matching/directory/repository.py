"""Stores the directory: imported feeds, and the services to look up."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pymongo import ReplaceOne

from services.matching.calendar import london_day
from services.matching.collections import IMPORTS, PLACES, SERVICES
from services.matching.directory.availability import HOLDS, Availability, Told, Word, availability
from services.matching.directory.feed import read_directory
from services.matching.directory.feed.defects import MAX_DEFECTS, Defect, Result
from services.matching.directory.feed.model import Service, Status
from services.matching.directory.offered import Feeds
from services.matching.directory.views import ListingFault
from shared.contract.events import vocabulary as v
from shared.delivery.kernel import Kernel
from shared.delivery.mongo.database import Row, Transaction
from shared.platform.clock import Clock
from shared.platform.ids import NewId
from shared.platform.web.audit import Change
from shared.platform.web.principal import Principal

REFUSED_WHOLE: Final = frozenset({"pages_missing", "records_too_many"})
_MAX_FAULTS: Final = 50
_ANOTHERS: Final = "Another feed has brought a service with this id."


@dataclass(frozen=True, slots=True)
class ImportReport:
    """Report of an import: the records read and kept, and each defect.

    `defects_left_out` counts those beyond the first thousands.
    """

    import_id: str
    feed: str
    at: datetime
    records: int
    services: int
    defects: tuple[Defect, ...]
    defects_left_out: int


class NotTaken(Exception):
    """A document is refused as a whole: `code` and `sentence` give the reason."""

    def __init__(self, defect: Defect) -> None:
        super().__init__(defect.code)
        self.code = defect.code
        self.sentence = defect.sentence


Replies = Callable[[Collection[str], datetime], Awaitable[list[tuple[str, Told]]]]


class Directory:
    """The services of all feeds. An import replaces the feed's earlier services.

    `replies`: replies of these services to referrals since a moment, which reveal their places.
    """

    def __init__(self, kernel: Kernel[Any, Any], clock: Clock, new_id: NewId, replies: Replies) -> None:
        self.feeds = Feeds(kernel.mongo)
        self._kernel = kernel
        self._clock = clock
        self._new_id = new_id
        self._replies = replies

    async def take(self, document: bytes, feed: str, by: Principal) -> ImportReport:
        """Reads a feed's document and stores its services and the report.

        A service that another feed has brought already is refused: no feed can change the services of
        another.

        Raises:
            NotTaken: the document is not the whole feed, or is larger than any feed.
        """
        report, services, unread = await self._read(document, feed)
        now = report.at

        async def work(tx: Transaction) -> None:
            # A document without any service (HTML, an error as JSON, an empty page) must not replace the
            # feed's earlier services.
            if not unread:
                await self.feeds.keep(tx, feed, by)
                await _replace_feed(tx, feed, services)
            await tx[IMPORTS].insert_one(
                {
                    "_id": report.import_id,
                    "feed": feed,
                    "at": now,
                    "by": by.subject,
                    "localities": sorted(by.localities),
                    "records": report.records,
                    "services": report.services,
                    "defects_left_out": report.defects_left_out,
                    "defects": [
                        {
                            "record": d.record,
                            "field": d.field,
                            "code": d.code,
                            "sentence": d.sentence,
                            "result": d.result.value,
                        }
                        for d in report.defects
                    ],
                },
                session=tx.session,
            )

        await self._kernel.transact(work, change=Change(by, "import_feed"))
        return report

    async def change(self, work: Callable[[Transaction], Awaitable[bool]], change: Change) -> bool:
        """Runs a change that returns whether it changed anything, with its audit entry if it did."""
        return await self._kernel.transact(work, change=change)

    async def tried(self, document: bytes, feed: str) -> ImportReport:
        """The report that an import of this document would make. Nothing is stored.

        A document that is refused as a whole has its reason among the defects.
        """
        return (await self._read(document, feed, refuse=False))[0]

    async def _read(
        self, document: bytes, feed: str, *, refuse: bool = True
    ) -> tuple[ImportReport, tuple[Service, ...], bool]:
        """Reads a document: the report, the services to store, and True if no service could be read."""
        now = self._clock()
        # In a thread: thousands of records take seconds, and other requests need the event loop.
        read = await asyncio.to_thread(read_directory, document, feed, london_day(now))
        if refuse and read.refused in REFUSED_WHOLE:
            raise NotTaken(next(defect for defect in read.defects if defect.code == read.refused))
        others = await self._of_other_feeds(feed, [service.id for service in read.services])
        services = tuple(service for service in read.services if service.id not in others)
        theirs = tuple(
            Defect(service.record, "id", "id_of_another_feed", _ANOTHERS, Result.REFUSED)
            for service in read.services
            if service.id in others
        )
        report = ImportReport(
            self._new_id(),
            feed,
            now,
            read.records,
            len(services),
            (*read.defects, *theirs[:MAX_DEFECTS]),
            read.left_out,
        )
        return report, services, not read.services

    async def _of_other_feeds(self, feed: str, ids: Sequence[str]) -> frozenset[str]:
        found = self._kernel.mongo[SERVICES].find(
            {"_id": {"$in": list(ids)}, "feed": {"$ne": feed}}, {"_id": 1}
        )
        return frozenset([row["_id"] async for row in found])

    async def services(self, ids: Sequence[str]) -> dict[str, Service]:
        """Services by id, including those that have left their feed. Unknown ids are left out."""
        found = self._kernel.mongo[SERVICES].find({"_id": {"$in": sorted(set(ids))}})
        return {row["_id"]: _service(row) async for row in found}

    async def offered(self, service_id: str, localities: Iterable[str]) -> bool:
        """True if a service is of a feed that is offered in any of these localities."""
        which = {"_id": service_id, "feed": {"$in": await self.feeds.offered_in(localities)}}
        return await self._kernel.mongo[SERVICES].find_one(which, {"_id": 1}) is not None

    async def offered_of(self, services: Iterable[str], locality: str) -> frozenset[str]:
        """Those of these services that are of a feed that is offered in the locality."""
        feeds = await self.feeds.offered_in([locality])
        which = {"_id": {"$in": sorted(services)}, "feed": {"$in": feeds}}
        return frozenset([row["_id"] async for row in self._kernel.mongo[SERVICES].find(which, {"_id": 1})])

    async def for_need(
        self,
        need: v.Need | None,
        sensitive: Sequence[v.SensitiveNeed] = (),
        localities: Iterable[str] | None = None,
    ) -> list[Service]:
        """Services for a need (None: all), without those that have left their feed.

        `localities`: only feeds that are offered in any of them; None: all feeds.
        """
        which: dict[str, Any] = {"gone": False}
        if localities is not None:
            which["feed"] = {"$in": await self.feeds.offered_in(localities)}
        if need is v.Need.SENSITIVE:
            which["sensitive"] = {"$in": [each.value for each in sensitive]} if sensitive else {"$ne": []}
        elif need is not None:
            which["needs"] = need.value
        return [_service(row) async for row in self._kernel.mongo[SERVICES].find(which)]

    async def told(self, services: Sequence[str]) -> dict[str, list[Told]]:
        """Recent statements about these services' places: their replies to referrals, and their pages."""
        since = self._clock() - HOLDS
        found: dict[str, list[Told]] = {}
        wanted = frozenset(services)
        for service, told in await self._replies(wanted, since):
            found.setdefault(service, []).append(told)
        recent = {"$gt": since}
        async for row in self._kernel.mongo[PLACES].find({"_id": {"$in": list(wanted)}, "free_at": recent}):
            found.setdefault(row["_id"], []).append(Told(Word.FREE, row["free_at"]))
        return found

    async def availability(self, services: Iterable[Service]) -> dict[str, Availability]:
        """The availability of these services now, by id."""
        asked, now = list(services), self._clock()
        told = await self.told([service.id for service in asked])
        return {
            service.id: availability(service.capacity, told.get(service.id, ()), now) for service in asked
        }

    async def places_free(self, service_id: str, by: Change) -> bool:
        """Stores that a service has places again; False for an unknown service."""
        mongo = self._kernel.mongo
        if await mongo[SERVICES].find_one({"_id": service_id}, {"_id": 1}) is None:
            return False
        said = {"$set": {"free_at": self._clock(), "by": by.caller.subject}}

        async def work(tx: Transaction) -> bool:
            await tx[PLACES].update_one({"_id": service_id}, said, upsert=True, session=tx.session)
            return True

        return await self.change(work, by)

    async def places_taken_back(self, service_id: str, by: Change) -> None:
        """Withdraws the statement that places are free, so that earlier ones count again."""

        async def work(tx: Transaction) -> bool:
            done = await tx[PLACES].delete_one({"_id": service_id}, session=tx.session)
            return bool(done.deleted_count)

        await self.change(work, by)

    async def flag(self, service_id: str, wrong: ListingFault, by: Change) -> bool:
        """Stores a report of a wrong entry; False for an unknown service."""
        fault = {"wrong": wrong.value, "by": by.caller.subject, "at": self._clock()}
        push = {"$push": {"faults": {"$each": [fault], "$slice": -_MAX_FAULTS}}}

        async def work(tx: Transaction) -> bool:
            done = await tx[SERVICES].update_one({"_id": service_id}, push, session=tx.session)
            return bool(done.matched_count)

        return await self.change(work, by)

    async def faults(self, services: Collection[str]) -> dict[str, Counter[ListingFault]]:
        """The reports of wrong entries, by service and kind. Services without one are left out."""
        rows = self._kernel.mongo[SERVICES].find({"_id": {"$in": sorted(services)}}, {"faults.wrong": 1})
        return {
            row["_id"]: Counter(ListingFault(each["wrong"]) for each in row["faults"])
            async for row in rows
            if row.get("faults")
        }


async def _replace_feed(tx: Transaction, feed: str, services: Sequence[Service]) -> None:
    ids = [service.id for service in services]
    faults: Mapping[str, Any] = {
        row["_id"]: row.get("faults", [])
        async for row in tx[SERVICES].find({"_id": {"$in": ids}}, {"faults": 1}, session=tx.session)
    }
    await tx[SERVICES].update_many(
        {"feed": feed, "_id": {"$nin": ids}}, {"$set": {"gone": True}}, session=tx.session
    )
    writes = [
        ReplaceOne[Mapping[str, Any]](
            {"_id": service.id},
            {
                "feed": feed,
                "gone": False,
                "status": service.status.value,
                "needs": [need.value for need in service.needs],
                "sensitive": [need.value for need in service.sensitive_needs],
                "faults": faults.get(service.id, []),
                "service": service.model_dump(mode="json"),
            },
            upsert=True,
        )
        for service in services
    ]
    if writes:
        await tx[SERVICES].bulk_write(writes, session=tx.session, ordered=False)


def _service(row: Row) -> Service:
    service = Service.model_validate(row["service"])
    # A service that left its feed keeps its name for plans that have it, and is not offered.
    return service.model_copy(update={"status": Status.INACTIVE}) if row["gone"] else service
