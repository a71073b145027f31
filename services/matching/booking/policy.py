"""Decisions that matching makes without a person. Pure, and idempotent: they add only what is missing.

A decision changes `diaries` in place: it takes and releases times, and assigns caseloads. The unit of work
stores what the decision touched, or drops it if the transaction fails.

Afterwards, in every interleaving: an open referral has one active meeting, a stated reason for none, or a
meeting that took place. A referral that ended has no meeting and reserves no time. No time is reserved twice.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from services.matching.booking.diary import Diaries
from services.matching.booking.requirements import MeetingRequirements
from services.matching.booking.slot import Slot
from services.matching.booking.standing import hold_only, reserve, standing_of
from services.matching.booking.waiting import waiting, waits_for_the_person
from services.matching.calendar import day_start, london_day
from services.matching.referral_state.state import MISSES, ReferralState
from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from shared.contract.events.models import EventBody, MeetingBooked
from shared.contract.history import Meeting
from shared.delivery.model.decision import NOTHING, Decision, DecisionContext, ScheduledTask, TaskRow
from shared.platform.clock import LONDON

# The task of an open referral without a meeting: book one if a time has come free.
RETRY_BOOKING: Final = "retry_booking"
BOOKING_TASK: Final = (RETRY_BOOKING, "meeting")

# Older facts come from a log that is being read, so the decision waits for the rest of the log.
CATCH_UP_AGE: Final = timedelta(hours=1)
CATCH_UP_DELAY: Final = timedelta(seconds=20)
# If no time is free, a meeting is expected within this many days.
EXPECTED_WITHIN_DAYS: Final = {v.Urgency.ROUTINE: 14, v.Urgency.SOON: 7}
NOT_REACHED_DAYS: Final = 7
# The highest sequence that the contract allows.
MAX_SEQUENCE: Final = 1000

_GIVEN_UP: Final = frozenset(v.CancelReason) - {v.CancelReason.REFERRAL_ENDED, v.CancelReason.SLOT_TAKEN}


def reconcile(view: ReferralState, diaries: Diaries, context: DecisionContext) -> Decision:
    """Reconciles meetings, diary and caseload with the facts."""
    return _reconcile(view, diaries, context, patient=True)


def retry_booking(view: ReferralState, diaries: Diaries, context: DecisionContext, _: TaskRow) -> Decision:
    """Task: books a time if one has come free, or the day has come from which the person can meet."""
    return reconcile_now(view, diaries, context)


def reconcile_now(view: ReferralState, diaries: Diaries, context: DecisionContext) -> Decision:
    """The same, without waiting for the rest of a log that is still being read."""
    return _reconcile(view, diaries, context, patient=False)


def _reconcile(view: ReferralState, diaries: Diaries, context: DecisionContext, patient: bool) -> Decision:
    if view.story.created is None and not view.uncreated:
        return NOTHING  # facts may arrive before the creation of their referral
    if view.ended:
        facts = [
            _cancelled(m.booked, v.CancelReason.REFERRAL_ENDED)
            for m in view.story.meetings
            if m.status == "booked"
        ]
        hold_only(diaries, context.referral_id, ())
        diaries.assign(context.referral_id, None)
        return Decision(facts, cancelled_tasks=[BOOKING_TASK] if view.waits else [])
    active = view.story.active
    # Released first: a partner's meeting may be at the very time of our meeting that it replaces.
    hold_only(diaries, context.referral_id, standing_of(view))
    lost = _lost(view, diaries, context) or _left_behind(view, diaries, context)
    if lost:
        return Decision(lost)  # The cancellations call for this decision again.
    if active is None and not view.story.attended:
        return _arrange(view, diaries, context, patient)
    _in_caseload_of(diaries, context, view.handed_to or view.story.link_worker)
    return NOTHING


def _lost(view: ReferralState, diaries: Diaries, context: DecisionContext) -> list[EventBody]:
    """Bookings that are void: a partner's won, the person was met, or the time is reserved otherwise.

    A former owner of booking says no more, so its bookings are cancelled like ours. If only the time is
    reserved otherwise, its booking waits for the time, like any partner's.
    """
    story = view.story
    met = {m.booked.meeting_id for m in story.attended}
    last_met = max((m.booked.sequence for m in story.attended), default=-1)
    lost: list[EventBody] = []
    for meeting in story.meetings:
        booked = meeting.booked
        if meeting.status != "booked":
            continue
        ours = booked.meeting_id in view.ours
        # Bookings with the highest sequence cannot be ordered.
        of_before = booked.sequence <= min(last_met, MAX_SEQUENCE - 1) or booked.replaces in met
        if booked.meeting_id in view.of_owners and (meeting is not story.active or of_before):
            lost.append(_cancelled(booked, v.CancelReason.SLOT_TAKEN))
        elif (
            meeting is story.active
            and booked.starts_at > context.now
            and diaries.knows(booked.link_worker, context.locality)
        ):
            is_reserved = reserve(booked, diaries, context, waits=not ours)
            if ours and not is_reserved:
                lost.append(_cancelled(booked, v.CancelReason.SLOT_TAKEN))
    return lost


def _left_behind(view: ReferralState, diaries: Diaries, context: DecisionContext) -> list[EventBody]:
    """The coming meeting with a former link worker, if it was booked before the case was handed over.

    Our casework moves it in the same command; another owner of casework only says whose the case is.
    """
    active = view.story.active
    if active is None or view.handed_by is None or active.booked.starts_at <= context.now:
        return []
    if active.booked.link_worker == view.handed_to or active.said.id > view.handed_by:
        return []
    # A link worker who is not entered yet, or not at this practice, cannot be booked.
    if requirements_of(view, diaries).link_worker is None:
        return []
    return [_cancelled(active.booked, v.CancelReason.LINK_WORKER_AWAY, v.By.LINK_WORKER)]


def _arrange(view: ReferralState, diaries: Diaries, context: DecisionContext, patient: bool) -> Decision:
    """Books the earliest suitable time, or states a reason for none and schedules a retry."""
    story = view.story
    created = story.created
    if created is None:
        return NOTHING
    if patient and view.latest is not None and view.latest < context.now - CATCH_UP_AGE:
        # `now` may be wrong too, so the delay uses the database clock.
        rest = _due(view.latest, created.practice, created.urgency, CATCH_UP_DELAY, patient=True)
        return Decision(tasks=[rest])
    today = london_day(context.now)
    asked = waits_for_the_person(view, today)
    if asked:
        until, why = max((wait.until, wait.reason) for wait in asked)
        _in_caseload_of(diaries, context, view.handed_to or story.link_worker)
        return Decision(
            waiting(view, context, why, until),
            tasks=[_due(day_start(until), created.practice, created.urgency, asked=True)],
        )
    if len(story.missed) > view.misses_forgiven(diaries.misses):
        _in_caseload_of(diaries, context, view.handed_to or story.link_worker)
        expected = today + timedelta(days=NOT_REACHED_DAYS)
        return Decision(waiting(view, context, v.WaitingReason.PERSON_NOT_REACHED, expected))
    requirements = requirements_of(view, diaries)
    if requirements.link_worker is not None:  # a handed-over case counts even in a full caseload
        _in_caseload_of(diaries, context, requirements.link_worker)
    promised = diaries.reserved.pop(context.referral_id, None)
    booked = book(view, diaries, context, promised, provisional=True) if promised else None
    slot = (
        diaries.earliest(requirements, context.referral_id, refused_times(view)) if booked is None else None
    )
    if slot is not None:
        booked = book(view, diaries, context, slot, provisional=True)
    if booked is not None:
        return Decision([booked], cancelled_tasks=[BOOKING_TASK] if view.waits else [])
    someone = any(
        diaries.has_room(w, context.referral_id) for w in requirements.who(diaries.workers.values())
    )
    reason = v.WaitingReason.NO_SLOT if someone else v.WaitingReason.NO_LINK_WORKER
    _in_caseload_of(diaries, context, view.handed_to)
    return Decision(
        waiting(view, context, reason, today + timedelta(days=EXPECTED_WITHIN_DAYS[created.urgency])),
        tasks=[_due(_next_look(context.now), created.practice, created.urgency)],
    )


def book(
    view: ReferralState, diaries: Diaries, context: DecisionContext, slot: Slot, *, provisional: bool
) -> MeetingBooked | None:
    """Takes a time for this referral and emits the booking; None if another meeting holds the time."""
    created = view.story.created
    if created is None:
        return None
    meeting_id = context.new_id()
    time = (slot.link_worker, slot.starts_at, slot.minutes)
    if not diaries.take(*time, context.referral_id, meeting_id, slot.mode):
        return None
    diaries.assign(context.referral_id, slot.link_worker)
    diaries.rest_on(slot.link_worker)
    last = view.story.meetings[-1] if view.story.meetings else None
    before = last.booked if last else None
    return MeetingBooked(
        referral_id=context.referral_id,
        locality=context.locality,
        meeting_id=meeting_id,
        sequence=min(before.sequence + 1, MAX_SEQUENCE) if before else 0,
        replaces=last.booked.meeting_id if last and not _over(last) else None,
        link_worker=slot.link_worker,
        practice=slot.practice,
        starts_at=slot.starts_at,
        minutes=slot.minutes,
        mode=slot.mode,
        provisional=provisional,
    )


def _over(meeting: Meeting) -> bool:
    """Tests for a meeting that a later booking does not replace: attended, or lost by the referral's end."""
    ended = meeting.cancelled is not None and meeting.cancelled.why is v.CancelReason.REFERRAL_ENDED
    return meeting.status == "attended" or ended


