"""Use cases of link workers' own appointments. One over booked meetings moves them, as leave does."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from services.matching.authorization import link_worker_for
from services.matching.booking.appointments import Appointment, TimeWanted, make_room
from services.matching.booking.appointments_repository import (
    add_appointment,
    find_appointment,
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
    """An appointment after a change, and the people whose meetings it moved, by time of day."""

    appointment: Appointment
    to_ring: list[ToRing]


@dataclass
class AppointmentUseCases:
    """Appointments of the caller's own diary. The programme may act for a link worker.

    409 `not_owner` where another owner keeps the diaries.
    """

    runner: CommandRunner

    async def preview(self, caller: Principal, link_worker: str, wanted: TimeWanted) -> list[ToRing]:
        """The meetings that an appointment would move, by time of day. Nothing is changed."""
        worker = await self._worker(caller, link_worker)
        async with refusing():
            wanted.check(self.runner.kernel.clock())
        return await self._meetings(worker, _appointment(worker, wanted, ""), ("booked",))

    async def add(
        self, context: RequestContext, link_worker: str, wanted: TimeWanted, *, move: bool
    ) -> AppointmentDone:
        """Stores an appointment, and moves the meetings that fall into it.

        A repeat finishes the work of a process that died. `move`: false refuses with 409 `meetings_there` if
        people are booked there.
        """
        worker = await self._worker(context.caller, link_worker)
        kernel = self.runner.kernel
        new, now = _appointment(worker, wanted, kernel.new_id()), kernel.clock()
        stored: list[Appointment] = []

        async def work(tx: Transaction) -> None:
            wanted.check(now)
            stored.append(await add_appointment(tx, worker, new, now, move=move))

        await self._write(worker, work, self._change(context, "add_appointment", worker))
        appointment = stored[-1]
        for row in await self._booked(worker, appointment):
            try:
                await self.runner.run(
                    RequestContext(context.caller), row, "appointment", (), lambda: make_room(appointment)
                )
            except Problem as problem:
                if isinstance(problem.__cause__, NotOwner):
                    break
                raise
        return AppointmentDone(appointment, await self._meetings(worker, appointment, ("cancelled",)))

    async def one(self, caller: Principal, link_worker: str, appointment_id: str) -> AppointmentDone:
        """An appointment of a diary, removed or not, and the people whose meetings it moved."""
        worker = await self._worker(caller, link_worker)
        async with refusing():
            found = await find_appointment(self.runner.kernel.mongo, worker.id, appointment_id)
        return AppointmentDone(found, await self._meetings(worker, found, ("cancelled",)))

    async def remove(self, context: RequestContext, link_worker: str, appointment_id: str) -> AppointmentDone:
        """Removes an appointment. Moved meetings get their times again, unless the person agreed to another.

        The rest of the time is offered to waiting referrals.
        """
        done = await self.one(context.caller, link_worker, appointment_id)
        worker = await self._worker(context.caller, link_worker)
        now = self.runner.kernel.clock()

        change = self._change(context, "remove_appointment", worker)
        await self._write(worker, lambda tx: mark_removed(tx, done.appointment, now, removed=True), change)
        for each in done.to_ring:
            await self._give_back(context, worker, each)
        await self._write(worker, lambda tx: wake_waiting(tx, worker.locality, worker.practices, now))
        return await self.one(context.caller, link_worker, appointment_id)

    async def put_back(
        self, context: RequestContext, link_worker: str, appointment_id: str
    ) -> AppointmentDone:
        """Puts a removed appointment back. 409 `meetings_there` if people were booked there meanwhile."""
        done = await self.one(context.caller, link_worker, appointment_id)
        worker = await self._worker(context.caller, link_worker)
        now = self.runner.kernel.clock()
        change = self._change(context, "put_back_appointment", worker)
        await self._write(worker, lambda tx: mark_removed(tx, done.appointment, now, removed=False), change)
        return await self.one(context.caller, link_worker, appointment_id)

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
        """Open cases with a meeting there. Urgent referrals choose first among the times that are left."""
        rows = await open_cases_with(
            self.runner.kernel.mongo, worker, {**_near(appointment), "status": "booked"}
        )
        return sorted(
            rows, key=lambda row: (row["view"]["created"]["urgency"] != "soon", row["view"]["created_at"])
        )

    async def _meetings(
        self, worker: LinkWorker, appointment: Appointment, statuses: tuple[str, ...]
    ) -> list[ToRing]:
        """The people with a meeting in an appointment's time that is to come, or was moved for it."""
        met: dict[str, Any] = {**_near(appointment), "status": {"$in": statuses}}
        if "cancelled" in statuses:
            met["why"] = v.CancelReason.LINK_WORKER_AWAY.value
        kernel = self.runner.kernel
        which = {"locality": worker.locality, "view.meetings": {"$elemMatch": met}}
        rows: list[Row] = [row async for row in kernel.mongo[REFERRALS].find(which)]
        names = {meeting["link_worker"] for row in rows for meeting in row["view"]["meetings"]}
        lines = CasePresenter(self.runner.localities, await link_workers(kernel.mongo, names), kernel.clock())
        found = []
        for row in rows:
            case, active = lines.case(row), row["view"]["active"]
            there = [
                lines.meeting(row, meeting)
                for meeting in row["view"]["meetings"]
                if meeting["link_worker"] == worker.id
                and meeting["status"] in statuses
                and (meeting["status"] != "booked" or meeting["id"] == active)
                and appointment.meets(meeting["starts_at"], meeting["minutes"])
            ]
            to_come = [
                each for each in there if each.starts_at + timedelta(minutes=each.minutes) > kernel.clock()
            ]
            shown = to_come if "booked" in statuses else there
            found += [ToRing(case, was, case.active) for was in shown[:1]]
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


def _appointment(worker: LinkWorker, wanted: TimeWanted, appointment_id: str) -> Appointment:
    return Appointment(appointment_id, worker.id, wanted.starts_at, wanted.minutes, wanted.kind, wanted.note)


def _near(appointment: Appointment) -> dict[str, Any]:
    """The stored meetings that may fall into an appointment; `Appointment.meets` tells of each."""
    return {
        "link_worker": appointment.link_worker,
        "starts_at": {"$gt": appointment.starts_at - _LONGEST, "$lt": appointment.ends_at},
    }
