"""Use cases of link workers' entries and absences."""

import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date

from services.matching.authorization import link_worker_for
from services.matching.booking import commands
from services.matching.booking.repository import touch_caseload, wake_waiting
from services.matching.booking.room_repository import leave_rooms
from services.matching.booking.use_cases import BookingUseCases, open_cases_with
from services.matching.calendar import london_day
from services.matching.collections import LINK_WORKERS
from services.matching.command_runner import CommandRunner
from services.matching.errors import Refused
from services.matching.referral_state.views import CaseLine, ToRing
from services.matching.request import RequestContext
from services.matching.roster.absence import here_after_all, moved_by, offer_times, replace_leave
from services.matching.roster.link_workers import Leave, LinkWorker
from services.matching.roster.moves import in_leave, in_order_of_choice, shortened
from services.matching.roster.repository import add_leave, last_change, rooms_named, row_of, worker_of
from services.matching.web.refusals import problem_of, refusing
from shared.delivery.mongo.database import Transaction
from shared.platform.errors import NotOwner
from shared.platform.web.audit import Change
from shared.platform.web.not_owner import refusal_of
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem
from shared.platform.web.validation import FieldError


@dataclass
class RosterUseCases:
    """Changes of link workers' entries, and their absences."""

    runner: CommandRunner
    booking: BookingUseCases

    async def put_link_worker(
        self, caller: Principal, worker: LinkWorker, version: int | None = None
    ) -> LinkWorker:
        """Stores a link worker's entry. Moves meetings on days of leave, and no others.

        A repeat finishes the work of a process that died. Meetings that partners booked with this link worker
        before the entry get their time in the diary. Where booking has another owner, it reads the entry and
        moves the meetings.

        `version`: that on which the change rests, 0 for no entry; None for any.

        Raises:
            Problem: 404 for a locality or an entry that is not the caller's, 422 for a practice elsewhere,
                409 `changed_since` for another version, `not_owner` if casework has another owner there.
        """
        if not caller.may_locality(worker.locality) or worker.locality not in self.runner.localities.by_slug:
            raise problem_of(Refused("unknown_link_worker"))
        self.runner.owners.require_ours("casework", worker.locality)
        change = self._change(caller, "put_link_worker", worker)
        return await self._enter(caller, worker, change, version=version)

    async def undo_change(self, context: RequestContext, link_worker: str) -> LinkWorker:
        """Takes back the last change of an entry. A link worker who was added is no longer active.

        Raises:
            Problem: 404, 409 `not_owner`, or `changed_since` if the entry is not as that change left it.
        """
        mongo = self.runner.kernel.mongo
        worker = await link_worker_for(mongo, context.caller, link_worker)
        self.runner.owners.require_ours("casework", worker.locality)
        last = await last_change(mongo, worker.id)
        if last is None:
            raise problem_of(Refused("changed_since"))
        before = last.before or worker.model_copy(update={"active": False})
        change = self._change(context.caller, "undo_link_worker", worker)
        return await self._enter(context.caller, before, change, version=last.version, undoes=True)

    async def adopt(self, worker: LinkWorker) -> None:
        """Stores an entry that casework's owner elsewhere published, with all that follows from it.

        Raises:
            Problem: the id is of another locality's link worker, or a practice is elsewhere.
        """
        published = Principal("casework", "service", frozenset({worker.locality}))
        await self._enter(published, worker, None)

    async def _enter(
        self,
        caller: Principal,
        worker: LinkWorker,
        change: Change | None,
        *,
        version: int | None = None,
        undoes: bool = False,
    ) -> LinkWorker:
        self._check_practices(worker)
        moved = False

        async def work(tx: Transaction) -> None:
            nonlocal moved
            row = await tx[LINK_WORKERS].find_one({"_id": worker.id}, session=tx.session)
            before = worker_of(row) if row is not None else None
            if before is not None and before.locality != worker.locality:
                raise Refused("unknown_link_worker")
            known = row["v"] if row is not None else 0
            if change is not None:
                await self._check_rooms(tx, worker)
            if version not in (None, known):
                raise Refused("changed_since")
            new = row_of(
                worker,
                known + 1,
                before=before,
                may_undo=change is not None and not undoes and before != worker,
            )
            await tx[LINK_WORKERS].replace_one({"_id": worker.id}, new, upsert=True, session=tx.session)
            await touch_caseload(tx, worker.locality, worker.id)
            moved = before is not None and [h.room for h in before.hours] != [h.room for h in worker.hours]
            if left := (before.rooms - worker.rooms if before else frozenset()):
                await leave_rooms(tx, worker.id, left, london_day(self.runner.kernel.clock()))
            practices = worker.practices | (before.practices if before else frozenset())
            await wake_waiting(tx, worker.locality, practices, self.runner.kernel.clock())

        if change is not None:
            await self._write(worker, work, change)
        else:  # What casework's owner elsewhere published.
            async with refusing():
                await self.runner.kernel.transact(work)
        if self._moves_elsewhere(worker):
            return worker
        with contextlib.suppress(NotOwner):  # Booking has just gone: the next owner reads the entry.
            async with refusing():
                await self.booking.enter_meetings(worker, every=moved)
        today = london_day(self.runner.kernel.clock())
        for leave in worker.leave:
            if leave.last >= today:
                await self.move_away(RequestContext(caller), worker, leave)
        return worker

    async def off_sick(self, context: RequestContext, link_worker: str, day: date) -> list[ToRing]:
        """Frees that day, rebooks every meeting, and returns the people to ring, by time of day.

        A repeat returns the same list and changes nothing.
        """
        return await self.away(context, link_worker, Leave(first=day, last=day))

    async def away(self, context: RequestContext, link_worker: str, leave: Leave) -> list[ToRing]:
        """Records leave: no meeting is booked there, and booked ones are rebooked.

        Returns the people to ring. Where booking has another owner, it moves the meetings within a minute,
        and those that it has moved so far are returned.

        Raises:
            Problem: 404 for a link worker for whom the caller may not act, 409 `not_owner`.
        """
        worker = await self._may_change_leave(context, link_worker)
        change = self._change(context.caller, "add_absence", worker)
        await self._write(worker, lambda tx: _add_leave(tx, worker, leave), change)
        if self._moves_elsewhere(worker):
            return await moved_by(self.runner, worker, leave)
        return await self.move_away(context, worker, leave)

    async def back(self, context: RequestContext, link_worker: str, leave: Leave, day: date) -> LinkWorker:
        """Ends a leave on the day on which the link worker is back. Meetings that were moved keep their time.

        Raises:
            Problem: 404, 409 `not_away` if this is no leave of theirs, 409 `not_owner`.
        """
        worker = await self._may_change_leave(context, link_worker)
        if leave not in worker.leave or day > leave.last:
            raise problem_of(Refused("not_away"))
        left = shortened(leave, day)

        async def work(tx: Transaction) -> None:
            await replace_leave(tx, worker, leave, left)
            await offer_times(tx, worker, self.runner)

        await self._write(worker, work, self._change(context.caller, "end_absence", worker))
        return await link_worker_for(self.runner.kernel.mongo, context.caller, link_worker)

    async def _may_change_leave(self, context: RequestContext, link_worker: str) -> LinkWorker:
        if context.caller.role not in ("link_worker", "programme_admin"):
            raise Problem(403, code="role", detail="Your role does not include this.")
        worker = await link_worker_for(self.runner.kernel.mongo, context.caller, link_worker)
        self.runner.owners.require_ours("casework", worker.locality)
        return worker

    async def _write(
        self, worker: LinkWorker, work: Callable[[Transaction], Awaitable[None]], change: Change
    ) -> None:
        """Changes the roster, if casework is ours until the change is stored.

        Raises:
            Problem: 409 `not_owner`, or 503 while casework changes hands. Nothing was written.
        """
        try:
            async with refusing():
                await self.runner.kernel.transact(work, owning=(worker.locality, "casework"), change=change)
        except NotOwner as other:
            raise refusal_of(self.runner.localities, other) from None

    def _change(self, caller: Principal, action: str, worker: LinkWorker) -> Change:
        """A change of an entry, which is about no referral."""
        codes = (f"link_worker={worker.id.lower()}",)
        return Change(caller, action, codes=codes, locality=worker.locality)

    def _moves_elsewhere(self, worker: LinkWorker) -> bool:
        """True if another owner of booking moves this link worker's meetings."""
        return self.runner.owners.elsewhere("booking", worker.locality) is not None

    async def move_away(self, context: RequestContext, worker: LinkWorker, leave: Leave) -> list[ToRing]:
        """Rebooks every meeting of this link worker on these days, when their leave is stored already.

        If booking goes to another owner meanwhile, the next owner reads the leave and moves the rest.
        """
        then = {**in_leave(worker, leave), "status": "booked"}
        meets = await open_cases_with(self.runner.kernel.mongo, worker, then)
        for row in in_order_of_choice(meets):
            try:
                await self.runner.run(
                    RequestContext(context.caller),
                    row,
                    "away",
                    (),
                    lambda: commands.link_worker_away(worker.id, leave),
                )
            except Problem as problem:
                if isinstance(problem.__cause__, NotOwner):
                    break
                raise
        return await moved_by(self.runner, worker, leave)

    async def here_after_all(self, context: RequestContext, link_worker: str, leave: Leave) -> list[ToRing]:
        """Takes a leave back. Coming meetings get their times again if these are free.

        A person who agreed to the new time keeps it, and so does everybody where booking has another owner.
        Returns all people whom the absence had moved, with their present meeting. 409 `not_away` if this is
        no leave of theirs.
        """
        worker = await self._may_change_leave(context, link_worker)
        if leave not in worker.leave:
            raise problem_of(Refused("not_away"))
        moved = await moved_by(self.runner, worker, leave)
        change = self._change(context.caller, "remove_absence", worker)
        await self._write(worker, lambda tx: replace_leave(tx, worker, leave, None), change)
        if self._moves_elsewhere(worker):
            return moved
        found = []
        for each in moved:
            now = await self._given_back(context, worker, each)
            found.append(ToRing(now, each.was, now.active))
        async with refusing():
            await self.runner.kernel.transact(lambda tx: offer_times(tx, worker, self.runner))
        return found

    async def _given_back(self, context: RequestContext, worker: LinkWorker, moved: ToRing) -> CaseLine:
        """The case with its old time again, or unchanged if the time is not free."""
        row = {"locality": worker.locality, "referral": moved.case.referral_id}
        act = here_after_all(moved.was.meeting_id)
        try:
            done = await self.runner.run(
                RequestContext(context.caller), row, "here-after-all", (), lambda: act
            )
        except Problem as problem:
            if problem.status_code != 409:
                raise
            return moved.case
        return done.case

    async def _check_rooms(self, tx: Transaction, worker: LinkWorker) -> None:
        known = await rooms_named(tx, worker.rooms)
        wrong = [
            FieldError(f"/hours/{place}/room", "unknown_room", "There is no such room in the locality.")
            for place, hours in enumerate(worker.hours)
            if hours.room is not None
            and (hours.room not in known or known[hours.room].locality != worker.locality)
        ]
        if wrong:
            raise Problem(422, code="invalid", errors=wrong)

    def _check_practices(self, worker: LinkWorker) -> None:
        for place, hours in enumerate(worker.hours):
            for code in hours.practices:
                there = self.runner.localities.of_practice(code)
                if there is None or there.slug != worker.locality:
                    wrong = FieldError(
                        f"/hours/{place}/practices",
                        "practice_elsewhere",
                        "This practice is not of the link worker's locality.",
                    )
                    raise Problem(422, code="invalid", errors=[wrong])


async def _add_leave(tx: Transaction, worker: LinkWorker, leave: Leave) -> None:
    if any(have.first <= leave.first and leave.last <= have.last for have in worker.leave):
        return
    await add_leave(tx, worker.id, leave)
    await touch_caseload(tx, worker.locality, worker.id)
