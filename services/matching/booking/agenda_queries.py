"""Diaries of link workers by day, for link workers and the programme."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final

from services.matching.authorization import own_entry, within_localities
from services.matching.booking.agenda import AgendaDay, AgendaMeeting, Within, agenda_day, travel_of
from services.matching.booking.appointments import Appointment
from services.matching.booking.appointments_repository import appointments_between
from services.matching.booking.diary import Diaries
from services.matching.booking.repository import DiaryStore
from services.matching.calendar import day_start, london_day
from services.matching.collections import LINK_WORKERS
from services.matching.errors import Refused
from services.matching.referral_state.presenter import CasePresenter
from services.matching.referral_state.queries import ReferralQueries
from services.matching.referral_state.state import ReferralState
from services.matching.referral_state.views import MeetingShown
from services.matching.roster.link_workers import LinkWorker
from services.matching.roster.repository import worker_of
from services.matching.web.refusals import problem_of
from shared.delivery.kernel import Kernel
from shared.delivery.mongo.database import Row, Transaction
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem

MAX_DAYS: Final = 31
STANDING: Final = ("booked", "attended", "missed")


@dataclass(frozen=True, slots=True)
class Whose:
    """The diaries that a reader asks for: the first of these that is given, or the reader's own."""

    link_worker: str | None = None
    practice: str | None = None
    place: str | None = None
    locality: str | None = None


@dataclass(frozen=True, slots=True)
class Agenda:
    """Days of diaries, by day and then by link worker's name.

    `seen`: the meetings whose cases the reader may see, for their people's names.
    """

    locality: str
    days: tuple[AgendaDay, ...]
    seen: tuple[MeetingShown, ...]


@dataclass
class AgendaQueries:
    """Queries of diaries. A diary of another locality is a 404."""

    kernel: Kernel[ReferralState, Diaries]
    referrals: ReferralQueries
    diaries: DiaryStore

    async def agenda(self, caller: Principal, first: date, last: date, whose: Whose) -> Agenda:
        """The days from `first` to `last`, 31 at most.

        A link worker sees references in their own diary and of their own cases. All other meetings are
        taken times, so a colleague can find a gap and learns nothing of a person.

        Raises:
            Problem: 404 `unknown_diary`, or 422 for too many days.
        """
        if not timedelta() <= last - first < timedelta(days=MAX_DAYS):
            raise Problem(422, code="days", detail=f"Ask for {MAX_DAYS} days at most, the first day first.")
        workers = await self.workers(caller, whose)
        if not workers:
            raise problem_of(Refused("unknown_diary"))
        own = await own_entry(self.kernel.mongo, caller) if caller.role == "link_worker" else None
        return await self._days(workers, first, last, own, Within(whose.practice, whose.place))

    async def own_days(self, worker: LinkWorker, first: date, last: date) -> tuple[AgendaDay, ...]:
        """The days of one link worker as they themselves see them."""
        return (await self._days([worker], first, last, worker, Within())).days

    async def _days(
        self, workers: Sequence[LinkWorker], first: date, last: date, own: LinkWorker | None, within: Within
    ) -> Agenda:
        rows = await self._rows(workers, first, last)
        diaries = await self._diaries(workers, first, last)
        entries = await self._appointments(own, workers, first, last)
        shown, seen = _meetings(rows, await self.referrals.presenter(rows), workers, own, diaries)
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        return Agenda(
            workers[0].locality,
            tuple(
                agenda_day(
                    worker,
                    day,
                    shown.get((worker.id, day), ()),
                    diaries.get(worker.locality),
                    within,
                    entries.get((worker.id, day), ()),
                )
                for day in days
                for worker in workers
            ),
            tuple(seen),
        )

    async def workers(self, caller: Principal, whose: Whose) -> list[LinkWorker]:
        """The link workers whose diaries these are, by name. Those who have left only if they are named."""
        which: dict[str, Any]
        if whose.link_worker is not None:
            which = {"_id": whose.link_worker}
        elif whose.practice is not None:
            which = {"hours.practices": whose.practice, "active": True}
        elif whose.place is not None:
            which = {"hours.place": whose.place, "active": True}
        elif whose.locality is not None:
            which = {"locality": whose.locality, "active": True}
        else:
            which = {"_id": caller.link_worker or ""}
        found = self.kernel.mongo[LINK_WORKERS].find({"$and": [which, within_localities(caller)]})
        return sorted([worker_of(row) async for row in found], key=lambda each: (each.name, each.id))

    async def _rows(self, workers: Sequence[LinkWorker], first: date, last: date) -> list[Row]:
        met = {
            "link_worker": {"$in": [worker.id for worker in workers]},
            "starts_at": {"$gte": day_start(first), "$lt": day_start(last + timedelta(days=1))},
            "status": {"$in": STANDING},
        }
        where = {"locality": {"$in": sorted({worker.locality for worker in workers})}}
        return await self.referrals.rows({**where, "view.meetings": {"$elemMatch": met}})

    async def _appointments(
        self, own: LinkWorker | None, workers: Sequence[LinkWorker], first: date, last: date
    ) -> dict[tuple[str, date], list[Appointment]]:
        """The link workers' own appointments. A note is for the one who wrote it."""
        found: dict[tuple[str, date], list[Appointment]] = {}
        names = [worker.id for worker in workers]
        for each in await appointments_between(self.kernel.mongo, names, first, last):
            shown = each if own is not None and each.link_worker == own.id else replace(each, note="")
            found.setdefault((each.link_worker, london_day(each.starts_at)), []).append(shown)
        return found

    async def _diaries(self, workers: Sequence[LinkWorker], first: date, last: date) -> dict[str, Diaries]:
        """The diaries that are ours, by locality."""
        owners = self.referrals.owners
        ours = [worker for worker in workers if owners.elsewhere("booking", worker.locality) is None]
        if not ours:
            return {}

        async def read(tx: Transaction) -> Diaries:
            return await self.diaries.load_for(tx, ours, first, last, self.kernel.clock())

        found = await self.kernel.transact(read)
        return {worker.locality: found for worker in ours}


