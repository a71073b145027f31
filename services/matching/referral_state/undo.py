"""Retraction of facts: which may be undone, and the fact that undoes one. Pure."""

from typing import Final

from services.matching.referral_state.commands import about
from services.matching.referral_state.state import MATCHING_PARTS
from shared.contract.authority import parts_of
from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from shared.contract.events.fact import Fact
from shared.contract.events.topics import locality_of_source, our_parts
from shared.delivery.model.decision import DecisionContext, NewEvent

# Facts that may be undone. A booking is moved instead, and a referral withdrawn.
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


def may_undo(fact: Fact, locality: str) -> bool:
    """True if a fact is ours and people may retract it."""
    ours = locality_of_source(fact.source) == locality and not MATCHING_PARTS.isdisjoint(
        our_parts(fact.source)
    )
    if fact.kind not in UNDOABLE or not ours:
        return False
    return not (isinstance(fact.body, o.MeetingCancelled) and fact.body.by is v.By.PROGRAMME)


def taken_back(context: DecisionContext, fact: Fact, reason: v.RetractReason) -> NewEvent:
    """The event that retracts a fact, in the name of the part that states such facts."""
    body = o.Retracted(**about(context), event_source=fact.source, event_id=fact.id, reason=reason)
    return NewEvent(body, part=parts_of(fact.kind)[0])
