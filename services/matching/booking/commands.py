"""Commands on meetings: attended, did not attend, reschedule, cancel, defer. Pure.

Like every decision, a command that books or releases a time changes `diaries` in place.
"""

from datetime import date, datetime, timedelta
from typing import Final

from services.matching.booking.diary import HORIZON, Diaries
from services.matching.booking.policy import book, refused_times, requirements_of, time_key
from services.matching.booking.slot import Slot
from services.matching.calendar import london_day
from services.matching.errors import Refused
from services.matching.referral_state.commands import Command, about, checked_step, meeting_of, open_case
from services.matching.referral_state.state import ReferralState
from services.matching.roster.link_workers import Leave
from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from shared.contract.events.models import EventBody, ReferralCreated
from shared.contract.events.outcomes import NextStep
from shared.contract.history import Meeting
from shared.delivery.model.decision import NOTHING, Decision, DecisionContext, NewEvent

PEOPLES_REASONS: Final = frozenset(
    {
        v.CancelReason.ANOTHER_TIME,
        v.CancelReason.UNWELL,
        v.CancelReason.LINK_WORKER_AWAY,
        v.CancelReason.OTHER,
    }
)


def attended(meeting_id: str, next_step: NextStep | None = None) -> Command:
    """Records that the person came, also after a record that they did not."""

    def act(view: ReferralState, _: Diaries, context: DecisionContext) -> Decision:
        open_case(view)
        said = came(view, meeting_id, context, next_step)
        return Decision([said]) if said else NOTHING

    return act


def came(
    view: ReferralState, meeting_id: str, context: DecisionContext, step: NextStep | None = None
) -> NewEvent | None:
    """The fact that the person came, also on an earlier day than booked; None if it is recorded already."""
    meeting = meeting_of(view, meeting_id)
    if meeting.status == "attended":
        return None
    if meeting.status == "cancelled" and not _given_up_when_over(meeting):
        raise Refused("meeting_not_standing")
    starts_at = meeting.booked.starts_at
    body = o.MeetingAttended(**about(context), meeting_id=meeting_id, next_step=checked_step(step, context))
    return NewEvent(body, time=min(starts_at, context.now))


def _given_up_when_over(meeting: Meeting) -> bool:
    """True if matching cancelled the meeting after its start, for a later booking or the referral's end."""
    off = meeting.cancelled
    said = meeting.outcome
    if off is None or said is None or off.by is not v.By.PROGRAMME:
        return False
    return said.time >= meeting.booked.starts_at


def did_not_attend(meeting_id: str) -> Command:
    """Records that the person did not come. The number of misses decides what follows."""

    def act(view: ReferralState, _: Diaries, context: DecisionContext) -> Decision:
        open_case(view)
        meeting = meeting_of(view, meeting_id)
        if meeting.status == "missed":
            return NOTHING
        _standing(meeting)
        if meeting.booked.starts_at > context.now:
            raise Refused("too_early")
        body = o.MeetingMissed(**about(context), meeting_id=meeting_id)
        return Decision([NewEvent(body, time=meeting.booked.starts_at)])

    return act


def cancel(meeting_id: str, by: v.By, why: v.CancelReason) -> Command:
    """Cancels the meeting. The decision that follows books the next suitable time."""

    def act(view: ReferralState, _: Diaries, context: DecisionContext) -> Decision:
        open_case(view)
        if why not in PEOPLES_REASONS:
            raise Refused("not_yours_to_say")
        meeting = meeting_of(view, meeting_id)
        if meeting.status == "cancelled":
            return NOTHING
        _standing(meeting)
        return Decision([_cancelled(context, meeting_id, by, why)])

    return act


def reschedule(meeting_id: str, slot_key: str | None) -> Command:
    """Moves the meeting: a new meeting replaces the old, whose time is free at once."""

    def act(view: ReferralState, diaries: Diaries, context: DecisionContext) -> Decision:
        created = open_case(view)
        meeting = meeting_of(view, meeting_id)
        _standing(meeting)
        if meeting.booked.starts_at <= context.now:
            raise Refused("meeting_over")
        slot = chosen(view, diaries, context, created, slot_key, instead_of=meeting)
        for day, held in diaries.reservations_of(context.referral_id):
            if held.meeting_id == meeting_id:
                diaries.release(day, held.meeting_id)
        return _booked(view, diaries, context, slot)

    return act


