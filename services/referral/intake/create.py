"""Makes one referral: the event and the vault's entries, in one transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.referral.identity.blind_index import IndexedPerson, find_by_number, index_person
from services.referral.identity.find.index import insert_terms
from services.referral.identity.person import details_of, plain_text
from services.referral.identity.vault import entries
from services.referral.identity.vault.persons import PersonVault
from services.referral.intake import commands
from services.referral.intake.validation import ValidatedReferral
from services.referral.referral_state.state import ReferralState
from shared.contract.api.referral import NoteKind
from shared.delivery.model.decision import Decision, DecisionContext
from shared.delivery.mongo.database import Transaction
from shared.delivery.unit_of_work.unit_of_work import REFERRALS
from shared.platform.localities.postcodes import lookup, outward_code
from shared.platform.people.ages import age_band


class IndexChanged(Exception):
    """The entry of the NHS number changed since it was compared. The attempt must start again."""


class AlreadyOpen(Exception):
    """The person has an open referral in the locality. `row` is its document."""

    def __init__(self, row: Mapping[str, Any]) -> None:
        super().__init__("already open")
        self.row = row


@dataclass(frozen=True, slots=True)
class NewReferralAttempt:
    """An attempt at a referral. `by` is the subject of the referrer.

    `known` was found under the NHS number before the transaction. `returned_person` is the person of the
    returned referral that this one replaces.
    """

    vault: PersonVault
    accepted: ValidatedReferral
    person_ref: str
    by: str
    known: IndexedPerson | None
    reason_note: str | None
    risk_note: str | None
    returned_person: str | None = None

    def act(self, state: ReferralState, _: None, context: DecisionContext) -> Decision:
        """The event of the new referral."""
        accepted, request = self.accepted, self.accepted.request
        place = lookup(accepted.person.postcode) if accepted.person.postcode else None
        new = commands.NewReferral(
            practice=accepted.practice.ods,
            person_ref=self.person_ref,
            route=request.route,
            age_band=age_band(accepted.age),
            needs=accepted.needs,
            agreed_by=accepted.agreed_by,
            agreed_how=accepted.agreed_how,
            risk=accepted.risk,
            contact=accepted.person.safe_to_text,
            urgency=request.urgency,
            outward_code=outward_code(accepted.person.postcode) if accepted.person.postcode else None,
            deprivation_decile=place.imd_decile if place else None,
            language=request.language,
            interpreter=request.interpreter,
            access_needs=tuple(dict.fromkeys(request.access_needs)),
            cannot_come=tuple(dict.fromkeys(request.cannot_come)),
            reason_note=self.reason_note,
            risk_note=self.risk_note,
            resends=request.resends,
        )
        return commands.create(new, state, context)

    async def within(self, tx: Transaction, context: DecisionContext) -> None:
        """Writes the vault's part. Raises IndexChanged or AlreadyOpen, and then nothing is written."""
        person, locality = self.accepted.person, context.locality
        index = self.vault.index(locality)
        if person.nhs_number is not None:
            found = await find_by_number(tx, index, person.nhs_number)
            if found != self.known:
                raise IndexChanged
        new = self.known is None and self.returned_person is None
        if not new:
            await self._refuse_second(tx, locality)
        details = details_of(person)
        written = await self.vault.keep(tx, locality, self.person_ref, details, self.by, context.now, new=new)
        await index_person(tx, index, self.person_ref, person, new=new)
        practice, referral = self.accepted.practice.ods, context.referral_id
        sensitive = [need.value for need in self.accepted.request.sensitive_needs]
        entry = await entries.insert_entry(tx, written, locality, referral, practice, sensitive, context.now)
        await insert_terms(tx, index, entry, details)
        texts: tuple[tuple[str | None, NoteKind, str | None], ...] = (
            (self.reason_note, "reason", self.accepted.request.reason),
            (self.risk_note, "risk", self.accepted.request.risk_line),
        )
        for note_id, kind, text in texts:
            if note_id is not None and text is not None:
                await entries.insert_note(
                    tx, written.key, (locality, referral), note_id, kind, plain_text(text), context.now
                )

    async def _refuse_second(self, tx: Transaction, locality: str) -> None:
        wanted = {"view.person": self.person_ref, "locality": locality, "view.open": True}
        row = await tx[REFERRALS].find_one(wanted, {"facts": 0}, session=tx.session)
        if row is not None:
            raise AlreadyOpen(row)
