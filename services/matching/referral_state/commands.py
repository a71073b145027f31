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
    """The two fields with which every body begins."""

    referral_id: str
    locality: str


def about(context: DecisionContext) -> About:
    """The fields of the context's referral."""
    return {"referral_id": context.referral_id, "locality": context.locality}


def open_case(view: ReferralState) -> ReferralCreated:
    """The referral's creation. Refuses an unknown or ended case."""
    if view.story.created is None:
        raise Refused("unknown_case")
    if view.story.erased:
        raise Refused("case_erased")
    if not view.open:
        raise Refused("case_ended")
    return view.story.created


def meeting_of(view: ReferralState, meeting_id: str) -> Meeting:
    """The meeting with this id. Refuses `unknown_meeting`."""
    found = view.meeting(meeting_id)
    if found is None:
        raise Refused("unknown_meeting")
    return found


def prescription_of(view: ReferralState, prescription_id: str) -> Prescription:
    """The prescription with this id. Refuses `unknown_prescription`."""
    for one in view.story.prescriptions:
        if one.prescribed.prescription_id == prescription_id:
            return one
    raise Refused("unknown_prescription")


# Statuses in which a service of a plan may still help.
GOING_ON: Final = frozenset({"asked", "accepted", "waiting_list", "signposted", "started"})


def checked_step(step: NextStep | None, context: DecisionContext) -> NextStep | None:
    """The given next step, if its day is from today to a year ahead."""
    if step is not None:
        today = london_day(context.now)
        if not today <= step.on <= today + timedelta(days=366):
            raise Refused("step_date")
    return step
