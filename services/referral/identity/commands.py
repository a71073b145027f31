"""Pure commands about a person: messages became safe or unsafe, the person was erased."""

from services.referral.referral_state.state import NotOpen, ReferralState
from shared.contract.events import vocabulary as v
from shared.contract.events.models import EventBody
from shared.contract.events.outcomes import ContactChanged, PersonErased, Retracted
from shared.delivery.model.decision import NOTHING, Decision, DecisionContext


def change_contact(contact: v.SafeToText, state: ReferralState, context: DecisionContext) -> Decision:
    """Replaces earlier statements on whether messages are safe. Raises NotOpen."""
    story = state.story
    if not story.open or story.created is None:
        raise NotOpen
    if story.contact is contact:
        return NOTHING
    referral, locality = context.referral_id, context.locality
    facts: list[EventBody] = [
        Retracted(
            referral_id=referral,
            locality=locality,
            event_source=earlier.source,
            event_id=earlier.id,
            reason=v.RetractReason.UNDONE,
        )
        for _, earlier in story.contact_changes
    ]
    if story.created.contact is not contact:
        facts.append(ContactChanged(referral_id=referral, locality=locality, contact=contact))
    return Decision(facts=facts)


def erase(person_ref: str, state: ReferralState, context: DecisionContext) -> Decision:
    """Publishes once that the person behind the referral was erased."""
    if state.story.erased:
        return NOTHING
    erased = PersonErased(referral_id=context.referral_id, locality=context.locality, person_ref=person_ref)
    return Decision(facts=[erased])
