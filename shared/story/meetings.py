"""What became of a referral's meetings."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from shared.events import outcomes as o
from shared.events.models import MeetingBooked
from shared.story.model import Meeting, Said

if TYPE_CHECKING:
    from shared.story.fold import Effective


def meetings_of(
    booked: Sequence[tuple[MeetingBooked, Said]], told: "Effective"
) -> tuple[tuple[Meeting, ...], Meeting | None]:
    """All meetings by (sequence, rank of source, id), and the one that stands, if any."""
    by_id = {body.meeting_id: (body, said) for body, said in booked}
    replaced = {body.replaces for body, _ in booked if body.replaces}
    attended = {a.meeting_id: said for a, said in told.of(o.MeetingAttended)}
    missed = {m.meeting_id: said for m, said in told.of(o.MeetingMissed)}
    cancelled = {c.meeting_id: (c, said) for c, said in told.of(o.MeetingCancelled)}

    def meeting(body: MeetingBooked, said: Said) -> Meeting:
        of = body.meeting_id
        if of in attended:
            return Meeting(body, said, "attended", outcome=attended[of])
        if of in missed:
            return Meeting(body, said, "missed", outcome=missed[of])
        if of in cancelled:
            return Meeting(body, said, "cancelled", cancelled=cancelled[of][0], outcome=cancelled[of][1])
        return Meeting(body, said, "replaced" if of in replaced else "booked")

    ordered = sorted(
        (meeting(body, said) for body, said in by_id.values()),
        key=lambda m: (m.booked.sequence, told.rank(m.said.source), m.booked.meeting_id),
    )
    standing = [m for m in ordered if m.status == "booked"]
    return tuple(ordered), standing[-1] if standing else None
