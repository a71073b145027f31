"""Times of meetings that stand, and their reservations. Pure; a function changes `diaries` in place."""

from collections.abc import Iterable

from services.matching.booking.diary import Diaries
from services.matching.calendar import london_day
from services.matching.referral_state.state import ReferralState
from shared.contract.events.models import MeetingBooked
from shared.contract.history import Meeting
from shared.delivery.model.decision import NOTHING, Decision, DecisionContext


def reserve_standing(view: ReferralState, diaries: Diaries, context: DecisionContext) -> Decision:
    """Reserves the time of a meeting that stands, and decides nothing.

    The look after a hand-over begins with it. A decision may take any time that is free, so that all times of
    the former owner's meetings are reserved before.
    """
    if view.story.created is None or view.ended:
        return NOTHING
    hold_only(diaries, context.referral_id, standing_of(view))
    active = view.story.active.booked if view.story.active else None
    if active and active.starts_at > context.now and diaries.knows(active.link_worker, context.locality):
        reserve(active, diaries, context, waits=active.meeting_id not in view.ours)
    return NOTHING


def standing_of(view: ReferralState) -> list[MeetingBooked]:
    """The meetings whose times are taken."""
    standing = [m.booked for m in view.story.missed]
    standing += [m.booked for m in view.story.attended if not _met_on_an_earlier_day(m)]
    if view.story.active is not None:
        standing.append(view.story.active.booked)
    return standing


def reserve(booked: MeetingBooked, diaries: Diaries, context: DecisionContext, *, waits: bool) -> bool:
    """Reserves a meeting's time. Returns False if it is reserved otherwise: then the meeting may wait."""
    time = (booked.link_worker, booked.starts_at, booked.minutes)
    whose = context.referral_id, booked.meeting_id, booked.mode
    taken = diaries.take(*time, *whose, stands=True)
    if waits and not taken:
        diaries.add_overlapping(*time, *whose)
    return taken


def hold_only(diaries: Diaries, referral_id: str, meetings: Iterable[MeetingBooked]) -> None:
    """Releases every time that this referral holds, except those of these meetings."""
    times = {(m.meeting_id, m.link_worker, m.starts_at.replace(microsecond=0)) for m in meetings}
    for day, held in diaries.reservations_of(referral_id):
        # MongoDB stores milliseconds only.
        if (held.meeting_id, day.link_worker, held.starts_at.replace(microsecond=0)) not in times:
            diaries.release(day, held.meeting_id)


def _met_on_an_earlier_day(meeting: Meeting) -> bool:
    """Tests whether the person came on an earlier day than booked, so that the booked time is free."""
    met = meeting.outcome
    return met is not None and london_day(met.time) < london_day(meeting.booked.starts_at)
