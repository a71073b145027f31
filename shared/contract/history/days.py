"""The day of each fact, as every page shows it."""

from datetime import date

from shared.contract.events import outcomes as o
from shared.contract.events.envelope import Body
from shared.contract.history.model import EventRef, ReferralHistory
from shared.platform.clock import london_day


def day_of(body: Body, said: EventRef, story: ReferralHistory) -> date:
    """The day in London on which it happened. A visit and a meeting have their own, whenever recorded."""
    if isinstance(body, o.ActivityStarted | o.Measured):
        return body.on
    if isinstance(body, o.MeetingAttended | o.MeetingMissed):
        meeting = next((m for m in story.meetings if m.booked.meeting_id == body.meeting_id), None)
        if meeting is not None:
            return min(london_day(meeting.booked.starts_at), london_day(said.time))
    return london_day(said.time)
