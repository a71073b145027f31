"""Pure commands of a practice: make a referral, withdraw it."""

from dataclasses import dataclass

from services.referral.referral_state.state import NotOpen, ReferralState
from shared.contract.events import vocabulary as v
from shared.contract.events.models import ReferralAgreement, ReferralCreated
from shared.contract.events.outcomes import ReferralWithdrawn
from shared.delivery.model.decision import NOTHING, Decision, DecisionContext


@dataclass(frozen=True, slots=True)
class NewReferral:
    """The content of a ReferralCreated event: codes and references that were validated before."""

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


def create(new: NewReferral, state: ReferralState, context: DecisionContext) -> Decision:
    """Publishes ReferralCreated once."""
    if state.story.created is not None:
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


def withdraw(reason: v.WithdrawReason, state: ReferralState, context: DecisionContext) -> Decision:
    """Publishes that the practice withdrew the referral. Raises NotOpen if it has ended."""
    if not state.story.open:
        raise NotOpen
    withdrawn = ReferralWithdrawn(
        referral_id=context.referral_id, locality=context.locality, by=v.By.PRACTICE, reason=reason
    )
    return Decision(facts=[withdrawn])
