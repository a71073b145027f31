"""Queries of the manager's desk. Figures are counted by the filters of `case_lists`, which open them too."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from services.matching.booking.diary import Diaries
from services.matching.calendar import london_day
from services.matching.clients.messages import FailedMessages
from services.matching.collections import LINK_WORKERS
from services.matching.errors import Refused
from services.matching.programme.desk.case_lists import (
    BY_CODE,
    LISTS,
    MESSAGE_FAILED,
    NOBODY,
    OPEN,
    CaseList,
    filter_of,
    message_failed,
)
from services.matching.programme.desk.sessions import session_named, sessions_in, state_of
from services.matching.programme.desk.views import DeskRow, LeaveShown, LocalityCounts, OpenedList, Session
from services.matching.programme.desk.workload import days_since_contact, load, percentile
from services.matching.referral_state.queries import ReferralQueries
from services.matching.referral_state.state import ReferralState
from services.matching.referral_state.views import CaseLine
from services.matching.roster.link_workers import LinkWorker
from services.matching.roster.repository import worker_of
from services.matching.web.refusals import problem_of
from shared.delivery.kernel import Kernel
from shared.delivery.mongo.database import Mongo, Row, Transaction
from shared.delivery.mongo.database import Session as MongoSession
from shared.delivery.unit_of_work.unit_of_work import REFERRALS
from shared.platform.localities import Localities
from shared.platform.web.owners import Owners
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem

_AHEAD: Final = timedelta(days=28)
_YEAR: Final = timedelta(days=365)
_NOBODY: Final = "Nobody, or somebody who has left"
_READ: Final = {
    "view.link_worker": 1,
    "view.stage": 1,
    "view.created_at": 1,
    "view.last_contact": 1,
    "view.created.access_needs": 1,
    "view.created.interpreter": 1,
    "view.created.risk": 1,
}


@dataclass
class DeskQueries:
    """Queries for managers of link workers, of their own localities."""

    kernel: Kernel[ReferralState, Diaries]
    localities: Localities
    owners: Owners
    referrals: ReferralQueries
    failures: FailedMessages

    async def desk(self, caller: Principal) -> list[DeskRow]:
        """The figures of each link worker, by locality and name. No case is named."""
        return [row for slug in self.slugs(caller) for row in await self._rows(slug)]

    async def link_worker(self, caller: Principal, link_worker: str) -> DeskRow:
        """The figures of one link worker. 404 for one of another locality."""
        found = await self.kernel.mongo[LINK_WORKERS].find_one({"_id": link_worker})
        if found is not None and found["locality"] in self.slugs(caller):
            for row in await self._rows(found["locality"]):
                if row.link_worker == link_worker:
                    return row
        raise Problem(404, code="unknown_link_worker", detail="There is no such link worker.")

    async def quality(self, caller: Principal) -> list[LocalityCounts]:
        """The data quality of each locality."""
        found, now = [], self.kernel.clock()
        for slug in self.slugs(caller):
            here = await self.here(slug)
            by_list = {each.code: await self.counted(slug, each, here, now) for each in LISTS}
            counts = {code: sum(of.values()) for code, of in by_list.items()}
            found.append(LocalityCounts(slug, counts[OPEN.code], counts))
        return found

    async def opened(
        self, caller: Principal, code: str, locality: str, link_worker: str | None = None
    ) -> OpenedList:
        """The cases of a list, the oldest first, as references. Audited before it is shown.

        404 for a list or a locality that the caller may not open; 503 while it is not known what is on it.
        """
        if locality not in self.slugs(caller):
            raise Problem(404)
        case_list = await self._message_failed(locality) if code == MESSAGE_FAILED else BY_CODE.get(code)
        if case_list is None:
            raise Problem(503 if code == MESSAGE_FAILED else 404)
        about = f"{locality}:{link_worker or 'all'}"
        await self.kernel.audit.reads(caller, "open_list", [about], f"list:{code}", locality)
        here, now = await self.here(locality), self.kernel.clock()
        rows = await self.listed(locality, case_list, link_worker, here, now)
        lines = await self.referrals.presenter(rows)
        return OpenedList(
            code, case_list.title, locality, link_worker, tuple(lines.case(row) for row in rows)
        )

    async def sessions(self, caller: Principal, link_worker: str) -> list[Session]:
        """The supervision sessions of a link worker, the latest first.

        For managers of the locality, and for the link worker themselves.
        """
        if caller.role == "link_worker" and caller.link_worker == link_worker:
            slugs = sorted(caller.localities)
        else:
            slugs = self.slugs(caller)
        found = await sessions_in(self.kernel.mongo, slugs)
        return [each for each in found if each.link_worker == link_worker]

    async def session(self, caller: Principal, session_id: str) -> Session:
        """A session without what was said. 404 for one of another locality, or a withdrawn one."""
        found = await session_named(self.kernel.mongo, session_id)
        if found is None or found.withdrawn_at is not None or found.locality not in self.slugs(caller):
            raise problem_of(Refused("unknown_session"))
        return found

    async def open_cases(self, caller: Principal, locality: str, link_worker: str) -> list[CaseLine]:
        """The open cases of a link worker as references, the oldest first."""
        if locality not in self.slugs(caller):
            raise Problem(404)
        which = {"locality": locality, "view.open": True, "view.link_worker": link_worker}
        rows = await self.referrals.rows(which)
        lines = await self.referrals.presenter(rows)
        found = [lines.case(row) for row in rows]
        return sorted(found, key=lambda case: (case.created_at, case.referral_id))

    async def counted(
        self,
        locality: str,
        case_list: CaseList,
        here: Collection[str],
        now: datetime,
        source: Mongo | Transaction | None = None,
    ) -> dict[str, int]:
        """The number of cases of a list by link worker, or `NOBODY`, as the desk shows it."""
        which = filter_of(case_list, locality, now)
        steps = [{"$match": which}, {"$group": {"_id": "$view.link_worker", "count": {"$sum": 1}}}]
        tx = source or self.kernel.mongo
        found: dict[str, int] = {}
        async for row in tx[REFERRALS].aggregate(steps, session=_session(source)):
            whose = row["_id"] if row["_id"] in here else NOBODY
            found[whose] = found.get(whose, 0) + int(row["count"])
        return found

    async def listed(
        self,
        locality: str,
        case_list: CaseList,
        whose: str | None,
        here: Collection[str],
        now: datetime,
        source: Mongo | Transaction | None = None,
    ) -> list[Row]:
        """The cases of a list, the oldest first. `whose`: see `filter_of`."""
        which = filter_of(case_list, locality, now, whose, here)
        tx = source or self.kernel.mongo
        shown = {"locality": 1, "referral": 1, "view": 1}
        found = tx[REFERRALS].find(which, shown, session=_session(source))
        return [row async for row in found.sort([("view.created_at", 1), ("referral", 1)])]

    async def here(self, locality: str) -> dict[str, LinkWorker]:
        """The link workers of a locality who have not left, by id."""
        found = self.kernel.mongo[LINK_WORKERS].find({"locality": locality, "active": True})
        return {row["_id"]: worker_of(row) async for row in found}

    def slugs(self, caller: Principal) -> list[str]:
        """The localities whose desk the caller has, and whose casework is ours. No sandbox."""
        if caller.role != "manager":
            raise Problem(403, code="role", detail="Your role does not include this.")
        return [
            place.slug
            for place in self.localities.real
            if caller.may_locality(place.slug) and self.owners.elsewhere("casework", place.slug) is None
        ]

    async def _rows(self, locality: str) -> list[DeskRow]:
        mongo, now, here = self.kernel.mongo, self.kernel.clock(), await self.here(locality)
        views: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        which = {"locality": locality, "view.open": True, "view.created": {"$ne": None}}
        async for row in mongo[REFERRALS].find(which, _READ):
            whose = row["view"]["link_worker"]
            views[whose if whose in here else NOBODY].append(row["view"])
        counts: dict[str, dict[str, int]] = defaultdict(dict)
        for each in LISTS:
            for whose, number in (await self.counted(locality, each, here, now)).items():
                counts[whose][each.code] = number
        years = await self._people_this_year(locality)
        sessions, about = await sessions_in(mongo, [locality]), await self._message_failed(locality)
        failed = await self.counted(locality, about, here, now) if about is not None else None
        names = sorted(here, key=lambda name: here[name].name)
        if views[NOBODY]:
            names.append(NOBODY)
        return [
            self._row(locality, here.get(name), views[name], counts[name], years, sessions, failed)
            for name in names
        ]

    def _row(
        self,
        locality: str,
        worker: LinkWorker | None,
        views: Sequence[Mapping[str, Any]],
        counts: Mapping[str, int],
        years: Mapping[str, int],
        sessions: Sequence[Session],
        failed: Mapping[str, int] | None,
    ) -> DeskRow:
        today = london_day(self.kernel.clock())
        days = days_since_contact(views, today)
        mine = [each for each in sessions if worker is not None and each.link_worker == worker.id]
        leave = [
            LeaveShown(each.first, each.last, each.half, each.end_unknown)
            for each in (worker.leave if worker else ())
            if each.last >= today and each.first <= today + _AHEAD
        ]
        return DeskRow(
            locality=locality,
            link_worker=worker.id if worker else None,
            name=worker.name if worker else _NOBODY,
            open_cases=len(views),
            counts=counts,
            load=load(views),
            limit=worker.caseload_limit if worker else None,
            people_this_year=years.get(worker.id, 0) if worker else 0,
            failed_messages=failed.get(worker.id if worker else NOBODY, 0) if failed is not None else None,
            contact_p50=percentile(days, 50),
            contact_p90=percentile(days, 90),
            leave=tuple(sorted(leave, key=lambda each: each.first)),
            away_today=worker is not None and worker.away(today),
            supervision=state_of(mine, today) if worker else None,
        )

    async def _message_failed(self, locality: str) -> CaseList | None:
        """The list of cases about which a message could not be sent; None if that is not known just now."""
        if self.owners.elsewhere("notifications", locality) is not None:
            return None
        found = await self.failures.referrals(locality)
        return None if found is None else message_failed(found)

    async def _people_this_year(self, locality: str) -> dict[str, int]:
        since = self.kernel.clock() - _YEAR
        steps = [
            {"$match": {"locality": locality, "view.created_at": {"$gt": since}}},
            {"$group": {"_id": "$view.link_worker", "count": {"$sum": 1}}},
        ]
        return {row["_id"]: row["count"] async for row in self.kernel.mongo[REFERRALS].aggregate(steps)}


def _session(source: Mongo | Transaction | None) -> MongoSession | None:
    return source.session if isinstance(source, Transaction) else None
