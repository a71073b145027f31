"""Use cases of a team: cover a colleague's case, take one of the queue, hand over many, take them back."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import blake2b
from typing import Final

from services.matching.authorization import own_entry
from services.matching.casework.inputs import HandingOver
from services.matching.casework.team import commands
from services.matching.casework.team.handed import UNDO_WITHIN, Handed, handed_in, record_undone
from services.matching.casework.team.queue import of_the_team, waits_for
from services.matching.casework.use_cases import CaseworkUseCases
from services.matching.collections import COVERS
from services.matching.command_runner import CommandRunner
from services.matching.errors import Refused
from services.matching.referral_state.commands import Command
from services.matching.request import RequestContext
from services.matching.roster.covers import MAX_DAYS, Cover, CoverReason, covers, standing
from services.matching.roster.link_workers import LinkWorker
from services.matching.web.refusals import problem_of, refusing
from shared.delivery.model.decision import DecisionContext
from shared.delivery.mongo.database import Row, Transaction
from shared.platform.web.audit import Change
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem

MAX_AT_ONCE: Final = 100


@dataclass
class TeamUseCases:
    """Changes by which link workers of a locality stand in for each other."""

    runner: CommandRunner
    casework: CaseworkUseCases

    async def open_cover(
        self, context: RequestContext, referral_id: str, reason: CoverReason, days: int = 1
    ) -> Cover:
        """Opens a colleague's case for the caller, for some days from now on. Nothing is shown before.

        A second cover with the same reason extends the first.

        Raises:
            Problem: 403 without an entry among the locality's link workers, 404 for a case of another
                locality, 409 for a case that has ended or is the caller's own.
        """
        if not 1 <= days <= MAX_DAYS:
            raise Problem(422, code="invalid", detail=f"Cover lasts from 1 to {MAX_DAYS} days.")
        worker = await self._link_worker(context.caller)
        row = await self._of_locality(worker, referral_id)
        view, now = row["view"], self.runner.kernel.clock()
        if not view["open"]:
            raise problem_of(Refused("case_ended"))
        if view["link_worker"] == worker.id:
            raise problem_of(Refused("own_case"))
        cover = Cover(
            self.runner.kernel.new_id(),
            worker.locality,
            referral_id,
            worker.id,
            view["link_worker"],
            reason,
            now,
            now + timedelta(days=days),
        )
        same = {"locality": worker.locality, "referral": referral_id, "link_worker": worker.id}
        earlier = await covers(
            self.runner.kernel.mongo, {**same, "reason": reason.value, **standing(now)}, most=1
        )
        if earlier:
            cover = replace(earlier[0], until=max(cover.until, earlier[0].until))

        async def work(tx: Transaction) -> None:
            await tx[COVERS].replace_one(
                {"_id": cover.cover_id}, cover.row(), upsert=True, session=tx.session
            )

        codes = (f"reason={reason.value}",)
        change = Change(context.caller, "open_cover", "", codes, worker.locality, referral_id)
        async with refusing():
            await self.runner.kernel.transact(work, owning=(worker.locality, "casework"), change=change)
        return cover

    async def end_cover(self, context: RequestContext, referral_id: str) -> None:
        """Ends the caller's cover of a case. The case still tells that it was opened."""
        worker = await self._link_worker(context.caller)
        now = self.runner.kernel.clock()
        which = {"locality": worker.locality, "referral": referral_id, "link_worker": worker.id}

        async def work(tx: Transaction) -> bool:
            ended = {"$set": {"until": now}}
            done = await tx[COVERS].update_many({**which, **standing(now)}, ended, session=tx.session)
            return bool(done.modified_count)

        change = Change(context.caller, "end_cover", locality=worker.locality, subject_ref=referral_id)
        async with refusing():
            if not await self.runner.kernel.transact(work, change=change):
                raise Refused("unknown_cover")

    async def take(self, context: RequestContext, referral_id: str) -> str:
        """Takes a case of the queue. Returns the hand-over's id, by which it can be undone.

        409 `does_not_wait` for a case that waits for nobody: its link worker hands it over, or it is covered.
        """
        worker = await self._link_worker(context.caller)
        row, batch = await self._of_locality(worker, referral_id), self._batch(context)
        if await handed_in(self.runner.kernel.mongo, batch):
            return batch  # The same form, sent twice.
        reasons = await waits_for(self.runner.kernel, worker, row)
        if not reasons:
            raise problem_of(Refused("does_not_wait"))
        how = HandingOver(keeps_time=True, batch=batch)
        await self.casework.hand_over(context, row, worker.id, how, "take")
        return batch

    async def hand_over(
        self, context: RequestContext, referrals: Sequence[str], link_worker: str, how: HandingOver
    ) -> tuple[str, dict[str, str]]:
        """Hands over these cases one by one. Returns the hand-over's id, and why the others stayed.

        A case that cannot go stays where it is, and does not hold up the others.
        """
        wanted = list(dict.fromkeys(referrals))
        if not 1 <= len(wanted) <= MAX_AT_ONCE:
            raise Problem(422, code="invalid", detail=f"Choose from 1 to {MAX_AT_ONCE} cases.")
        batch = self._batch(context)
        how = replace(how, batch=batch)
        # The same form, sent twice: these cases are the colleague's already.
        gone = {each.referral_id for each in await handed_in(self.runner.kernel.mongo, batch)}
        refused: dict[str, str] = {}
        for referral in wanted:
            if referral in gone:
                continue
            key = f"{context.key}:{referral}" if context.key else None
            try:
                await self.casework.change_link_worker(
                    RequestContext(context.caller, key), referral, link_worker, how
                )
            except Problem as problem:
                if problem.status_code >= 500:
                    raise
                refused[referral] = problem.code or "refused"
        return batch, refused

    async def undo(self, context: RequestContext, batch: str) -> dict[str, str]:
        """Takes a hand-over back, within a day. Returns why some cases stayed with the colleague.

        Each meeting gets its former time again, if that is still free in the former link worker's diary.

        Raises:
            Problem: 404 for a hand-over that the caller may not undo, 409 `too_late`.
        """
        kernel = self.runner.kernel
        cases = await handed_in(kernel.mongo, batch)
        if not cases or not all(self.may_undo(context.caller, each) for each in cases):
            raise problem_of(Refused("unknown_hand_over"))
        if kernel.clock() >= cases[0].at + UNDO_WITHIN:
            raise problem_of(Refused("too_late"))
        refused: dict[str, str] = {}
        for handed in cases:
            if handed.undone_at is not None:
                continue
            try:
                await self._taken_back(context, handed)
            except Problem as problem:
                if problem.status_code >= 500:
                    raise
                refused[handed.referral_id] = problem.code or "refused"
        return refused

    def may_undo(self, caller: Principal, handed: Handed) -> bool:
        """True for the author of a hand-over, and for the link worker from whom the case went."""
        mine = handed.before is not None and caller.link_worker == handed.before
        return caller.may_locality(handed.locality) and (handed.by == caller.subject or mine)

    async def _taken_back(self, context: RequestContext, handed: Handed) -> None:
        kernel = self.runner.kernel
        row = await kernel.stored(handed.locality, handed.referral_id)
        if row is None or row["view"]["link_worker"] != handed.to:
            raise problem_of(Refused("cannot_undo"))
        moves = self.runner.owners.elsewhere("booking", handed.locality) is None
        before = handed.before
        if before is None:
            raise problem_of(Refused("nobody_before"))

        def act() -> Command:
            return commands.change_link_worker(before, moves_meeting=moves, keeps_time=True, at=handed.met_at)

        async def recorded(tx: Transaction, _: DecisionContext) -> None:
            await record_undone(tx, handed, kernel.clock())

        key = f"{context.key}:{handed.referral_id}" if context.key else None
        await self.runner.run(
            RequestContext(context.caller, key), row, "undo-hand-over", (handed.batch,), act, within=recorded
        )

    async def _link_worker(self, caller: Principal) -> LinkWorker:
        worker = await own_entry(self.runner.kernel.mongo, caller)
        if caller.role != "link_worker" or worker is None or not worker.active:
            raise Problem(403, code="role", detail="Your role does not include this.")
        self.runner.owners.require_ours("casework", worker.locality)
        return worker

    async def _of_locality(self, worker: LinkWorker, referral_id: str) -> Row:
        return await of_the_team(self.runner.kernel, worker, referral_id)

    def _batch(self, context: RequestContext) -> str:
        """The same id for the same form sent twice."""
        if context.key is None:
            return self.runner.kernel.new_id()
        whole = f"{context.caller.subject}|{context.key}".encode()
        return blake2b(whole, digest_size=16, key=self.runner.keys.newest.secret[:64]).hexdigest()
