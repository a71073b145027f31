"""Use cases of link workers' own appointments. One over booked meetings moves them, as leave does."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any

from services.matching.authorization import link_worker_for
from services.matching.booking.appointments import Appointment, TimeWanted, make_room
from services.matching.booking.appointments_repository import (
    add_appointment,
    find_appointment,
    following,
    mark_removed,
)
from services.matching.booking.repository import wake_waiting
from services.matching.booking.use_cases import open_cases_with
from services.matching.command_runner import CommandRunner
from services.matching.referral_state.presenter import CasePresenter
from services.matching.referral_state.views import ToRing
from services.matching.request import RequestContext
from services.matching.roster.absence import here_after_all
from services.matching.roster.link_workers import LinkWorker
from services.matching.roster.moves import booked_in, in_order_of_choice, kept_free
from services.matching.roster.proposals import Proposals
from services.matching.roster.repository import link_workers
from services.matching.web.refusals import refusing
from shared.contract.events import vocabulary as v
from shared.delivery.mongo.database import Row, Transaction
from shared.delivery.unit_of_work.unit_of_work import REFERRALS
from shared.platform.errors import NotOwner
from shared.platform.web.audit import Change
from shared.platform.web.not_owner import refusal_of
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem

# No meeting lasts longer.
_LONGEST = timedelta(hours=4)


@dataclass(frozen=True, slots=True)
class AppointmentDone:
    """An appointment after a change, and the people whose meetings it or a later one moved, by time of day.

    `later`: those of its series that come after it, removed ones among them.
    """

    appointment: Appointment
    to_ring: list[ToRing]
    later: tuple[Appointment, ...] = ()

    def with_later(self, *, later: bool) -> list[Appointment]:
        """This appointment, and if wanted those that come after it."""
        return [self.appointment, *(self.later if later else ())]


@dataclass
class AppointmentUseCases:
    """Appointments of the caller's own diary. The programme may act for a link worker.

    409 `not_owner` where another owner keeps the diaries.
    """

    runner: CommandRunner
    proposals: Proposals

    async def preview(
        self, caller: Principal, link_worker: str, wanted: TimeWanted, until: date | None = None
    ) -> list[ToRing]:
        """The meetings that an appointment would move, with the times that they would get, by time of day.

        Nothing is changed. `until`: it repeats each week until that day.
        """
        worker, now = await self._worker(caller, link_worker), self.runner.kernel.clock()
        async with refusing():
            wanted.check(now)
            times = wanted.weekly(until)
        kept = [_appointment(worker, each, "") for each in times]
        rows = {
            row["referral"]: row
            for each in kept
            for row in await self._booked(worker, each)
            if booked_in(row, worker, each)
        }
        found = await self.proposals.moves(
            worker, in_order_of_choice(rows.values()), partial(kept_free, appointments=kept)
        )
        return [each for each in found if each.was.starts_at + timedelta(minutes=each.was.minutes) > now]

    async def add(
        self,
        context: RequestContext,
        link_worker: str,
        wanted: TimeWanted,
        *,
        move: bool,
        until: date | None = None,
    ) -> AppointmentDone:
        """Stores an appointment, and moves the meetings that fall into it.

        A repeat finishes the work of a process that died. `move`: false refuses with 409 `meetings_there` if
        people are booked there. `until`: it repeats each week until that day; all are stored, or none.
        """
        worker = await self._worker(context.caller, link_worker)
        kernel = self.runner.kernel
        now, series = kernel.clock(), kernel.new_id() if until else ""
        stored: list[Appointment] = []

        async def work(tx: Transaction) -> None:
            stored.clear()
            wanted.check(now)
            for each in wanted.weekly(until):
                new = _appointment(worker, each, kernel.new_id(), series)
                stored.append(await add_appointment(tx, worker, new, now, move=move))

        await self._write(worker, work, self._change(context, "add_appointment", worker))
        for appointment in stored:
            await self._move(context, worker, appointment)
        return await self.one(context.caller, link_worker, stored[0].appointment_id)

    async def one(self, caller: Principal, link_worker: str, appointment_id: str) -> AppointmentDone:
        """An appointment, removed or not, and the people whose meetings it or a later one moved."""
        worker, mongo = await self._worker(caller, link_worker), self.runner.kernel.mongo
        async with refusing():
            found = await find_appointment(mongo, worker.id, appointment_id)
        later = tuple(await following(mongo, found))
        to_ring = [moved for each in (found, *later) for moved in await self._moved(worker, each)]
        return AppointmentDone(found, to_ring, later)

    async def remove(
        self, context: RequestContext, link_worker: str, appointment_id: str, *, later: bool = False
    ) -> AppointmentDone:
        """Removes an appointment. Moved meetings get their times again, unless the person agreed to another.

        The rest of the time is offered to waiting referrals. `later`: those that come after it go too.
        """
        done = await self.one(context.caller, link_worker, appointment_id)
        worker = await self._worker(context.caller, link_worker)
        now, gone = self.runner.kernel.clock(), done.with_later(later=later)
        await self._mark(context, worker, gone, "remove_appointment", removed=True)
        for each in gone:
            for moved in await self._moved(worker, each):
                await self._give_back(context, worker, moved)
        await self._write(worker, lambda tx: wake_waiting(tx, worker.locality, worker.practices, now))
        return await self.one(context.caller, link_worker, appointment_id)

    async def put_back(
        self, context: RequestContext, link_worker: str, appointment_id: str, *, later: bool = False
    ) -> AppointmentDone:
        """Puts a removed appointment back. 409 `meetings_there` if people were booked there meanwhile.

        `later`: those that come after it come back too, or none of them.
        """
        done = await self.one(context.caller, link_worker, appointment_id)
        worker = await self._worker(context.caller, link_worker)
        back = done.with_later(later=later)
        await self._mark(context, worker, back, "put_back_appointment", removed=False)
        return await self.one(context.caller, link_worker, appointment_id)

    async def _mark(
        self,
        context: RequestContext,
        worker: LinkWorker,
        appointments: Sequence[Appointment],
        action: str,
        *,
        removed: bool,
    ) -> None:
        now = self.runner.kernel.clock()

        async def work(tx: Transaction) -> None:
            for each in appointments:
                if each.removed is not removed:
                    await mark_removed(tx, each, now, removed=removed)

        await self._write(worker, work, self._change(context, action, worker))

    async def _move(self, context: RequestContext, worker: LinkWorker, appointment: Appointment) -> None:
        """Moves the meetings that fall into a stored appointment."""
        for row in in_order_of_choice(await self._booked(worker, appointment)):
            try:
                await self.runner.run(
                    RequestContext(context.caller), row, "appointment", (), lambda: make_room(appointment)
                )
            except Problem as problem:
                if isinstance(problem.__cause__, NotOwner):
                    break
                raise

    async def _worker(self, caller: Principal, link_worker: str) -> LinkWorker:
        worker = await link_worker_for(self.runner.kernel.mongo, caller, link_worker)
        self.runner.owners.require_ours("booking", worker.locality)
        return worker

    def _change(self, context: RequestContext, action: str, worker: LinkWorker) -> Change:
        codes = (f"link_worker={worker.id.lower()}",)
        return Change(context.caller, action, codes=codes, locality=worker.locality)

    async def _write(
        self,
        worker: LinkWorker,
        work: Callable[[Transaction], Awaitable[None]],
        change: Change | None = None,
    ) -> None:
        try:
            async with refusing():
                await self.runner.kernel.transact(work, owning=(worker.locality, "booking"), change=change)
        except NotOwner as other:
            raise refusal_of(self.runner.localities, other) from None

    async def _booked(self, worker: LinkWorker, appointment: Appointment) -> list[Row]:
        """Open cases with a meeting near an appointment."""
        near = {**_near(appointment), "status": "booked"}
        return await open_cases_with(self.runner.kernel.mongo, worker, near)

    async def _moved(self, worker: LinkWorker, appointment: Appointment) -> list[ToRing]:
        """The people whose meetings were moved for an appointment, by time of day."""
        met = {**_near(appointment), "status": "cancelled", "why": v.CancelReason.LINK_WORKER_AWAY.value}
        kernel = self.runner.kernel
        which = {"locality": worker.locality, "view.meetings": {"$elemMatch": met}}
        rows: list[Row] = [row async for row in kernel.mongo[REFERRALS].find(which)]
        names = {meeting["link_worker"] for row in rows for meeting in row["view"]["meetings"]}
        lines = CasePresenter(self.runner.localities, await link_workers(kernel.mongo, names), kernel.clock())
        found = []
        for row in rows:
            case = lines.case(row)
            there = [
                lines.meeting(row, meeting)
                for meeting in row["view"]["meetings"]
                if meeting["link_worker"] == worker.id
                and meeting["status"] == "cancelled"
                and appointment.meets(meeting["starts_at"], meeting["minutes"])
            ]
            found += [ToRing(case, was, case.active) for was in there[:1]]
        return sorted(found, key=lambda each: (each.was.starts_at, each.case.referral_id))

    async def _give_back(self, context: RequestContext, worker: LinkWorker, moved: ToRing) -> None:
        """Gives a person the earlier time again, if it is free."""
        row = {"locality": worker.locality, "referral": moved.case.referral_id}
        act = here_after_all(moved.was.meeting_id)
        try:
            await self.runner.run(RequestContext(context.caller), row, "here-after-all", (), lambda: act)
        except Problem as problem:
            if problem.status_code != 409:
                raise


def _appointment(
    worker: LinkWorker, wanted: TimeWanted, appointment_id: str, series: str = ""
) -> Appointment:
    return Appointment(
        appointment_id,
        worker.id,
        wanted.starts_at,
        wanted.minutes,
        wanted.kind,
        wanted.note,
        series=series,
    )


def _near(appointment: Appointment) -> dict[str, Any]:
    """The stored meetings that may fall into an appointment; `Appointment.meets` tells of each."""
    return {
        "link_worker": appointment.link_worker,
        "starts_at": {"$gt": appointment.starts_at - _LONGEST, "$lt": appointment.ends_at},
    }
