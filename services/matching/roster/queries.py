"""Link workers' entries, and the meetings that an absence moved."""

from dataclasses import dataclass
from datetime import date

from services.matching.authorization import link_worker_for
from services.matching.collections import LINK_WORKERS
from services.matching.command_runner import CommandRunner
from services.matching.referral_state.views import ToRing
from services.matching.roster.absence import moved_by
from services.matching.roster.link_workers import Leave, LinkWorker
from services.matching.roster.repository import worker_of
from shared.contract.api.casework import LinkWorkerEntry
from shared.platform.web.principal import Principal


@dataclass
class RosterQueries:
    """Queries of link workers."""

    runner: CommandRunner

    async def link_worker(self, caller: Principal, link_worker: str | None = None) -> LinkWorker:
        """The caller's own entry, or, for programme_admin and services, the one named."""
        return await link_worker_for(
            self.runner.kernel.mongo, caller, link_worker or caller.link_worker or ""
        )

    async def link_workers(self, locality: str) -> list[LinkWorkerEntry]:
        """The entries of a locality's link workers, by id."""
        found = self.runner.kernel.mongo[LINK_WORKERS].find({"locality": locality}).sort("_id", 1)
        return [LinkWorkerEntry.model_validate(worker_of(row).model_dump(mode="json")) async for row in found]

    async def moved_today(self, caller: Principal, day: date) -> list[ToRing]:
        """The meetings of this day that the caller's absence moved."""
        worker = await self.link_worker(caller)
        return await moved_by(self.runner, worker, Leave(first=day, last=day))
