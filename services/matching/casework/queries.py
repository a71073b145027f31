"""What link workers and practice staff see of cases, meetings and diaries."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from services.matching.authorization import find_case, link_worker_for, link_workers, own_entry, problem_of
from services.matching.booking.diary import Diaries
from services.matching.booking.policy import refused_times, time_key, wish_of
from services.matching.booking.use_cases import AT_THE_DESK
from services.matching.calendar import day_start, london_day
from services.matching.clients.vault import NotInVault, Vault, VaultAway
from services.matching.command_runner import LINK_WORKER, Asking
from services.matching.directory.repository import Directory
from services.matching.errors import Refused
from services.matching.provider.link_states import LinkState, LinkStates
from services.matching.referral_state.presenter import Lines, history, prescriptions
from services.matching.referral_state.state import View
from services.matching.referral_state.views import (
    CaseLine,
    CaseShown,
    DiaryEntry,
    MeetingShown,
    NeedsYouLine,
    Slot,
    ToRing,
)
from services.matching.roster.absence import moved_by
from services.matching.roster.colleagues import Colleague, colleagues_of
from services.matching.roster.link_workers import Leave, LinkWorker
from shared.contract.events.vocabulary import NextStepCode
from shared.delivery.model.service_definition import Loaded
from shared.delivery.mongo.database import Row, Transaction
from shared.delivery.unit_of_work.unit_of_work import REFERRALS
from shared.platform.web.audit import audit
from shared.platform.web.caller import Principal
from shared.platform.web.problem import Problem

MOST_DAYS: Final = 92
_STANDING: Final = ("booked", "attended", "missed")


class CaseQueries:
    """What is shown of cases. Nothing here changes anything."""

    asking: Asking
    vault: Vault
    directory: Directory
    link_states: LinkStates

    def now(self) -> datetime:
        """The time by this service's clock, UTC."""
        return self.asking.kernel.clock()

    async def link_worker(self, caller: Principal, link_worker: str | None = None) -> LinkWorker:
        """The caller's own entry, or, for programme_admin and services, the one named."""
        return await link_worker_for(
            self.asking.kernel.mongo, caller, link_worker or caller.link_worker or ""
        )

    async def today(self, caller: Principal, day: date | None = None) -> list[DiaryEntry]:
        """The caller's meetings of one day (today), in order, risk and contact warnings in each `case`."""
        day = day or london_day(self.now())
        return await self.diary(caller, day, day)

    async def diary(
        self, caller: Principal, first: date, last: date, link_worker: str | None = None
    ) -> list[DiaryEntry]:
        """Meetings from `first` to `last` (at most 92 days), in order."""
        worker = await self.link_worker(caller, link_worker)
        begins, ends = _span(first, last)
        met = {
            "link_worker": worker.id,
            "starts_at": {"$gte": begins, "$lt": ends},
            "status": {"$in": _STANDING},
        }
        rows = await self._rows({"locality": worker.locality, "view.meetings": {"$elemMatch": met}})
        lines = await self._lines(rows)
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

    async def moved_today(self, caller: Principal, day: date) -> list[ToRing]:
        """Whose meetings of this day were moved since the caller is away."""
        worker = await self.link_worker(caller)
        return await moved_by(self.asking, worker, Leave(first=day, last=day))

    async def free(
        self, caller: Principal, first: date, last: date, link_worker: str | None = None
    ) -> list[Slot]:
        """Free times of a diary."""
        worker = await self.link_worker(caller, link_worker)
        begins, ends = _span(first, last)

        async def read(tx: Transaction) -> Diaries:
            return await self.asking.diaries.load_for(tx, worker, first, last, self.now())

        diaries = await self.asking.kernel.transact(read)
        return [
            slot
            for n in range((last - first).days + 1)
            for slot in diaries.free(worker, first + timedelta(days=n))
            if max(begins, self.now()) <= slot.starts_at < ends
        ]

    async def needs_you(self, caller: Principal, limit: int = 200) -> list[NeedsYouLine]:
        """What needs the caller, oldest first, with the reason, since when and what to do."""
        links = await self.link_states.alerting(caller.localities)
        told = [{"view.reasons.since": {"$lte": self.now()}}, {"referral": {"$in": links}}]
        rows = await self._own(caller, {"$and": [{"$or": told}]})
        lines = await self._lines(rows)
        found: list[NeedsYouLine] = []
        services = await self.directory.services(
            [p["service"] for row in rows for p in row["view"]["prescriptions"]]
        )
        for row in rows:
            case = lines.case(row)
            asked = {p["id"]: p["service"] for p in row["view"]["prescriptions"]}
            for reason in case.reasons:
                service_id = asked.get(reason.about or "")
                service = services.get(service_id or "")
                name, telephone = (service.name, service.telephone) if service else (None, None)
                found.append(NeedsYouLine(case, reason, service_id, name, telephone))
        found.sort(key=lambda line: (line.reason.since, line.case.referral_id, line.reason.reason))
        return found[:limit]

    async def caseload(self, caller: Principal, include_ended: bool = False) -> list[CaseLine]:
        """The caller's open cases, the earliest next step first; `include_ended`: ended ones after them."""
        rows = await self._own(caller, {} if include_ended else {"view.open": True})
        lines = await self._lines(rows)
        cases = [lines.case(row) for row in rows]
        return sorted(cases, key=by_day_and_time)

    async def case(self, caller: Principal, referral_id: str) -> CaseShown:
        """Story, meetings, plan and history. Audited: it is a read of a person's case."""
        return await self._case(caller, {"referral": referral_id})

    async def case_of_meeting(self, caller: Principal, meeting_id: str) -> CaseShown:
        """The case that a meeting belongs to."""
        return await self._case(caller, {"view.meetings.id": meeting_id})

    async def meeting(self, caller: Principal, meeting_id: str) -> MeetingShown:
        """A meeting, for those who may move it: its link worker and the practice's own staff."""
        row = await find_case(self.asking.kernel.mongo, caller, {"view.meetings.id": meeting_id}, AT_THE_DESK)
        found = next(m for m in row["view"]["meetings"] if m["id"] == meeting_id)
        return (await self._lines([row])).meeting(row, found)

    async def options(self, caller: Principal, meeting_id: str, count: int = 3) -> list[Slot]:
        """Other suitable times for a booked meeting, earliest first."""
        row = await find_case(self.asking.kernel.mongo, caller, {"view.meetings.id": meeting_id}, AT_THE_DESK)
        if row["view"]["active"] != meeting_id:
            raise problem_of(Refused("meeting_not_standing"))
        return await self._options(row, count)

    async def options_for(self, caller: Principal, referral_id: str, count: int = 3) -> list[Slot]:
        """Suitable times for a case without a meeting."""
        row = await find_case(self.asking.kernel.mongo, caller, {"referral": referral_id}, LINK_WORKER)
        return await self._options(row, count)

    async def options_to_reopen(self, caller: Principal, referral_id: str, count: int = 3) -> list[Slot]:
        """Suitable times for a case that has ended, if it is opened again."""
        row = await find_case(self.asking.kernel.mongo, caller, {"referral": referral_id}, LINK_WORKER)
        return await self._options(row, count, ended=True)

    async def colleagues(self, caller: Principal, referral_id: str) -> list[Colleague]:
        """To whom the case could be handed over."""
        row = await find_case(self.asking.kernel.mongo, caller, {"referral": referral_id}, LINK_WORKER)
        return await colleagues_of(
            self.asking.kernel.mongo,
            row["locality"],
            row["view"]["created"]["practice"],
            row["view"]["link_worker"] or caller.link_worker,
            london_day(self.now()),
        )

    async def people(
        self, caller: Principal, cases: Sequence[CaseLine | MeetingShown], fields: Sequence[str], purpose: str
    ) -> dict[str, dict[str, Any]]:
        """Names and the like of the people in these cases, by referral id, from the vault, audited there.

        One that is missing or erased is left out; an empty answer where the vault does not answer in time.
        """
        by_locality: dict[str, list[str]] = {}
        for case in cases:
            by_locality.setdefault(case.locality, []).append(case.referral_id)
        found: dict[str, dict[str, Any]] = {}
        for locality, referrals in by_locality.items():
            try:
                people = await self.vault.people(locality, referrals, fields, purpose, caller.subject)
            except (VaultAway, NotInVault):
                continue  # the pages say that names cannot be shown just now
            found |= {referral: dict(person) for referral, person in people.items()}
        return found

    async def link_state(self, case: CaseShown, prescription_id: str) -> LinkState:
        """How the links of one service of a case stand."""
        return await self.link_states.state(case.line.locality, prescription_id)

    async def notes(self, caller: Principal, referral_id: str, notes: Sequence[str]) -> dict[str, str]:
        """The texts of these notes by id, from the vault; left out where it does not answer."""
        row = await find_case(self.asking.kernel.mongo, caller, {"referral": referral_id}, LINK_WORKER)
        try:
            return await self.vault.notes(row["locality"], referral_id, notes, caller.subject)
        except (VaultAway, NotInVault):
            return {}

    async def _case(self, caller: Principal, which: dict[str, Any]) -> CaseShown:
        kernel = self.asking.kernel
        row = await find_case(kernel.mongo, caller, which, LINK_WORKER)
        await audit(caller, "read_case", row["referral"], "caseload", clock=kernel.clock)
        view = await kernel.view(row["locality"], row["referral"])
        if view is None:
            raise problem_of(Refused("unknown_case"))
        earlier = await self._rows(
            {
                "locality": row["locality"],
                "view.created.person_ref": row["view"]["created"]["person_ref"],
                "_id": {"$ne": row["_id"]},
            }
        )
        lines = await self._lines([row, *earlier])
        services = await self.directory.services([p["service"] for p in row["view"]["prescriptions"]])
        others = [lines.case(each) for each in earlier]
        return CaseShown(
            line=lines.case(row),
            story=view.story,
            meetings=tuple(lines.meeting(row, meeting) for meeting in row["view"]["meetings"]),
            prescriptions=prescriptions(view, services),
            history=history(view, row["locality"]),
            earlier=tuple(sorted(others, key=lambda case: case.created_at, reverse=True)),
        )

    async def _options(self, row: Row, count: int, *, ended: bool = False) -> list[Slot]:
        view = await self.asking.kernel.view(row["locality"], row["referral"])
        if view is None or view.story.erased or not (view.open or ended):
            raise problem_of(Refused("case_ended"))

        async def read(tx: Transaction) -> Diaries:
            return await self.asking.diaries.load(
                tx, [Loaded(row["locality"], row["referral"], view)], self.now()
            )

        diaries = await self.asking.kernel.transact(read)
        return _first(diaries, view, row["referral"], max(1, min(count, 20)))

    async def _own(self, caller: Principal, which: dict[str, Any]) -> list[Row]:
        """The caller's cases, and those that nobody has at the practices where the caller meets people."""
        worker = await own_entry(self.asking.kernel.mongo, caller)
        if worker is None:
            raise Problem(403, code="role", detail="Your role does not include this.")
        nobodys = {"view.link_worker": None, "view.created.practice": {"$in": sorted(worker.practices)}}
        return await self._rows(
            {**which, "locality": worker.locality, "$or": [{"view.link_worker": worker.id}, nobodys]}
        )

    async def _rows(self, which: dict[str, Any]) -> list[Row]:
        # The facts are not needed for a line, and there may be many.
        wanted = {**which, "view.created": which.get("view.created", {"$ne": None})}
        found = self.asking.kernel.mongo[REFERRALS].find(wanted, {"locality": 1, "referral": 1, "view": 1})
        return [row async for row in found]

    async def _lines(self, rows: Sequence[Row]) -> Lines:
        ended = await self.link_states.ended([row["referral"] for row in rows])
        names = {meeting["link_worker"] for row in rows for meeting in row["view"]["meetings"]}
        workers = await link_workers(self.asking.kernel.mongo, names)
        return Lines(self.asking.localities, workers, self.now(), ended)


def by_day_and_time(case: CaseLine) -> tuple[bool, date, datetime, datetime]:
    """The order of a caseload: open first, by the day of the next step, then by the time of its meeting.

    A case without a next step comes before all others. A step that has no time comes after the day's times.
    """
    day = case.step.on if case.step else date.min
    meets = case.active if case.step and case.step.code is NextStepCode.MEET else None
    at = meets.starts_at if meets else datetime.max.replace(tzinfo=UTC)
    return not case.open, day, at, case.created_at


def _first(diaries: Diaries, view: View, referral_id: str, count: int) -> list[Slot]:
    but_not = refused_times(view)
    if view.story.active is not None:
        but_not |= {time_key(view.story.active)}
    found: list[Slot] = []
    for slot in diaries.suitable(wish_of(view, diaries), referral_id):
        if slot.key not in but_not:
            found.append(slot)
        if len(found) == count:
            break
    return found


def _span(first: date, last: date) -> tuple[datetime, datetime]:
    if not timedelta() <= last - first <= timedelta(days=MOST_DAYS):
        raise Problem(422, code="days", detail=f"Ask for {MOST_DAYS} days at most, the first day first.")
    return day_start(first), day_start(last + timedelta(days=1))