def refused_times(view: ReferralState) -> frozenset[str]:
    """Times that were given up: the person is not booked into a time that they could not keep."""
    return frozenset(
        time_key(meeting)
        for meeting in view.story.meetings
        if meeting.status == "replaced" or (meeting.cancelled and meeting.cancelled.why in _GIVEN_UP)
    )


def time_key(meeting: Meeting) -> str:
    """The key of the slot that a meeting was booked into."""
    booked = meeting.booked
    return Slot(booked.link_worker, booked.practice, "", booked.starts_at, booked.minutes).key


def requirements_of(view: ReferralState, diaries: Diaries) -> MeetingRequirements:
    """Requirements of this referral's meeting. A named link worker counts while at the practice.

    A meeting that follows one that did not take place is of the same kind, if it is still offered.
    """
    created = view.story.created
    if created is None:
        raise ValueError("a referral that is not known wishes for nothing")
    named = diaries.workers.get(view.handed_to or "")
    here = named is not None and named.active and created.practice in named.practices
    usual = MeetingRequirements.of(created, view.handed_to if here else None)
    last = view.story.meetings[-1] if view.story.meetings else None
    if last is None or last.booked.meeting_id not in view.ours or last.status == "attended":
        return usual
    if last.booked.mode in (v.MeetingMode.FACE_TO_FACE, usual.how):
        return usual
    same = replace(usual, mode=last.booked.mode)
    return same if same.who(diaries.workers.values()) else usual