def _meetings(
    rows: Sequence[Row],
    lines: CasePresenter,
    workers: Sequence[LinkWorker],
    own: LinkWorker | None,
    diaries: Mapping[str, Diaries],
) -> tuple[dict[tuple[str, date], list[AgendaMeeting]], list[MeetingShown]]:
    names = {worker.id for worker in workers}
    found: dict[tuple[str, date], list[AgendaMeeting]] = {}
    seen: list[MeetingShown] = []
    for row in rows:
        for meeting in row["view"]["meetings"]:
            if meeting["link_worker"] not in names or not _stands(row, meeting):
                continue
            shown = lines.meeting(row, meeting)
            may_see = own is not None and _may_see(row, shown, own)
            if may_see:
                seen.append(shown)
            travel = travel_of(
                diaries.get(shown.locality), shown.link_worker, shown.starts_at, shown.meeting_id
            )
            key = (shown.link_worker, london_day(shown.starts_at))
            found.setdefault(key, []).append(_taken(shown, travel, may_see=may_see))
    return found, seen


def _stands(row: Row, meeting: Mapping[str, Any]) -> bool:
    if meeting["status"] not in STANDING:
        return False
    return meeting["status"] != "booked" or bool(meeting["id"] == row["view"]["active"])


def _may_see(row: Row, meeting: MeetingShown, own: LinkWorker) -> bool:
    """True for own meetings and cases, and for cases of the reader's practices without a link worker."""
    whose = row["view"]["link_worker"]
    if own.id in (whose, meeting.link_worker):
        return True
    return whose is None and row["view"]["created"]["practice"] in own.practices


def _taken(meeting: MeetingShown, travel: int, *, may_see: bool) -> AgendaMeeting:
    return AgendaMeeting(
        starts_at=meeting.starts_at,
        minutes=meeting.minutes,
        travel=travel,
        practice=meeting.practice,
        place=meeting.place,
        mode=meeting.mode,
        status=meeting.status,
        provisional=meeting.provisional,
        booked_by=meeting.booked_by,
        meeting_id=meeting.meeting_id if may_see else None,
        referral_id=meeting.referral_id if may_see else None,
    )
