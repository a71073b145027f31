"""Undoes a fact of a case; a cancelled meeting gets its time back. Pure."""

from services.matching.booking.diary import Diaries
from services.matching.booking.policy import book
from services.matching.errors import Refused
from services.matching.referral_state.commands import Command
from services.matching.referral_state.state import ReferralState
from services.matching.referral_state.undo import may_undo, taken_back
from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from shared.contract.events.models import EventBody
from shared.delivery.model.decision import Decision, DecisionContext, NewEvent


def retract(said_by: str, event_id: str, reason: v.RetractReason) -> Command:
    """Takes back one fact of the history. A cancelled meeting gets its time back if it is still free.

    If the person has another open referral, a return is not undone.
    """

    def act(view: ReferralState, diaries: Diaries, context: DecisionContext) -> Decision:
        if view.story.erased:
            raise Refused("case_erased")
        fact = next((f for f in view.facts if (f.source, f.id) == (said_by, event_id)), None)
        if fact is None:
            raise Refused("unknown_fact")
        if fact.key in view.retracted:
            raise Refused("already_undone")
        if not may_undo(fact, context.locality):
            raise Refused("cannot_undo")
        if context.referral_id in diaries.referred_again and isinstance(fact.body, o.ReferralReturned):
            raise Refused("referred_again")
        said: list[NewEvent | EventBody] = [taken_back(context, fact, reason)]
        if isinstance(fact.body, o.MeetingCancelled):
            said += _given_back(view, diaries, context, fact.body)
        return Decision(said)

    return act


def _given_back(
    view: ReferralState, diaries: Diaries, context: DecisionContext, cancelled: o.MeetingCancelled
) -> list[EventBody]:
    """Moves the meeting that has replaced the cancelled one to the old time."""
    meeting = view.meeting(cancelled.meeting_id)
    active = view.story.active
    if meeting is None or active is None or not view.open or meeting.booked.starts_at <= context.now:
        return []
    old = meeting.booked
    slot = diaries.slot(f"{old.link_worker}|{old.starts_at:%Y-%m-%dT%H:%MZ}", old.practice, old.mode)
    again = book(view, diaries, context, slot, provisional=old.provisional) if slot else None
    if again is None:
        raise Refused("slot_taken")
    return [again]