def needs_meeting(
    view: ReferralState, now: datetime, misses: int = MISSES, *, without: Meeting | None = None
) -> bool:
    """True if a referral would be given a time now, if there is one.

    `misses`: as the programme's rules have them. `without`: as if without this meeting.
    """
    story = view.story
    if story.created is None or not story.open or story.active is not without or story.attended:
        return False
    today = london_day(now)
    if waits_for_the_person(view, today):
        return False
    return len(story.missed) <= view.misses_forgiven(misses)


def reserve_for_urgent(referrals: Sequence[tuple[str, ReferralState]], diaries: Diaries) -> None:
    """Reserves times in `diaries` for urgent referrals (id, view), if several choose at once."""
    choosing = [(name, view) for name, view in referrals if needs_meeting(view, diaries.now, diaries.misses)]
    urgent = [
        (name, view)
        for name, view in choosing
        if view.story.created is not None and view.story.created.urgency is v.Urgency.SOON
    ]
    if urgent and len(choosing) > 1:
        diaries.reserve((name, requirements_of(view, diaries), refused_times(view)) for name, view in urgent)


def _in_caseload_of(diaries: Diaries, context: DecisionContext, link_worker: str | None) -> None:
    """Puts the referral into this caseload alone, or into none without a link worker of the locality."""
    known = link_worker is not None and diaries.knows(link_worker, context.locality)
    diaries.assign(context.referral_id, link_worker if known else None)


def _cancelled(booked: MeetingBooked, why: v.CancelReason, by: v.By = v.By.PROGRAMME) -> EventBody:
    return o.MeetingCancelled(
        referral_id=booked.referral_id,
        locality=booked.locality,
        meeting_id=booked.meeting_id,
        by=by,
        why=why,
    )


def _due(
    at: datetime,
    practice: str,
    urgency: v.Urgency,
    rests: timedelta = timedelta(0),
    *,
    asked: bool = False,
    patient: bool = False,
) -> ScheduledTask:
    """The retry of a booking.

    `asked`: the person chose the day, and wants no time that is free before it. `patient`: it waits for the
    rest of a log, whatever comes free meanwhile.
    """
    payload: dict[str, str | int | bool] = {"practice": practice, "soon": urgency is v.Urgency.SOON}
    if asked:
        payload["asked"] = True
    if patient:
        payload["patient"] = True
    return ScheduledTask(*BOOKING_TASK, at, payload=payload, replace=True, delay=rests)


def _next_look(now: datetime) -> datetime:
    """The next retry: 6:00 in London, when a new day is within reach at the end of the diaries."""
    return day_start(now.astimezone(LONDON).date() + timedelta(days=1)) + timedelta(hours=6)


DECISIONS: Final = dict.fromkeys(
    (
        "referral_created",
        "meeting_booked",
        "meeting_waiting",
        "meeting_attended",
        "meeting_missed",
        "meeting_cancelled",
        "link_worker_changed",
        "referral_declined",
        "referral_returned",
        "referral_withdrawn",
        "referral_closed",
        "referral_reopened",
        "person_erased",
        "retracted",
    ),
    reconcile,
)
