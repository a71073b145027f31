"""What the referral service says: a referral was made, it was withdrawn, a person was erased."""

from dataclasses import dataclass

from services.referral.referral_state.state import ReferralState
from shared.contract.events import vocabulary as v
from shared.contract.events.models import EventBody, ReferralAgreement, ReferralCreated
from shared.contract.events.outcomes import ContactChanged, PersonErased, ReferralWithdrawn, Retracted
from shared.delivery.model.decision import NOTHING, Decision, DecisionContext


class NotOpen(Exception):
    """The referral has ended already, or was never made."""


@dataclass(frozen=True, slots=True)
class NewReferral:
    """What a new referral says to everyone: codes and references, all of it already checked."""

    practice: str
    person_ref: str
    route: v.Route
    age_band: v.AgeBand
    needs: tuple[v.Need, ...]
    agreed_by: v.AgreedBy
    agreed_how: v.AgreedHow
    risk: v.Risk
    contact: v.SafeToText
    urgency: v.Urgency
    outward_code: str | None
    deprivation_decile: int | None
    language: str
    interpreter: bool
    access_needs: tuple[v.AccessNeed, ...]
    cannot_come: tuple[v.HalfDay, ...]
    reason_note: str | None
    risk_note: str | None
    resends: str | None = None


def create(new: NewReferral, status: ReferralState, context: DecisionContext) -> Decision:
    """Says ReferralCreated, once."""
    if status.story.created is not None:
        return NOTHING
    created = ReferralCreated(
        referral_id=context.referral_id,
        locality=context.locality,
        practice=new.practice,
        person_ref=new.person_ref,
        route=new.route,
        age_band=new.age_band,
        needs=new.needs,
        agreement=ReferralAgreement(by=new.agreed_by, how=new.agreed_how, at=context.now),
        risk=new.risk,
        contact=new.contact,
        urgency=new.urgency,
        outward_code=new.outward_code,
        deprivation_decile=new.deprivation_decile,
        language=new.language,
        interpreter=new.interpreter,
        access_needs=new.access_needs,
        cannot_come=new.cannot_come,
        reason_note=new.reason_note,
        risk_note=new.risk_note,
        resends=new.resends,
    )
    return Decision(facts=[created])


def withdraw(reason: v.WithdrawReason, status: ReferralState, context: DecisionContext) -> Decision:
    """Says that the practice withdrew the referral. Raises NotOpen where it has ended already."""
    if not status.story.open:
        raise NotOpen
    withdrawn = ReferralWithdrawn(
        referral_id=context.referral_id, locality=context.locality, by=v.By.PRACTICE, reason=reason
    )
    return Decision(facts=[withdrawn])


def change_contact(contact: v.SafeToText, status: ReferralState, context: DecisionContext) -> Decision:
    """Says whether messages are safe now, in place of what was said before. Raises NotOpen."""
    story = status.story
    if not story.open or story.created is None:
        raise NotOpen
    if story.contact is contact:
        return NOTHING
    referral, locality = context.referral_id, context.locality
    facts: list[EventBody] = [
        Retracted(
            referral_id=referral,
            locality=locality,
            event_source=said.source,
            event_id=said.id,
            reason=v.RetractReason.UNDONE,
        )
        for _, said in story.contact_changes
    ]
    if story.created.contact is not contact:
        facts.append(ContactChanged(referral_id=referral, locality=locality, contact=contact))
    return Decision(facts=facts)


def erase(person_ref: str, status: ReferralState, context: DecisionContext) -> Decision:
    """Says that the person behind the referral was erased, once."""
    if status.story.erased:
        return NOTHING
    erased = PersonErased(referral_id=context.referral_id, locality=context.locality, person_ref=person_ref)
    return Decision(facts=[erased])
