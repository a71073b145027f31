"""Use cases of a case: the plan, contacts, agreements, undoing, its end and its beginning anew."""

from dataclasses import dataclass
from typing import Final

from services.matching.booking.undo import retract
from services.matching.casework import commands
from services.matching.casework.inputs import (
    PLAINLY,
    Closure,
    Contact,
    Decline,
    HandingOver,
    MeetingRecord,
    NextMeeting,
    Reopen,
    Retraction,
    Return,
    UnmetNeed,
)
from services.matching.casework.team.commands import change_link_worker
from services.matching.casework.team.handed import record_hand_over
from services.matching.clients.vault import NotInVault, Vault, VaultAway
from services.matching.collections import DRAFTS
from services.matching.command_runner import CommandRunner
from services.matching.errors import Refused
from services.matching.prescribing.inputs import SharingAnswer
from services.matching.referral_state.views import Done
from services.matching.request import RequestContext
from services.matching.roster.repository import link_workers
from services.matching.web.refusals import problem_of
from shared.contract.api.referral import NoteKind
from shared.contract.events import vocabulary as v
from shared.contract.events.outcomes import NextStep
from shared.delivery.model.decision import DecisionContext
from shared.delivery.mongo.database import Row, Transaction
from shared.delivery.unit_of_work.aggregate import aggregate_id
from shared.platform.web.problem import Problem

HANDS_OVER: Final = ("link_worker", "manager", "programme_admin")
ENDS_EARLY: Final = ("link_worker", "referrer")


