"""Queries of a team: covers, the queue, colleagues' open cases, and hand-overs with their preview."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from services.matching.authorization import own_entry
from services.matching.booking.diary import Diaries
from services.matching.booking.handing import Handing, WhatBecomes, preview
from services.matching.booking.repository import DiaryStore
from services.matching.calendar import london_day
from services.matching.casework.team.handed import UNDO_WITHIN, Handed, handed_in, handed_lately
from services.matching.casework.team.queue import MAX_LINES, queue_filter, reasons_to_wait, team_of
from services.matching.casework.team.views import (
    Covered,
    CoverShown,
    HandedOver,
    HandOverShown,
    Preview,
    QueueLine,
)
from services.matching.casework.use_cases import HANDS_OVER
from services.matching.command_runner import CommandRunner
from services.matching.errors import Refused
from services.matching.referral_state.presenter import CasePresenter
from services.matching.referral_state.queries import ReferralQueries
from services.matching.referral_state.views import CaseLine
from services.matching.request import RequestContext
from services.matching.roster.covers import TOLD_FOR, Cover, CoverReason, covers, standing
from services.matching.roster.link_workers import LinkWorker
from services.matching.roster.repository import link_workers
from services.matching.web.refusals import problem_of
from shared.delivery.model.service_definition import Loaded
from shared.delivery.mongo.database import Row, Transaction
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem


@dataclass
class TeamQueries:
    """Queries of link workers who stand in for each other. None shows a person's name."""

    runner: CommandRunner
    referrals: ReferralQueries
    diaries: DiaryStore

    async def covers_of(self, locality: str, referral_id: str) -> list[CoverShown]:
        """Every cover of a case that the caller may see, the latest first."""
        return await self._shown(
            await covers(self.runner.kernel.mongo, {"locality": locality, "referral": referral_id})
        )

    async def covered(self, caller: Principal) -> list[Covered]:
        """The cases that the caller covers now, the first to end first."""
        worker = await self._worker(caller)
        now = self.runner.kernel.clock()
        mine = await covers(
            self.runner.kernel.mongo,
            {"locality": worker.locality, "link_worker": worker.id, **standing(now)},
        )
        lines = await self._lines(worker.locality, [each.referral_id for each in mine])
        names = await self._names([each.whose for each in mine])
        last = {each.referral_id: each for each in sorted(mine, key=lambda each: each.until)}
        return [
            Covered(lines[each.referral_id], names.get(each.whose or ""), each.reason, each.until)
            for each in last.values()
            if each.referral_id in lines
        ]

    async def covers_of_mine(self, caller: Principal) -> list[CoverShown]:
        """Covers of the caller's cases by colleagues: those that stand, and of the last two weeks."""
        worker = await self._worker(caller)
        since = self.runner.kernel.clock() - TOLD_FOR
        which = {"locality": worker.locality, "whose": worker.id, "until": {"$gt": since}}
        return await self._shown(await covers(self.runner.kernel.mongo, which))

    async def queue(self, caller: Principal) -> list[QueueLine]:
        """The open cases of the locality that wait for somebody, the most overdue first."""
        worker = await self._worker(caller)
        today = london_day(self.runner.kernel.clock())
        team = await team_of(self.runner.kernel, worker.locality)
        rows = await self.referrals.rows(queue_filter(worker, team, today))
        rows.sort(key=lambda row: (row["view"]["step"] or {"on": ""})["on"])
        rows = rows[:MAX_LINES]
        lines, names = await self.referrals.presenter(rows), {each.id: each.name for each in team}
        return [
            QueueLine(
                case=(case := lines.case(row)),
                waits_for=reasons_to_wait(row, team, today),
                whose=names.get(case.link_worker or ""),
                may_take=case.practice in worker.practices,
            )
            for row in rows
        ]

    async def colleagues(self, caller: Principal) -> list[LinkWorker]:
        """The other link workers of the caller's locality."""
        worker = await self._worker(caller)
        team = await team_of(self.runner.kernel, worker.locality)
        return [each for each in team if each.active and each.id != worker.id]

    async def cases_of(
        self, caller: Principal, link_worker: str, reason: CoverReason | None = None
    ) -> list[CaseLine]:
        """The open cases of a colleague of the same locality, without anything that names a person.

        `reason`: the reader wants to see the names too, which is audited before any is asked for.
        """
        worker = await self._worker(caller)
        if reason is not None:
            about, purpose = f"{worker.locality}:{link_worker}", f"cover:{reason.value}"
            trail = self.runner.kernel.audit
            await trail.reads(caller, "name_colleagues_cases", [about], purpose, worker.locality)
        rows = await self.referrals.rows(
            {"locality": worker.locality, "view.open": True, "view.link_worker": link_worker}
        )
        lines = await self.referrals.presenter(rows)
        return sorted((lines.case(row) for row in rows), key=lambda case: (case.created_at, case.referral_id))

    async def takers(self, caller: Principal, referrals: Sequence[str]) -> list[LinkWorker]:
        """The link workers who meet people of every one of these cases' practices."""
        rows = await self._given_away(caller, referrals)
        practices = {row["view"]["created"]["practice"] for row in rows}
        whose = {row["view"]["link_worker"] for row in rows}
        localities = {row["locality"] for row in rows}
        if len(localities) != 1:
            raise Problem(422, code="invalid", detail="Choose cases of one locality.")
        team = await team_of(self.runner.kernel, localities.pop())
        return [each for each in team if each.active and practices <= each.practices and whose != {each.id}]

    async def to_hand_over(self, caller: Principal, referrals: Sequence[str]) -> list[CaseLine]:
        """These cases, if the caller may hand each of them over."""
        rows = await self._given_away(caller, referrals)
        lines = await self.referrals.presenter(rows)
        return [lines.case(row) for row in rows]

    async def preview(
        self, caller: Principal, referrals: Sequence[str], link_worker: str, *, keeps_time: bool
    ) -> list[Preview]:
        """The effect that a hand-over would have on each case. It changes nothing, and holds no time."""
        rows = await self._given_away(caller, referrals)
        workers = await link_workers(self.runner.kernel.mongo, [link_worker])
        lines = await self.referrals.presenter(rows)
        return [
            await self._previewed(lines, row, workers.get(link_worker), keeps_time=keeps_time) for row in rows
        ]

    async def hand_over(self, caller: Principal, batch: str) -> HandOverShown:
        """A hand-over as it is now, for its author and the link workers of both sides."""
        cases = await handed_in(self.runner.kernel.mongo, batch)
        if not cases or not all(self._sees(caller, each) for each in cases):
            raise problem_of(Refused("unknown_hand_over"))
        lines = await self._lines(cases[0].locality, [each.referral_id for each in cases])
        names = await self._names([cases[0].to])
        until = cases[0].at + UNDO_WITHIN
        left = any(each.undone_at is None and each.before is not None for each in cases)
        may = all(
            each.by == caller.subject or (each.before and each.before == caller.link_worker) for each in cases
        )
        return HandOverShown(
            batch=batch,
            at=cases[0].at,
            to=cases[0].to,
            to_name=names.get(cases[0].to, cases[0].to),
            cases=tuple(_outcome(each, lines.get(each.referral_id)) for each in cases),
            undo_until=until if may and left and self.runner.kernel.clock() < until else None,
        )

    async def gone_lately(self, caller: Principal) -> list[Handed]:
        """The caller's cases that went to a colleague within the last day, and can be taken back."""
        worker = await self._worker(caller)
        kernel = self.runner.kernel
        return await handed_lately(kernel.mongo, worker.locality, worker.id, kernel.clock())

    async def name_of(self, link_worker: str) -> str:
        """The name of a link worker, or the id."""
        return (await self._names([link_worker])).get(link_worker, link_worker)

    async def _previewed(
        self, lines: CasePresenter, row: Row, to: LinkWorker | None, *, keeps_time: bool
    ) -> Preview:
        case = lines.case(row)
        coming = case.active.starts_at if case.active else None
        if to is None or not to.active or to.locality != case.locality:
            return Preview(case, coming, WhatBecomes.NO_MEETING, None, "unknown_link_worker")
        if case.practice not in to.practices:
            return Preview(case, coming, WhatBecomes.NO_MEETING, None, "not_serving")
        if not case.open:
            return Preview(case, coming, WhatBecomes.NO_MEETING, None, "case_ended")
        if self.runner.owners.elsewhere("booking", case.locality) is not None:
            return Preview(case, coming, WhatBecomes.BOOKED_ELSEWHERE, None)
        found = await self._handing(row, to.id, keeps_time=keeps_time)
        shown = None if found.becomes is WhatBecomes.NO_MEETING else coming
        return Preview(case, shown, found.becomes, found.at)

    async def _handing(self, row: Row, to: str, *, keeps_time: bool) -> Handing:
        kernel, locality, referral = self.runner.kernel, row["locality"], row["referral"]
        view = await kernel.view(locality, referral)
        if view is None:
            raise problem_of(Refused("unknown_case"))

        async def read(tx: Transaction) -> Diaries:
            return await self.diaries.load(tx, [Loaded(locality, referral, view)], kernel.clock())

        return preview(view, await kernel.transact(read), referral, to, keep=keeps_time)

    async def _given_away(self, caller: Principal, referrals: Sequence[str]) -> list[Row]:
        """These cases, each of which the caller may hand over."""
        context = RequestContext(caller)
        return [
            await self.runner.case(context, {"referral": each}, HANDS_OVER, part="casework")
            for each in dict.fromkeys(referrals)
        ]

    async def _worker(self, caller: Principal) -> LinkWorker:
        worker = await own_entry(self.runner.kernel.mongo, caller)
        if caller.role != "link_worker" or worker is None:
            raise Problem(403, code="role", detail="Your role does not include this.")
        self.runner.owners.require_ours("casework", worker.locality)
        return worker

    def _sees(self, caller: Principal, handed: Handed) -> bool:
        mine = caller.link_worker is not None and caller.link_worker in (handed.before, handed.to)
        return caller.may_locality(handed.locality) and (mine or handed.by == caller.subject)

    async def _lines(self, locality: str, referrals: Sequence[str]) -> dict[str, CaseLine]:
        rows = await self.referrals.rows({"locality": locality, "referral": {"$in": list(referrals)}})
        lines = await self.referrals.presenter(rows)
        return {row["referral"]: lines.case(row) for row in rows}

    async def _names(self, ids: Sequence[str | None]) -> dict[str, str]:
        found = await link_workers(self.runner.kernel.mongo, {each for each in ids if each is not None})
        return {name: worker.name for name, worker in found.items()}

    async def _shown(self, found: Sequence[Cover]) -> list[CoverShown]:
        names = await self._names([each.link_worker for each in found])
        now = self.runner.kernel.clock()
        return [
            CoverShown(
                each.referral_id,
                each.link_worker,
                names.get(each.link_worker, each.link_worker),
                each.whose,
                each.reason,
                each.at,
                each.until,
                each.stands(now),
            )
            for each in found
        ]


def _outcome(handed: Handed, case: CaseLine | None) -> HandedOver:
    """The case as it is now, beside the meeting that it had before."""
    now: Any = case.active if case else None
    if handed.met_at is None:
        became = WhatBecomes.NO_MEETING
    elif now is None:
        became = WhatBecomes.WAITS
    else:
        became = WhatBecomes.KEPT if now.starts_at == handed.met_at else WhatBecomes.MOVED
    return HandedOver(
        handed.referral_id, became, now.starts_at if now else None, undone=handed.undone_at is not None
    )
