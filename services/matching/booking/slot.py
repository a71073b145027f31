"""A time in a diary that a meeting may have, and the times of a day."""

from dataclasses import dataclass, replace
from datetime import date, datetime

from services.matching.calendar import bank_holiday
from services.matching.roster.link_workers import LinkWorker, times
from shared.contract.events import vocabulary as v
from shared.contract.labels import where


@dataclass(frozen=True, slots=True)
class Slot:
    """A time in a link worker's diary. Forms carry its `key` and return it to `another_time`.

    `place`: the place in words: the room if face to face, otherwise the mode.
    """

    link_worker: str
    practice: str
    place: str
    starts_at: datetime
    minutes: int
    mode: v.MeetingMode = v.MeetingMode.FACE_TO_FACE
    # The room that it needs, if one is kept.
    room: str | None = None

    @property
    def key(self) -> str:
        """The name of the slot: link worker and start in UTC."""
        return f"{self.link_worker}|{self.starts_at.strftime('%Y-%m-%dT%H:%MZ')}"


def slots_of_day(worker: LinkWorker, day: date) -> list[Slot]:
    """The meeting times of a link worker's day, for each practice that shares the room."""
    if bank_holiday(day) or worker.away(day):
        return []
    half_days = [leave for leave in worker.leave if leave.half is not None and leave.first == day]
    return [
        Slot(worker.id, practice, hours.place, starts_at, worker.meeting_minutes, room=hours.room)
        for hours in worker.hours
        for starts_at in times(hours, day, worker.meeting_minutes)
        if not any(leave.meets(starts_at, worker.meeting_minutes) for leave in half_days)
        for practice in hours.practices
    ]


def in_mode(slot: Slot, mode: v.MeetingMode) -> Slot:
    """The same time for another kind of meeting, with its place in words. It needs no room."""
    return slot if slot.mode is mode else replace(slot, mode=mode, place=where(mode, slot.place), room=None)