@dataclass
class CaseworkUseCases:
    """Changes of a case by its link worker."""

    runner: CommandRunner
    vault: Vault

    async def plan(
        self, context: RequestContext, referral_id: str, record: MeetingRecord, meeting_id: str | None = None
    ) -> Done:
        """Saves the plan. With `meeting_id`, marks that meeting as attended.

        Texts go to the vault first. 503 if it does not answer; then nothing is saved. The draft is deleted.
        """
        row = await self.runner.case(context, {"referral": referral_id}, part="casework")
        notes = commands.NoteIds(
            what_matters=await self._note(context, row, "what_matters", record.what_matters, "what-matters"),
            note=await self._note(context, row, "note", record.note, "note"),
            goals={
                place: kept
                for place, goal in enumerate(record.goals)
                if (kept := await self._note(context, row, "goal", goal.words, f"goal-{place}"))
            },
        )

        async def drop_draft(tx: Transaction, _: DecisionContext) -> None:
            identity = aggregate_id(row["locality"], row["referral"])
            await tx[DRAFTS].delete_one({"_id": identity}, session=tx.session)

        return await self.runner.run(
            context,
            row,
            "plan",
            (record, meeting_id),
            lambda: commands.plan(record, notes, meeting_id),
            within=drop_draft,
            fresh_step=True,
        )

    async def contact(self, context: RequestContext, referral_id: str, contact: Contact) -> Done:
        """Records a call or message. A person reached by telephone leaves the ring list."""
        row = await self.runner.case(context, {"referral": referral_id}, part="casework")
        kept = await self._note(context, row, "note", contact.note, "note")
        return await self.runner.run(
            context, row, "contact", (contact,), lambda: commands.contact(contact, kept)
        )

    async def unmet(self, context: RequestContext, referral_id: str, unmet: UnmetNeed) -> Done:
        """Records a need for which nothing is suitable."""
        row = await self.runner.case(context, {"referral": referral_id}, part="casework")
        return await self.runner.run(context, row, "unmet", (unmet,), lambda: commands.unmet(unmet))

    async def next_step(
        self, context: RequestContext, referral_id: str, next_step: NextStep, note: str = ""
    ) -> Done:
        """Sets the next step and its day: today at the earliest, within a year."""
        row = await self.runner.case(context, {"referral": referral_id}, part="casework")
        kept = await self._note(context, row, "note", note, "note")
        return await self.runner.run(
            context,
            row,
            "next-step",
            (next_step, note),
            lambda: commands.say_step(next_step, kept, context.caller.link_worker),
        )

    async def sharing(self, context: RequestContext, referral_id: str, answer: SharingAnswer) -> Done:
        """Records an answer about sharing, in place of the earlier answer to the same question."""
        if (answer.agreement is v.Agreement.SERVICE) != (answer.prescription_id is not None):
            raise Problem(422, code="invalid", detail="Name the service, and only for this agreement.")
        row = await self.runner.case(context, {"referral": referral_id}, part="casework")
        return await self.runner.run(context, row, "sharing", (answer,), lambda: commands.sharing(answer))

    async def change_link_worker(
        self,
        context: RequestContext,
        referral_id: str,
        link_worker: str,
        how: HandingOver = PLAINLY,
    ) -> Done:
        """Hands the case to another link worker of the same practice; a future meeting goes to them.

        It can be undone for a day. A colleague who covers the case does not give it away.
        """
        row = await self.runner.case(context, {"referral": referral_id}, HANDS_OVER, part="casework")
        if context.caller.role == "link_worker" and row["view"]["link_worker"] not in (
            None,
            context.caller.link_worker,
        ):
            raise problem_of(Refused("covered_case"))
        return await self.hand_over(context, row, link_worker, how)

    async def hand_over(
        self,
        context: RequestContext,
        row: Row,
        link_worker: str,
        how: HandingOver,
        route: str = "link-worker",
    ) -> Done:
        """Hands over a case that the caller may give away or take."""
        colleague = (await link_workers(self.runner.kernel.mongo, [link_worker])).get(link_worker)
        # A link worker of another practice is in none of the diaries that the command reads.
        there = colleague.practices if colleague and colleague.locality == row["locality"] else None
        if there is not None and row["view"]["created"]["practice"] not in there:
            raise problem_of(Refused("not_serving"))
        moves = self.runner.owners.elsewhere("booking", row["locality"]) is None
        note = await self._note(context, row, "note", how.note, "note")
        batch = how.batch or self.runner.kernel.new_id()

        async def recorded(tx: Transaction, _: DecisionContext) -> None:
            await record_hand_over(tx, context.caller, batch, row, link_worker, self.runner.kernel.clock())

        return await self.runner.run(
            context,
            row,
            route,
            (link_worker, how.keeps_time, how.note),
            lambda: change_link_worker(
                link_worker, moves_meeting=moves, keeps_time=how.keeps_time, note=note
            ),
            within=recorded,
        )

    async def retract(self, context: RequestContext, referral_id: str, retraction: Retraction) -> Done:
        """Undoes a fact of the case. 404 for an unknown fact, 409 if it cannot be undone."""
        row = await self.runner.case(context, {"referral": referral_id}, part="casework")
        return await self.runner.run(
            context,
            row,
            "retract",
            (retraction,),
            lambda: retract(retraction.source, retraction.event_id, retraction.reason),
        )

    async def no_longer_wants(
        self, context: RequestContext, referral_id: str, by: v.By = v.By.PERSON
    ) -> Done:
        """Ends the case: declined before a first meeting, closed after one."""
        row = await self.runner.case(context, {"referral": referral_id}, ENDS_EARLY, part="casework")
        return await self.runner.run(
            context, row, "no-longer-wants", (by,), lambda: commands.no_longer_wants(by)
        )

    async def close(self, context: RequestContext, referral_id: str, closure: Closure) -> Done:
        """Closes the case. A coming meeting is cancelled and its time is free again."""
        row = await self.runner.case(context, {"referral": referral_id}, part="casework")
        kept = await self._note(context, row, "note", closure.note, "note")
        return await self.runner.run(context, row, "close", (closure,), lambda: commands.close(closure, kept))

    async def reopen(self, context: RequestContext, referral_id: str, reopen: Reopen) -> Done:
        """Undoes every end of the case, and books the chosen meeting.

        409 `slot_taken` if the time was taken meanwhile; then the case stays closed. 409 `not_owner` for a
        chosen time or day where booking has another owner: it books by itself.
        """
        row = await self.runner.case(context, {"referral": referral_id}, part="casework")
        if reopen.meeting != NextMeeting():
            self.runner.owners.require_ours("booking", row["locality"])
        kept = await self._note(context, row, "note", reopen.note, "note")
        return await self.runner.run(context, row, "reopen", (reopen,), lambda: commands.reopen(reopen, kept))

    async def decline(self, context: RequestContext, referral_id: str, decline: Decline) -> Done:
        """Ends the case before its first meeting, for the person, the link worker or the programme."""
        row = await self.runner.case(context, {"referral": referral_id}, part="casework")
        return await self.runner.run(context, row, "decline", (decline,), lambda: commands.decline(decline))

    async def return_to_referrer(self, context: RequestContext, referral_id: str, back: Return) -> Done:
        """Returns the referral to its referrer."""
        row = await self.runner.case(context, {"referral": referral_id}, part="casework")
        kept = await self._note(context, row, "note", back.note, "note")
        return await self.runner.run(
            context, row, "give-back", (back,), lambda: commands.return_to_referrer(back, kept)
        )

    async def _note(
        self, context: RequestContext, row: Row, kind: NoteKind, text: str, part: str
    ) -> str | None:
        """Stores a text in the vault; None for no text. The same key stores it once."""
        if not text.strip():
            return None
        key = f"{context.caller.subject}:{context.key}:{part}" if context.key else None
        try:
            return await self.vault.keep_note(row["locality"], row["referral"], kind, text.strip(), key)
        except VaultAway:
            raise Problem(
                503, code="vault_away", detail="Texts cannot be kept just now. Nothing was saved; try again."
            ) from None
        except NotInVault:
            raise Problem(
                409, code="not_in_vault", detail="Texts about this person are not kept here. Leave them out."
            ) from None
