"""The directory as it is kept: imported feeds, and looking services up."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from pymongo import ReplaceOne

from services.matching.calendar import london_day
from services.matching.shown import ListingFault
from services.matching.store import IMPORTS, SERVICES
from shared.clock import Clock
from shared.delivery.kernel import Kernel
from shared.delivery.mongo import Row, Transaction
from shared.delivery.round import REFERRALS
from shared.directory import read_directory
from shared.directory.defects import MOST_DEFECTS, Defect, Result
from shared.directory.model import Service, Status
from shared.events import vocabulary as v
from shared.ids import NewId
from shared.web.caller import Caller

FULL_FOR: Final = timedelta(days=60)
REFUSED_WHOLE: Final = frozenset({"pages_missing", "records_too_many"})
_MOST_FAULTS: Final = 50
_ANOTHERS: Final = "Another feed has brought a service with this id."


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What came of an import: how many records were looked at and kept, and each defect.

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
    """Nothing of a document is taken: `code` and `sentence` say why."""

    def __init__(self, defect: Defect) -> None:
        super().__init__(defect.code)
        self.code = defect.code
        self.sentence = defect.sentence


class Directory:
    """The services of all feeds. A feed's import replaces what the feed said before."""

    def __init__(self, kernel: Kernel[Any, Any], clock: Clock, new_id: NewId) -> None:
        self._kernel = kernel
        self._clock = clock
        self._new_id = new_id

    async def kept_for(self, feed: str) -> list[str]:
        """The localities on whose behalf a feed was last imported; none for a new one."""
        latest = self._kernel.mongo[IMPORTS].find({"feed": feed}, {"localities": 1}).sort("at", -1).limit(1)
        return [slug for row in await latest.to_list(None) for slug in row["localities"] if slug != "*"]

    async def take(self, document: bytes, feed: str, by: Caller) -> ImportReport:
        """Reads a feed's document and keeps its services and the report.

        A service that another feed has brought already is refused: one feed cannot speak for another's.

        Raises NotTaken for a document that is not the whole feed, or larger than any feed.
        """
        now = self._clock()
        # A feed of thousands of records takes seconds of work: others are answered meanwhile.
        read = await asyncio.to_thread(read_directory, document, feed, london_day(now))
        if read.refused in REFUSED_WHOLE:
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
            (*read.defects, *theirs[:MOST_DEFECTS]),
            read.left_out,
        )
        # Without a single service it says nothing, be it HTML, JSON that tells of an error, or an empty page:
        # what the feed said before stands.
        unread = not read.services

        async def work(tx: Transaction) -> None:
            if not unread:
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

        await self._kernel.transact(work)
        return report

    async def _of_other_feeds(self, feed: str, ids: Sequence[str]) -> frozenset[str]:
        found = self._kernel.mongo[SERVICES].find(
            {"_id": {"$in": list(ids)}, "feed": {"$ne": feed}}, {"_id": 1}
        )
        return frozenset([row["_id"] async for row in found])

    async def services(self, ids: Sequence[str]) -> dict[str, Service]:
        """Services by id, those that have left the feed among them; an unknown id is left out."""
        found = self._kernel.mongo[SERVICES].find({"_id": {"$in": sorted(set(ids))}})
        return {row["_id"]: _service(row) async for row in found}

    async def for_need(self, need: v.Need | None, sensitive: Sequence[v.SensitiveNeed] = ()) -> list[Service]:
        """Services for a need (None: all), those that have left their feed not among them."""
        which: dict[str, Any] = {"gone": False}
        if need is v.Need.SENSITIVE:
            which["sensitive"] = {"$in": [each.value for each in sensitive]} if sensitive else {"$ne": []}
        elif need is not None:
            which["needs"] = need.value
        return [_service(row) async for row in self._kernel.mongo[SERVICES].find(which)]

    async def full_since(self, services: Sequence[str]) -> dict[str, date]:
        """Since when services are full, by what each last answered within two months, to whomever."""
        recent = {"$gte": self._clock() - FULL_FOR}
        found = self._kernel.mongo[REFERRALS].find(
            {
                "view.prescriptions": {
                    "$elemMatch": {"service": {"$in": list(services)}, "replied_at": recent}
                }
            },
            {"view.prescriptions": 1},
        )
        answers: dict[str, list[tuple[datetime, str]]] = {}
        async for row in found:
            for one in row["view"]["prescriptions"]:
                if one["replied_at"] is not None:
                    answers.setdefault(one["service"], []).append((one["replied_at"], one["status"]))
        full: dict[str, date] = {}
        for service, given in answers.items():
            given.sort(reverse=True)
            for at, status in given:
                if status != "full":
                    break
                full[service] = london_day(at)
        return full

    async def flag(self, service_id: str, wrong: ListingFault, by: str) -> bool:
        """Keeps what somebody found wrong with an entry; False for an unknown service."""
        fault = {"wrong": wrong.value, "by": by, "at": self._clock()}
        done = await self._kernel.mongo[SERVICES].update_one(
            {"_id": service_id}, {"$push": {"faults": {"$each": [fault], "$slice": -_MOST_FAULTS}}}
        )
        return bool(done.matched_count)


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
    # What has left its feed keeps its name for those who go there, and is offered to nobody.
    return service.model_copy(update={"status": Status.INACTIVE}) if row["gone"] else service
