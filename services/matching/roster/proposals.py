"""Previews of what a leave or an appointment moves, by the decisions that will move it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.matching.booking.diary import Diaries
from services.matching.booking.repository import DiaryStore
from services.matching.command_runner import CommandRunner
from services.matching.referral_state.presenter import CasePresenter
from services.matching.referral_state.views import ToRing
from services.matching.roster.link_workers import LinkWorker
from services.matching.roster.moves import Proposed, moved_to, moves_for
from services.matching.roster.repository import link_workers
from shared.delivery.model.service_definition import Loaded
from shared.delivery.mongo.database import Row, Transaction

Change = Callable[[Diaries], Diaries]


@dataclass(frozen=True)
class Proposals:
    """Times that people would get now. Nothing is stored."""

    runner: CommandRunner
    diaries: DiaryStore

    async def moves(self, worker: LinkWorker, rows: Sequence[Row], change: Change | None) -> list[ToRing]:
        """The meetings of these cases with their times after a change of the diaries, by time of day.

        `rows` are in the order of choice. `change`: None where others keep the diaries.
        """
        proposed = await self._proposed(worker, rows, change) if change is not None and rows else {}
        kernel = self.runner.kernel
        names = {meeting["link_worker"] for row in rows for meeting in row["view"]["meetings"]}
        lines = CasePresenter(self.runner.localities, await link_workers(kernel.mongo, names), kernel.clock())
        found = []
        for row in rows:
            case = lines.case(row)
            if case.active is not None:
                one = proposed.get(case.referral_id)
                found.append(ToRing(case, case.active, moved_to(case.active, one.slot) if one else None))
        return sorted(found, key=lambda each: (each.was.starts_at, each.case.referral_id))

    async def _proposed(self, worker: LinkWorker, rows: Sequence[Row], change: Change) -> dict[str, Proposed]:
        kernel = self.runner.kernel
        cases = []
        for row in rows:
            view = await kernel.view(row["locality"], row["referral"])
            if view is not None:
                cases.append((row["referral"], view))

        async def read(tx: Transaction) -> Diaries:
            loaded = [Loaded(worker.locality, referral, view) for referral, view in cases]
            return await self.diaries.load(tx, loaded, kernel.clock())

        diaries = change(await kernel.transact(read))
        return {each.referral_id: each for each in moves_for(cases, diaries, worker)}
