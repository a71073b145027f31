"""What booking's owner says of a referral, by the duties BOOK-1 to BOOK-15. Pure but for the diary.

It says only what is missing, so that it may be asked of any referral at any time.
"""

from datetime import datetime, timedelta

from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from shared.contract.events.models import EventBody, MeetingBooked
from shared.contract.history import Meeting, ReferralHistory
from shared.platform.clock import london_day
from shared.platform.ids import NewId
from tests.harness.parts.booker.diary import Diary, Free

EXPECTED_DAYS = 14
NOT_REACHED_DAYS = 7
# Facts over an hour old are of a log that is being read: the rest of it may follow (BOOK-17).
OLD = timedelta(hours=1)
_GIVEN_UP = frozenset(v.CancelReason) - {v.CancelReason.REFERRAL_ENDED, v.CancelReason.SLOT_TAKEN}


def holds(history: ReferralHistory) -> list[MeetingBooked]:
    """The meetings whose times are taken."""
    if history.created is None or not history.open:
        return []
    return [
        m.booked
        for m in history.meetings
        if m is history.active
        or m.status == "missed"
        or (m.status == "attended" and m.held_on >= london_day(m.booked.starts_at))
    ]


def is_old(history: ReferralHistory, now: datetime) -> bool:
    """True if nothing was said about the referral in the last hour."""
    return history.last_recorded is not None and history.last_recorded < now - OLD


def answer(
    referral: str,
    history: ReferralHistory,
    diary: Diary,
    now: datetime,
    new_id: NewId,
    bookers: frozenset[str],
) -> list[EventBody]:
    """The facts that booking's owner owes to this referral now.

    Args:
        bookers: sources of owners of booking; a losing meeting of another partner is its own to cancel.
    """
    created = history.created
    if created is None:
        return []
    standing = [m for m in history.meetings if m.status == "booked"]
    if not history.open:
        return [_cancelled(m, v.CancelReason.REFERRAL_ENDED) for m in standing]
    met = max((m.booked.sequence for m in history.meetings if m.status == "attended"), default=-1)
    lost = [
        m
        for m in standing
        if m.said.source in bookers and (m is not history.active or m.booked.sequence <= met)
    ]
    said: list[EventBody] = [_cancelled(m, v.CancelReason.SLOT_TAKEN) for m in lost]
    if met >= 0 or len(standing) > len(lost):
        return said
    misses = sum(m.status == "missed" for m in history.meetings)
    if misses > 1 + history.reopenings:
        expected = london_day(now) + timedelta(days=NOT_REACHED_DAYS)
        return [*said, *_waits(referral, history, created.locality, "person_not_reached", expected, now)]
    if _asked_later(history, now):
        return said
    free = next(diary.times(created.practice, now, but=given_up(history)), None)
    if free is None:
        expected = london_day(now) + timedelta(days=EXPECTED_DAYS)
        return [*said, *_waits(referral, history, created.locality, "no_slot", expected, now)]
    return [*said, booked(referral, history, free, new_id(), provisional=True)]


def booked(
    referral: str, history: ReferralHistory, free: Free, meeting_id: str, *, provisional: bool
) -> MeetingBooked:
    """A meeting at this time, numbered after the last one."""
    if history.created is None:
        raise ValueError("a referral that is not known has no meeting")
    last = history.meetings[-1] if history.meetings else None
    of_an_end = last and last.cancelled and last.cancelled.why is v.CancelReason.REFERRAL_ENDED
    replaced = last and last.status != "attended" and not of_an_end
    return MeetingBooked(
        referral_id=referral,
        locality=history.created.locality,
        meeting_id=meeting_id,
        sequence=last.booked.sequence + 1 if last else 0,
        replaces=last.booked.meeting_id if last and replaced else None,
        link_worker=free.link_worker,
        practice=free.practice,
        starts_at=free.starts_at,
        minutes=free.minutes,
        mode=v.MeetingMode.FACE_TO_FACE,
        provisional=provisional,
    )


def given_up(history: ReferralHistory) -> frozenset[str]:
    """The keys of times that the person could not keep."""
    return frozenset(
        Free(m.booked.link_worker, "", "", m.booked.starts_at, m.booked.minutes).key
        for m in history.meetings
        if m.status in ("replaced", "missed") or (m.cancelled and m.cancelled.why in _GIVEN_UP)
    )


def _asked_later(history: ReferralHistory, now: datetime) -> bool:
    waits = history.waiting
    return (
        waits is not None
        and waits.reason is v.WaitingReason.ASKED_LATER
        and waits.expected_by > london_day(now)
    )


def _waits(
    referral: str, history: ReferralHistory, locality: str, reason: str, expected: object, now: datetime
) -> list[EventBody]:
    said, known = history.waiting_said, history.waiting
    lost = [m.outcome.recorded for m in history.meetings if m.outcome and m.status in ("missed", "cancelled")]
    if (
        known is not None
        and said is not None
        and known.reason == reason
        and known.expected_by >= london_day(now)
    ) and (not lost or said.recorded >= max(lost)):
        return []
    return [
        o.MeetingWaiting.model_validate(
            {"referral_id": referral, "locality": locality, "reason": reason, "expected_by": expected}
        )
    ]


def _cancelled(meeting: Meeting, why: v.CancelReason) -> o.MeetingCancelled:
    booked_ = meeting.booked
    return o.MeetingCancelled(
        referral_id=booked_.referral_id,
        locality=booked_.locality,
        meeting_id=booked_.meeting_id,
        by=v.By.PROGRAMME,
        why=why,
    )
