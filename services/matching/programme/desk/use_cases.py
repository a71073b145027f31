"""Use cases of supervision: record a session, withdraw it, read what was said about its cases."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from hashlib import blake2b
from typing import Final

from services.matching.calendar import london_day
from services.matching.clients.vault import NotInVault, Vault, VaultAway
from services.matching.command_runner import CommandRunner
from services.matching.errors import Refused
from services.matching.programme.desk.queries import DeskQueries
from services.matching.programme.desk.sessions import store_session, withdraw_session
from services.matching.programme.desk.views import Discussed, Session
from services.matching.request import RequestContext
from services.matching.web.refusals import problem_of, refusing
from shared.delivery.mongo.database import Transaction
from shared.delivery.unit_of_work.unit_of_work import REFERRALS
from shared.platform.web.audit import Change
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem

MAX_CASES: Final = 30


@dataclass
class SupervisionUseCases:
    """Changes of supervision by managers."""

    runner: CommandRunner
    vault: Vault
    desk: DeskQueries

    async def record(
        self,
        context: RequestContext,
        link_worker: str,
        held_on: date,
        next_on: date | None,
        cases: Mapping[str, str],
    ) -> Session:
        """Records a session. `cases`: by referral, what was said, without anything that names the person.

        Each text goes to the vault, under the person's own key: erasing the person erases it.

        Raises:
            Problem: 404 for a link worker or a case of another locality, 422 for a day that cannot be,
                503 if the vault does not answer. Then nothing is stored.
        """
        row = await self.desk.link_worker(context.caller, link_worker)
        kernel = self.runner.kernel
        today = london_day(kernel.clock())
        if not today - timedelta(days=366) <= held_on <= today:
            raise problem_of(Refused("session_day"))
        if next_on is not None and not held_on < next_on <= today + timedelta(days=366):
            raise problem_of(Refused("next_session_day"))
        if len(cases) > MAX_CASES:
            raise Problem(422, code="invalid", detail=f"Name at most {MAX_CASES} cases.")
        which = {"locality": row.locality, "referral": {"$in": list(cases)}}
        if await kernel.mongo[REFERRALS].count_documents(which) != len(cases):
            raise problem_of(Refused("unknown_case"))
        session_id = self._id(context)
        kept = [
            Discussed(referral, await self._note(row.locality, referral, text, session_id))
            for referral, text in cases.items()
        ]
        session = Session(
            session_id,
            row.locality,
            link_worker,
            context.caller.subject,
            held_on,
            next_on,
            tuple(kept),
            kernel.clock(),
        )

        async def work(tx: Transaction) -> None:
            await store_session(tx, session)

        change = _change(context, "record_supervision", session)
        async with refusing():
            await kernel.transact(work, owning=(row.locality, "casework"), change=change)
        return session

    async def withdraw(self, context: RequestContext, session_id: str) -> None:
        """Withdraws a session that was recorded by mistake. Its author or another manager may."""
        session = await self.desk.session(context.caller, session_id)
        now = self.runner.kernel.clock()

        async def work(tx: Transaction) -> None:
            await withdraw_session(tx, session.session_id, now)

        change = _change(context, "withdraw_supervision", session)
        async with refusing():
            await self.runner.kernel.transact(work, change=change)

    async def read(self, caller: Principal, session_id: str) -> tuple[Session, dict[str, str]]:
        """A session with what was said about each case, by referral. Audited, here and in the vault."""
        session = await self.desk.session(caller, session_id)
        trail = self.runner.kernel.audit
        await trail.reads(caller, "read_supervision", [session_id], "supervision", session.locality)
        said: dict[str, str] = {}
        for each in session.cases:
            if each.note is None:
                continue
            try:
                found = await self.vault.notes(
                    session.locality, each.referral_id, [each.note], caller.subject
                )
            except (VaultAway, NotInVault):
                continue
            if each.note in found:
                said[each.referral_id] = found[each.note]
        return session, said

    async def _note(self, locality: str, referral: str, text: str, session_id: str) -> str | None:
        if not text.strip():
            return None
        try:
            return await self.vault.keep_note(
                locality, referral, "note", text.strip(), f"supervision:{session_id}:{referral}"
            )
        except VaultAway:
            raise Problem(
                503, code="vault_away", detail="Texts cannot be kept just now. Nothing was saved; try again."
            ) from None
        except NotInVault:
            raise Problem(
                409, code="not_in_vault", detail="Texts about this person are not kept here. Leave them out."
            ) from None

    def _id(self, context: RequestContext) -> str:
        """The same id for the same form sent twice."""
        if context.key is None:
            return self.runner.kernel.new_id()
        whole = f"supervision|{context.caller.subject}|{context.key}".encode()
        return blake2b(whole, digest_size=16, key=self.runner.keys.newest.secret[:64]).hexdigest()


def _change(context: RequestContext, action: str, session: Session) -> Change:
    """A change of a session, which is about a link worker and no person."""
    return Change(context.caller, action, locality=session.locality, subject_ref=session.session_id)