def book_one(slot_key: str | None) -> Command:
    """Books a meeting where none is active: after two misses, after waiting, or a further meeting."""

    def act(view: ReferralState, diaries: Diaries, context: DecisionContext) -> Decision:
        created = open_case(view)
        if view.story.active is not None:
            raise Refused("already_booked")
        return _booked(view, diaries, context, chosen(view, diaries, context, created, slot_key))

    return act


def confirm(meeting_id: str) -> Command:
    """Records that the person agrees to a provisional time."""

    def act(view: ReferralState, _: Diaries, context: DecisionContext) -> Decision:
        open_case(view)
        meeting = meeting_of(view, meeting_id)
        _standing(meeting)
        if not meeting.booked.provisional:
            return NOTHING
        return Decision([meeting.booked.model_copy(update={"provisional": False})])

    return act


def defer(on: date) -> Command:
    """Waits until that day: cancels a booked meeting and schedules a booking for the day."""

    def act(view: ReferralState, _: Diaries, context: DecisionContext) -> Decision:
        open_case(view)
        waiting = asked_to_wait(view, context, on)
        facts: list[EventBody] = []
        active = view.story.active
        if active is not None:
            facts.append(
                _cancelled(context, active.booked.meeting_id, v.By.PERSON, v.CancelReason.ANOTHER_TIME)
            )
        return Decision([*facts, waiting])

    return act


def asked_to_wait(view: ReferralState, context: DecisionContext, on: date) -> o.MeetingWaiting:
    """Records that the person asks not to meet before that day, from tomorrow to a year ahead."""
    if not timedelta() < on - london_day(context.now) <= timedelta(days=366):
        raise Refused("later_date")
    if view.story.attended:
        raise Refused("already_met")
    return o.MeetingWaiting(**about(context), reason=v.WaitingReason.ASKED_LATER, expected_by=on)


def link_worker_away(link_worker: str, leave: Leave) -> Command:
    """Cancels a meeting that falls into its link worker's leave."""

    def act(view: ReferralState, _: Diaries, context: DecisionContext) -> Decision:
        active = view.story.active
        if active is None or not view.open or active.booked.link_worker != link_worker:
            return NOTHING
        if not leave.meets(active.booked.starts_at, active.booked.minutes):
            return NOTHING
        if active.booked.starts_at + timedelta(minutes=active.booked.minutes) <= context.now:
            return NOTHING
        return Decision(
            [
                _cancelled(
                    context,
                    active.booked.meeting_id,
                    v.By.LINK_WORKER,
                    v.CancelReason.LINK_WORKER_AWAY,
                )
            ]
        )

    return act


def chosen(
    view: ReferralState,
    diaries: Diaries,
    context: DecisionContext,
    created: ReferralCreated,
    slot_key: str | None,
    instead_of: Meeting | None = None,
) -> Slot:
    """The chosen time, or else the next suitable one after the meeting that it replaces."""
    if slot_key is not None:
        how = requirements_of(view, diaries).how
        slot = diaries.slot(slot_key, created.practice, how)
        slot = slot or diaries.slot_at_another_site(slot_key, created.practice, how)
        if slot is None or not context.now < slot.starts_at <= context.now + HORIZON:
            raise Refused("slot_taken")
        return slot
    requirements, referral_id = requirements_of(view, diaries), context.referral_id
    refused = refused_times(view)
    after: datetime | None = None
    if instead_of is not None:
        after = instead_of.booked.starts_at
        refused |= {time_key(instead_of)}
    found = diaries.earliest(requirements, referral_id, refused, after) or diaries.earliest(
        requirements, referral_id, refused
    )
    if found is None:
        raise Refused("no_other_time")
    return found


def _booked(view: ReferralState, diaries: Diaries, context: DecisionContext, slot: Slot) -> Decision:
    booked = book(view, diaries, context, slot, provisional=False)
    if booked is None:
        raise Refused("slot_taken")
    return Decision([booked])


def _standing(meeting: Meeting) -> None:
    if meeting.status != "booked":
        raise Refused("meeting_not_standing")


def _cancelled(
    context: DecisionContext, meeting_id: str, by: v.By, why: v.CancelReason
) -> o.MeetingCancelled:
    return o.MeetingCancelled(**about(context), meeting_id=meeting_id, by=by, why=why)
