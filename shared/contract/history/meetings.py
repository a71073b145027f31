"""What became of a referral's meetings."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from shared.contract.events import outcomes as o
from shared.contract.events.models import MeetingBooked
from shared.contract.history.model import EventRef, Meeting, MeetingStatus

if TYPE_CHECKING:
    from shared.contract.history.fold import EffectiveFacts


def meetings_of(
    booked: Sequence[tuple[MeetingBooked, EventRef]], told: "EffectiveFacts"
) -> tuple[tuple[Meeting, ...], Meeting | None]:
    """All meetings by (sequence, rank of source, id), and the one that stands, if any."""
    by_id = {body.meeting_id: (body, said) for body, said in booked}
    if len(by_id) < len(booked):
        by_id = {name: (_agreed(body, booked), said) for name, (body, said) in by_id.items()}
    replaced = {body.replaces for body, _ in booked if body.replaces}
    # Attended beats missed beats cancelled.
    became: dict[str, tuple[MeetingStatus, EventRef, o.MeetingCancelled | None]] = {}
    for cancelled, said in told.of(o.MeetingCancelled):
        became[cancelled.meeting_id] = ("cancelled", said, cancelled)
    for missed, said in told.of(o.MeetingMissed):
        became[missed.meeting_id] = ("missed", said, None)
    for attended, said in told.of(o.MeetingAttended):
        became[attended.meeting_id] = ("attended", said, None)

    def meeting(body: MeetingBooked, said: EventRef) -> Meeting:
        if body.meeting_id in became:
            status, outcome, cancelled = became[body.meeting_id]
            return Meeting(body, said, status, cancelled, outcome)
        return Meeting(body, said, "replaced" if body.meeting_id in replaced else "booked")

    ordered = [meeting(body, said) for body, said in by_id.values()]
    if len(ordered) > 1:
        ordered.sort(key=lambda m: (m.booked.sequence, told.rank(m.said.source), m.booked.meeting_id))
    standing = [m for m in ordered if m.status == "booked"]
    return tuple(ordered), standing[-1] if standing else None


def _agreed(believed: MeetingBooked, booked: Sequence[tuple[MeetingBooked, EventRef]]) -> MeetingBooked:
    """No longer provisional where anybody said that the person agreed to this very time.

    Whoever rings them may rank below whose meeting it is, and need not be the last to speak of it.
    """
    if believed.provisional and any(
        not body.provisional
        and (body.meeting_id, body.link_worker, body.starts_at)
        == (believed.meeting_id, believed.link_worker, believed.starts_at)
        for body, _ in booked
    ):
        return believed.model_copy(update={"provisional": False})
    return believed
