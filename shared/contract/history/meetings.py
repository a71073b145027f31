"""The section of meetings: what became of each, which one stands, why there is none, and who meets."""

from collections.abc import Sequence

from shared.contract.events import outcomes as o
from shared.contract.events.models import MeetingBooked
from shared.contract.history.effective import EffectiveFacts
from shared.contract.history.model import EventRef, Meeting, MeetingStatus
from shared.contract.history.section import Fields, Section


def _meetings(facts: EffectiveFacts) -> Fields:
    booked = facts.of(MeetingBooked)
    meetings = _in_order(booked, facts) if booked else ()
    standing = [m for m in meetings if m.status == "booked"]
    waiting, waiting_said = facts.highest(o.MeetingWaiting)
    changed, _ = facts.highest(o.LinkWorkerChanged)
    known = (m.booked.link_worker for m in reversed(meetings) if facts.is_known(m.said.source))
    return {
        "meetings": meetings,
        "active": standing[-1] if standing else None,
        "waiting": waiting,
        "waiting_said": waiting_said,
        "link_worker": next(known, None) if changed is None else changed.link_worker,
    }


def _in_order(booked: Sequence[tuple[MeetingBooked, EventRef]], facts: EffectiveFacts) -> tuple[Meeting, ...]:
    """All meetings by (sequence, priority of the source, meeting id)."""
    by_id = {body.meeting_id: (body, said) for body, said in booked}
    if len(by_id) < len(booked):
        by_id = {name: (_agreed(body, booked), said) for name, (body, said) in by_id.items()}
    replaced = {body.replaces for body, _ in booked if body.replaces}
    # Attended beats missed beats cancelled: the later assignment wins.
    became: dict[str, tuple[MeetingStatus, EventRef, o.MeetingCancelled | None]] = {}
    for cancelled, said in facts.of(o.MeetingCancelled):
        became[cancelled.meeting_id] = ("cancelled", said, cancelled)
    for missed, said in facts.of(o.MeetingMissed):
        became[missed.meeting_id] = ("missed", said, None)
    for attended, said in facts.of(o.MeetingAttended):
        became[attended.meeting_id] = ("attended", said, None)

    def meeting(body: MeetingBooked, said: EventRef) -> Meeting:
        if body.meeting_id in became:
            status, outcome, cancelled = became[body.meeting_id]
            return Meeting(body, said, status, cancelled, outcome)
        return Meeting(body, said, "replaced" if body.meeting_id in replaced else "booked")

    ordered = [meeting(body, said) for body, said in by_id.values()]
    if len(ordered) > 1:
        ordered.sort(key=lambda m: (m.booked.sequence, facts.priority(m.said.source), m.booked.meeting_id))
    return tuple(ordered)


def _agreed(effective: MeetingBooked, booked: Sequence[tuple[MeetingBooked, EventRef]]) -> MeetingBooked:
    """Clears `provisional` if any source says that the person agreed to this link worker and time.

    The source that rings the person may rank below the meeting's own, and may not be the last to speak.
    """
    if effective.provisional and any(
        not body.provisional
        and (body.meeting_id, body.link_worker, body.starts_at)
        == (effective.meeting_id, effective.link_worker, effective.starts_at)
        for body, _ in booked
    ):
        return effective.model_copy(update={"provisional": False})
    return effective


# - A meeting counts once its referral is created, and its sequence n once n-1 was ever said.
# - Of bookings of one meeting id, the one of the highest (priority, id) stands. The meeting is no longer
#   provisional if any of them says so of the same link worker and time.
# - A meeting that another names in `replaces` is replaced for good. Attended beats missed beats cancelled,
#   and each of them beats replaced.
# - The active meeting is the highest (sequence, priority, meeting id) of those that are still booked.
# - The link worker is the one last handed the case, else the one of the highest meeting of a known source.
MEETINGS = Section(
    name="meetings",
    version=3,
    kinds=frozenset({MeetingBooked, o.MeetingWaiting, o.LinkWorkerChanged}),
    empty={"meetings": (), "active": None, "waiting": None, "waiting_said": None, "link_worker": None},
    fold=_meetings,
)
