"""Taking a fact of a case back. Pure."""

from typing import Final

from services.matching.booking.diary import Diaries
from services.matching.booking.policy import book
from services.matching.errors import Refused
from services.matching.referral_state.commands import Act, about
from services.matching.referral_state.state import View
from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from shared.contract.events.fact import Fact
from shared.contract.events.models import EventBody
from shared.contract.events.topics import source
from shared.delivery.model.decision import Decision, DecisionContext

UNDOABLE: Final = frozenset(
    {
        "contact_attempted",
        "meeting_attended",
        "meeting_missed",
        "meeting_cancelled",
        "link_worker_changed",
        "plan_agreed",
        "service_prescribed",
        "provider_replied",
        "activity_started",
        "activity_not_started",
        "activity_ended",
        "measured",
        "need_unmet",
        "sharing_changed",
        "referral_declined",
        "referral_returned",
        "referral_closed",
    }
)
"""What may be taken back from the history. A booking is moved instead, and a referral withdrawn instead."""


def retract(said_by: str, event_id: str, reason: v.RetractReason) -> Act:
    """Takes back one fact of the history. A cancelled meeting gets its time back, if it is still free."""

    def act(view: View, diaries: Diaries, context: DecisionContext) -> Decision:
        if view.story.erased:
            raise Refused("case_erased")
        fact = next((f for f in view.facts if (f.source, f.id) == (said_by, event_id)), None)
        if fact is None:
            raise Refused("unknown_fact")
        if fact.key in retracted(view):
            raise Refused("already_undone")
        if not may_undo(fact, context.locality):
            raise Refused("cannot_undo")
        said: list[EventBody] = [taken_back(context, fact, reason)]
        if isinstance(fact.body, o.MeetingCancelled):
            said += _given_back(view, diaries, context, fact.body)
        return Decision(said)

    return act


def may_undo(fact: Fact, locality: str) -> bool:
    """Whether a fact is one of ours that people may take back."""
    if fact.kind not in UNDOABLE or fact.source != source(locality, "matching"):
        return False
    return not (isinstance(fact.body, o.MeetingCancelled) and fact.body.by is v.By.PROGRAMME)


def retracted(view: View) -> frozenset[tuple[str, str]]:
    """The facts (source, id) that have been taken back."""
    return frozenset(
        (f.body.event_source, f.body.event_id) for f in view.facts if isinstance(f.body, o.Retracted)
    )


def taken_back(context: DecisionContext, fact: Fact, reason: v.RetractReason) -> o.Retracted:
    """The fact that takes this one back."""
    return o.Retracted(**about(context), event_source=fact.source, event_id=fact.id, reason=reason)


def _given_back(
    view: View, diaries: Diaries, context: DecisionContext, cancelled: o.MeetingCancelled
) -> list[EventBody]:
    """The old time again, where another meeting has taken its place meanwhile."""
    meeting = view.meeting(cancelled.meeting_id)
    active = view.story.active
    if meeting is None or active is None or not view.open or meeting.booked.starts_at <= context.now:
        return []
    old = meeting.booked
    slot = diaries.slot(f"{old.link_worker}|{old.starts_at:%Y-%m-%dT%H:%MZ}", old.practice)
    again = book(view, diaries, context, slot, provisional=old.provisional) if slot else None
    if again is None:
        raise Refused("slot_taken")
    return [again]
