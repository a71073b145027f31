"""Reasons why an open referral has no meeting, each stated once. Pure."""

from datetime import date, datetime
from typing import Final

from services.matching.calendar import london_day
from services.matching.referral_state.state import ReferralState, Wait
from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from shared.contract.events.models import EventBody, MeetingBooked
from shared.delivery.model.decision import DecisionContext

WAITS_FOR_THE_PERSON: Final = frozenset({v.WaitingReason.ASKED_LATER, v.WaitingReason.PERSON_NOT_REACHED})


def waits_for_the_person(view: ReferralState, today: date) -> list[Wait]:
    """Tests whether the person chose a day. Before it, booking looks for no time.

    A statement of our own that the person is not reached follows from their misses. It ends when the referral
    is reopened, or a miss is retracted.
    """
    return [
        wait
        for wait in view.waits
        if wait.until > today
        and wait.reason in WAITS_FOR_THE_PERSON
        and not (wait.ours and wait.reason is v.WaitingReason.PERSON_NOT_REACHED)
    ]


def waiting(
    view: ReferralState, context: DecisionContext, reason: v.WaitingReason, expected: date
) -> list[EventBody]:
    """States why there is no meeting, unless this reason still holds."""
    if _still_says_why(view, reason, context.now):
        return []
    return [
        o.MeetingWaiting(
            referral_id=context.referral_id, locality=context.locality, reason=reason, expected_by=expected
        )
    ]


def _still_says_why(view: ReferralState, reason: v.WaitingReason, now: datetime) -> bool:
    """True if this reason was given after the last meeting was lost, and its day has not passed.

    A wrong clock may date the reason before that. So a reason given just now counts, and so does one reason
    more than there are meetings. Otherwise it would be repeated until the clocks agree.
    """
    given = [w for w in view.waits if w.reason is reason and w.until >= london_day(now)]
    meetings = view.story.meetings
    over = [m.outcome.recorded for m in meetings if m.outcome and m.status in ("missed", "cancelled")]
    taken_back = _bookings_taken_back(view)
    over += taken_back
    since = min(max(over), now) if over else None
    return len(given) > len(meetings) + len(taken_back) or any(
        since is None or w.said >= since for w in given
    )


def _bookings_taken_back(view: ReferralState) -> list[datetime]:
    """The moments at which bookings were retracted. The person may know of those meetings."""
    booked = {f.key for f in view.facts if isinstance(f.body, MeetingBooked)} & view.retracted
    return [
        f.recorded
        for f in view.facts
        if isinstance(f.body, o.Retracted) and (f.body.event_source, f.body.event_id) in booked
    ]
