"""Parts that commands share. Pure: a command depends on state, diaries and context alone."""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Final, TypedDict

from services.matching.calendar import london_day
from services.matching.errors import Refused
from services.matching.referral_state.state import ReferralState
from shared.contract.events.models import ReferralCreated
from shared.contract.events.outcomes import NextStep
from shared.contract.history import Meeting, Prescription
from shared.delivery.model.decision import Decision, DecisionContext

if TYPE_CHECKING:
    from services.matching.booking.diary import Diaries

Command = Callable[[ReferralState, "Diaries", DecisionContext], Decision]


class About(TypedDict):
    """The two fields that every body begins with."""

    referral_id: str
    locality: str


def about(context: DecisionContext) -> About:
    return {"referral_id": context.referral_id, "locality": context.locality}


def open_case(view: ReferralState) -> ReferralCreated:
    """The referral's creation. Refuses a case that is not known or not open."""
    if view.story.created is None:
        raise Refused("unknown_case")
    if view.story.erased:
        raise Refused("case_erased")
    if not view.open:
        raise Refused("case_ended")
    return view.story.created


def meeting_of(view: ReferralState, meeting_id: str) -> Meeting:
    found = view.meeting(meeting_id)
    if found is None:
        raise Refused("unknown_meeting")
    return found


def prescription_of(view: ReferralState, prescription_id: str) -> Prescription:
    for one in view.story.prescriptions:
        if one.prescribed.prescription_id == prescription_id:
            return one
    raise Refused("unknown_prescription")


# Statuses of services of a plan that may still help.
GOING_ON: Final = frozenset({"asked", "accepted", "waiting_list", "signposted", "started"})


def checked_step(step: NextStep | None, context: DecisionContext) -> NextStep | None:
    """A next step as given, if its day is from today to a year ahead."""
    if step is not None:
        today = london_day(context.now)
        if not today <= step.on <= today + timedelta(days=366):
            raise Refused("step_date")
    return step
