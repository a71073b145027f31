"""Diaries, free times and the times that suit a case."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

from services.matching.authorization import (
    AT_THE_DESK,
    LINK_WORKER,
    OTHER_PARTS,
    Filter,
    find_case,
    link_worker_for,
)
from services.matching.booking.bookings import Bookings
from services.matching.booking.capacity import capacity_of
from services.matching.booking.diary import Diaries
from services.matching.booking.part import BookingOffer, BookingPart
from services.matching.booking.repository import DiaryStore
from services.matching.booking.slot import Slot
from services.matching.booking.wanted import EARLIEST, TimesWanted
from services.matching.calendar import day_start, london_day
from services.matching.collections import LINK_WORKERS
from services.matching.referral_state.queries import ReferralQueries
from services.matching.referral_state.state import ReferralState
from services.matching.referral_state.views import DiaryEntry, MeetingShown
from services.matching.roster.link_workers import LinkWorker
from services.matching.roster.repository import worker_of
from shared.contract.api.booking import DiaryCapacity, TimeOffered
from shared.delivery.kernel import Kernel
from shared.delivery.mongo.database import Row, Transaction
from shared.platform.web.owners import Owner
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem

MAX_DAYS: Final = 92
_STANDING: Final = ("booked", "attended", "missed")


@dataclass
class BookingQueries:
    """Queries of meetings and diaries."""

    kernel: Kernel[ReferralState, Diaries]
    referrals: ReferralQueries
    diaries: DiaryStore
    parts: Bookings

    async def today(self, caller: Principal, day: date | None = None) -> list[DiaryEntry]:
        """The caller's meetings of one day (by default today), in order.

        `case` holds risk and contact warnings.
        """
        day = day or london_day(self.kernel.clock())
        return await self.diary(caller, day, day)

    async def diary(
        self, caller: Principal, first: date, last: date, link_worker: str | None = None
    ) -> list[DiaryEntry]:
        """Meetings from `first` to `last` (at most 92 days), in order."""
        worker = await link_worker_for(self.kernel.mongo, caller, link_worker or caller.link_worker or "")
        begins, ends = _span(first, last)
        met = {
            "link_worker": worker.id,
            "starts_at": {"$gte": begins, "$lt": ends},
            "status": {"$in": _STANDING},
        }
        rows = await self.referrals.rows({"locality": worker.locality, "view.meetings": {"$elemMatch": met}})
        lines = await self.referrals.presenter(rows)
        found = [
            DiaryEntry(lines.meeting(row, meeting), lines.case(row))
            for row in rows
            for meeting in row["view"]["meetings"]
            if meeting["link_worker"] == worker.id
            and begins <= meeting["starts_at"] < ends
            and meeting["status"] in _STANDING
            and (meeting["status"] != "booked" or meeting["id"] == row["view"]["active"])
        ]
        return sorted(found, key=lambda entry: (entry.meeting.starts_at, entry.case.referral_id))

    async def free(
        self, caller: Principal, first: date, last: date, link_worker: str | None = None
    ) -> list[Slot]:
        """Free times of a diary. 409 `not_owner` where another owner keeps the diaries."""
        worker = await link_worker_for(self.kernel.mongo, caller, link_worker or caller.link_worker or "")
        self.parts.owners.require_ours("booking", worker.locality)
        begins, ends = _span(first, last)

        async def read(tx: Transaction) -> Diaries:
            return await self.diaries.load_for(tx, [worker], first, last, self.kernel.clock())

        diaries = await self.kernel.transact(read)
        return [
            slot
            for n in range((last - first).days + 1)
            for slot in diaries.free(worker, first + timedelta(days=n))
            if max(begins, self.kernel.clock()) <= slot.starts_at < ends
        ]

    async def meeting(self, caller: Principal, meeting_id: str) -> MeetingShown:
        """A meeting, for callers who may move it: its link worker and the practice's own staff."""
        row = await find_case(
            self.kernel.mongo, caller, {"view.meetings.id": meeting_id}, AT_THE_DESK, self.kernel.clock()
        )
        found = next(m for m in row["view"]["meetings"] if m["id"] == meeting_id)
        return (await self.referrals.presenter([row])).meeting(row, found)

    async def place(self, caller: Principal, locality: str, meeting_id: str) -> MeetingShown:
        """A meeting of the locality with its place, for other parts."""
        row = await self._case(caller, {"view.meetings.id": meeting_id}, AT_THE_DESK, locality)
        found = next(m for m in row["view"]["meetings"] if m["id"] == meeting_id)
        return (await self.referrals.presenter([row])).meeting(row, found)

    async def capacity(self, locality: str, weeks: int) -> DiaryCapacity:
        """Times and free times of the locality's diaries, from this week on."""
        now = self.kernel.clock()
        first = london_day(now) - timedelta(days=london_day(now).weekday())
        last = first + timedelta(weeks=weeks, days=-1)
        practices = [each.ods for each in self.referrals.localities.by_slug[locality].practices]

        async def read(tx: Transaction) -> Diaries:
            return await self.diaries.load_locality(tx, locality, first, last, now)

        return capacity_of(locality, practices, await self.kernel.transact(read), first, weeks)

    async def options(
        self,
        caller: Principal,
        meeting_id: str,
        count: int = 3,
        locality: str | None = None,
        wanted: TimesWanted = EARLIEST,
    ) -> list[TimeOffered]:
        """Other suitable times for a booked meeting, earliest first. `locality`: another part asks."""
        row = await self._case(caller, {"view.meetings.id": meeting_id}, AT_THE_DESK, locality)
        return await self._part(row, locality).options(row, meeting_id, count, wanted)

    async def options_for(
        self,
        caller: Principal,
        referral_id: str,
        count: int = 3,
        locality: str | None = None,
        wanted: TimesWanted = EARLIEST,
    ) -> list[TimeOffered]:
        """Suitable times for a case without a meeting. `locality`: another part asks."""
        row = await self._case(caller, {"referral": referral_id}, LINK_WORKER, locality)
        return await self._part(row, locality).options_for(row, count, wanted)

    async def options_to_reopen(
        self, caller: Principal, referral_id: str, count: int = 3
    ) -> list[TimeOffered]:
        """Suitable times for a case that has ended, if it is opened again. Another owner offers none."""
        row = await find_case(
            self.kernel.mongo, caller, {"referral": referral_id}, LINK_WORKER, self.kernel.clock()
        )
        if self.parts.is_elsewhere(row["locality"]):
            return []
        return await self.parts.own.options_to_reopen(row, count)

    async def link_workers_for(self, caller: Principal, which: Filter) -> list[LinkWorker]:
        """The link workers who meet people of this case's practice, by name."""
        row = await find_case(self.kernel.mongo, caller, which, AT_THE_DESK, self.kernel.clock())
        there = {"locality": row["locality"], "hours.practices": row["view"]["created"]["practice"]}
        found = self.kernel.mongo[LINK_WORKERS].find({**there, "active": True})
        return sorted([worker_of(each) async for each in found], key=lambda each: (each.name, each.id))

    def owner(self, locality: str) -> Owner | None:
        """The owner of the locality's appointments and diaries, if it is not us."""
        return self.parts.owners.elsewhere("booking", locality)

    async def offer(self, locality: str) -> BookingOffer:
        """What pages of the locality may offer, and whose its appointments are."""
        return await self.parts.offer(locality)

    async def placed(self, meeting: MeetingShown) -> MeetingShown:
        """The meeting with the place that its owner tells; without an answer, as it is."""
        case = {"locality": meeting.locality, "referral": meeting.referral_id}
        place = await self.parts.of(meeting.locality).place(case, meeting.meeting_id)
        return replace(meeting, place=place) if place else meeting

    def _part(self, row: Row, locality: str | None) -> BookingPart:
        return self.parts.own if locality is not None else self.parts.of(row["locality"])

    async def _case(
        self, caller: Principal, which: Filter, roles: Collection[str], locality: str | None
    ) -> Row:
        if locality is not None:
            which, roles = {**which, "locality": locality}, OTHER_PARTS
        return await find_case(self.kernel.mongo, caller, which, roles, self.kernel.clock())


def _span(first: date, last: date) -> tuple[datetime, datetime]:
    if not timedelta() <= last - first <= timedelta(days=MAX_DAYS):
        raise Problem(422, code="days", detail=f"Ask for {MAX_DAYS} days at most, the first day first.")
    return day_start(first), day_start(last + timedelta(days=1))
