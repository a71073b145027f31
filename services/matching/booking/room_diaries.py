"""Diaries of rooms, kept beside those of link workers: a room takes so many meetings at a time. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType

from services.matching.booking.reservations import Reservation
from services.matching.roster.link_workers import LinkWorker, room_at
from services.matching.roster.rooms import Room
from shared.contract.events.vocabulary import MeetingMode

RoomDayKey = tuple[str, date]


@dataclass(slots=True)
class RoomDay:
    """One day of one room. `version` 0: nothing is stored yet."""

    room: str
    day: date
    version: int = 0
    held: list[Reservation] = field(default_factory=list)


@dataclass
class RoomDiaries:
    """The rooms of a unit of work. They change in place and record which days were touched."""

    rooms: Mapping[str, Room] = field(default_factory=lambda: MappingProxyType({}))
    days: dict[RoomDayKey, RoomDay] = field(default_factory=dict)
    touched: set[RoomDayKey] = field(default_factory=set)

    def room_for(self, worker: LinkWorker | None, starts_at: datetime, mode: MeetingMode) -> str | None:
        """The room of a meeting: that of the link worker's hours, if it is face to face."""
        if worker is None or mode is not MeetingMode.FACE_TO_FACE or not self.rooms:
            return None
        return room_at(worker, starts_at)

    def is_full(self, room: str | None, day: date, wanted: Reservation) -> bool:
        """True if other meetings fill the room at this time. A room that is not known is never full."""
        known = self.rooms.get(room or "")
        held = self.days.get((room or "", day))
        if known is None or held is None:
            return False
        others = [each for each in held.held if each.meeting_id != wanted.meeting_id]
        return _most_at_once(others, wanted) >= known.capacity

    def hold(self, room: str | None, day: date, meeting: Reservation) -> bool:
        """Gives the meeting this room alone, full or not; None gives it none. Returns True for a change."""
        key = (room or "", day)
        known = room in self.rooms
        if known and meeting in self.days.get(key, _NOTHING).held:
            return False
        changed = bool(self.release(meeting.meeting_id))
        if known and room is not None:
            self.days.setdefault(key, RoomDay(room, day)).held.append(meeting)
            self.touched.add(key)
        return changed or known

    def release(self, meeting_id: str) -> set[str]:
        """Takes the meeting out of every room; returns the rooms that it held."""
        freed = set()
        for key, day in self.days.items():
            if any(each.meeting_id == meeting_id for each in day.held):
                day.held = [each for each in day.held if each.meeting_id != meeting_id]
                self.touched.add(key)
                freed.add(day.room)
        return freed


_NOTHING = RoomDay("", date.min)


def _most_at_once(held: list[Reservation], wanted: Reservation) -> int:
    """The most meetings in a room at any moment of this time."""
    within = [each for each in held if _overlap(each, wanted)]
    moments = [max(each.starts_at, wanted.starts_at) for each in within]
    return max(
        (sum(each.starts_at <= moment < each.ends_at for each in within) for moment in moments), default=0
    )


def _overlap(one: Reservation, other: Reservation) -> bool:
    """True if two meetings overlap. Nobody travels in a room."""
    return one.starts_at < other.ends_at and other.starts_at < one.ends_at
