"""Link workers' entries, the meetings that an absence moved, and those that it would move."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

from services.matching.authorization import link_worker_for, within_localities
from services.matching.booking.use_cases import open_cases_with
from services.matching.collections import CASELOADS, LINK_WORKERS
from services.matching.command_runner import CommandRunner
from services.matching.errors import Refused
from services.matching.referral_state.views import ToRing
from services.matching.roster.absence import moved_by
from services.matching.roster.link_workers import Leave, LinkWorker
from services.matching.roster.moves import booked_in, in_leave, in_order_of_choice, on_leave
from services.matching.roster.proposals import Proposals
from services.matching.roster.repository import LastChange, change_in, worker_of
from services.matching.web.refusals import problem_of
from shared.contract.api.casework import LinkWorkerEntry
from shared.delivery.mongo.database import Row
from shared.platform.clock import LONDON
from shared.platform.web.owners import Owner
from shared.platform.web.principal import Principal


@dataclass(frozen=True, slots=True)
class Entry:
    """A link worker's entry as a page changes it. `change`: its last change, if that can be undone."""

    worker: LinkWorker
    version: int
    change: LastChange | None
    open_cases: int


@dataclass(frozen=True, slots=True)
class LeavePreview:
    """Meetings that a leave would move, with the times that they would get now.

    `moved_by`: another owner of booking, who moves them and is not asked for the times.
    """

    meetings: Sequence[ToRing]
    moved_by: Owner | None = None


@dataclass
class RosterQueries:
    """Queries of link workers."""

    runner: CommandRunner
    proposals: Proposals

    async def link_worker(self, caller: Principal, link_worker: str | None = None) -> LinkWorker:
        """The caller's own entry, or, for programme_admin and services, the one named."""
        return await link_worker_for(
            self.runner.kernel.mongo, caller, link_worker or caller.link_worker or ""
        )

    async def link_workers(self, locality: str) -> list[LinkWorkerEntry]:
        """The entries of a locality's link workers, by id."""
        found = self.runner.kernel.mongo[LINK_WORKERS].find({"locality": locality}).sort("_id", 1)
        return [LinkWorkerEntry.model_validate(worker_of(row).model_dump(mode="json")) async for row in found]

    async def entries(self, caller: Principal) -> list[Entry]:
        """The entries of the caller's localities, by id."""
        mongo = self.runner.kernel.mongo
        rows = [row async for row in mongo[LINK_WORKERS].find(within_localities(caller)).sort("_id", 1)]
        loads = mongo[CASELOADS].find({"_id": {"$in": [row["_id"] for row in rows]}})
        cases = {row["_id"]: len(row["referrals"]) async for row in loads}
        return [_entry(row, cases.get(row["_id"], 0)) for row in rows]

    async def entry(self, caller: Principal, link_worker: str) -> Entry:
        """One entry of the caller's localities. 404 otherwise."""
        mongo = self.runner.kernel.mongo
        row = await mongo[LINK_WORKERS].find_one({"_id": link_worker, **within_localities(caller)})
        if row is None:
            raise problem_of(Refused("unknown_link_worker"))
        load = await mongo[CASELOADS].find_one({"_id": link_worker}) or {"referrals": ()}
        return _entry(row, len(load["referrals"]))

    async def outside_hours(self, worker: LinkWorker) -> int:
        """The number of coming appointments that lie outside the link worker's hours. They stand."""
        now = self.runner.kernel.clock()
        booked = {"link_worker": worker.id, "starts_at": {"$gt": now}, "status": "booked"}
        rows = await open_cases_with(self.runner.kernel.mongo, worker, booked)
        starts = [
            meeting["starts_at"].astimezone(LONDON)
            for row in rows
            for meeting in row["view"]["meetings"]
            if meeting["id"] == row["view"]["active"] and meeting["link_worker"] == worker.id
        ]
        return sum(
            not any(
                hours.weekday == start.weekday() and hours.opens <= start.time() < hours.closes
                for hours in worker.hours
            )
            for start in starts
            if start > now
        )

    async def next_id(self, locality: str) -> str:
        """An id for another link worker of the locality, which nobody has."""
        taken = set(await self.runner.kernel.mongo[LINK_WORKERS].distinct("_id", {}))
        return next(name for n in range(1, len(taken) + 2) if (name := f"lw-{locality}-{n}") not in taken)

    async def moved_today(self, caller: Principal, day: date) -> list[ToRing]:
        """The meetings of this day that the caller's absence moved."""
        return await self.moved(caller, caller.link_worker or "", Leave(first=day, last=day))

    async def moved(self, caller: Principal, link_worker: str, leave: Leave) -> list[ToRing]:
        """The meetings that a link worker's leave moved."""
        return await moved_by(self.runner, await self.link_worker(caller, link_worker), leave)

    async def preview(self, caller: Principal, link_worker: str, leave: Leave) -> LeavePreview:
        """The meetings that this leave would move if it were recorded now. Nothing is changed.

        Raises:
            Problem: 404 for a link worker for whom the caller may not act, 409 `not_owner`.
        """
        kernel, worker = self.runner.kernel, await self.link_worker(caller, link_worker)
        self.runner.owners.require_ours("casework", worker.locality)
        booked = {**in_leave(worker, leave), "status": "booked"}
        rows = in_order_of_choice(
            row
            for row in await open_cases_with(kernel.mongo, worker, booked)
            if booked_in(row, worker, leave)
        )
        elsewhere = self.runner.owners.elsewhere("booking", worker.locality)
        change = None if elsewhere else partial(on_leave, worker=worker, leave=leave)
        return LeavePreview(await self.proposals.moves(worker, rows, change), elsewhere)


def _entry(row: Row, open_cases: int) -> Entry:
    return Entry(worker_of(row), row["v"], change_in(row), open_cases)
