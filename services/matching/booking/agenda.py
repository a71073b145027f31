"""Days of diaries as pages and API show them: hours, meetings and free times. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from services.matching.booking.appointments import Appointment
from services.matching.booking.diary import Diaries
from services.matching.booking.slot import Slot
from services.matching.calendar import bank_holiday, london_day
from services.matching.roster.link_workers import LinkWorker
from shared.contract.events import vocabulary as v
from shared.contract.history.model import MeetingStatus
from shared.platform.clock import LONDON


@dataclass(frozen=True, slots=True)
class AgendaMeeting:
    """A meeting in a diary. Without the right to see its case it is only taken time: both ids are None.

    `travel`: minutes before and after, which the link worker needs for a home visit.
    """

    starts_at: datetime
    minutes: int
    travel: int
    practice: str
    place: str
    mode: v.MeetingMode
    status: MeetingStatus
    provisional: bool
    booked_by: str | None
    meeting_id: str | None = None
    referral_id: str | None = None


@dataclass(frozen=True, slots=True)
class OpenHours:
    """Working hours of one day at a place, for the practices that share its room."""

    opens: datetime
    closes: datetime
    place: str
    practices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FreeTime:
    """A free meeting time, at its place."""

    starts_at: datetime
    minutes: int
    place: str
    practices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AgendaDay:
    """One day of one link worker."""

    link_worker: str
    name: str
    day: date
    away: bool
    bank_holiday: bool
    hours: tuple[OpenHours, ...]
    meetings: tuple[AgendaMeeting, ...]
    appointments: tuple[Appointment, ...]
    free: tuple[FreeTime, ...]

    @property
    def is_empty(self) -> bool:
        """True if the link worker neither works nor meets anybody that day."""
        return not (self.hours or self.meetings or self.appointments)


@dataclass(frozen=True, slots=True)
class Within:
    """The practice and the place to which a reader narrows diaries. None: all of them."""

    practice: str | None = None
    place: str | None = None

    def has(self, practices: Iterable[str], place: str) -> bool:
        """True for hours, times and meetings that are shown."""
        return self.practice in (None, *practices) and self.place in (None, place)


def agenda_day(
    worker: LinkWorker,
    day: date,
    meetings: Sequence[AgendaMeeting],
    diaries: Diaries | None,
    within: Within,
    appointments: Sequence[Appointment] = (),
) -> AgendaDay:
    """A link worker's day with these meetings and appointments. `diaries`: None if others keep them."""
    shut, away = bank_holiday(day), worker.away(day)
    hours = () if shut or away or not worker.active else _hours(worker, day, within)
    shown = [each for each in meetings if within.has((each.practice,), each.place)]
    return AgendaDay(
        link_worker=worker.id,
        name=worker.name,
        day=day,
        away=away,
        bank_holiday=shut,
        hours=tuple(hours),
        meetings=tuple(sorted(shown, key=lambda each: each.starts_at)),
        appointments=tuple(appointments),
        free=_free(worker, day, diaries, within) if diaries is not None and worker.active else (),
    )


def _hours(worker: LinkWorker, day: date, within: Within) -> list[OpenHours]:
    found = [
        OpenHours(
            opens=datetime.combine(day, hours.opens, LONDON).astimezone(UTC),
            closes=datetime.combine(day, hours.closes, LONDON).replace(fold=1).astimezone(UTC),
            place=hours.place,
            practices=hours.practices,
        )
        for hours in worker.hours
        if hours.weekday == day.weekday() and within.has(hours.practices, hours.place)
    ]
    return sorted(found, key=lambda each: each.opens)


def _free(worker: LinkWorker, day: date, diaries: Diaries, within: Within) -> tuple[FreeTime, ...]:
    """The free times that are still to come, each once: practices that share a room share its times."""
    at: dict[datetime, list[Slot]] = {}
    for slot in diaries.free(worker, day):
        if slot.starts_at > diaries.now:
            at.setdefault(slot.starts_at, []).append(slot)
    return tuple(
        FreeTime(starts_at, slots[0].minutes, slots[0].place, practices)
        for starts_at, slots in sorted(at.items())
        if within.has(practices := tuple(slot.practice for slot in slots), slots[0].place)
    )


def travel_of(diaries: Diaries | None, link_worker: str, starts_at: datetime, meeting_id: str) -> int:
    """The travel that a meeting's reservation holds; 0 without one."""
    known = diaries.days.get((link_worker, london_day(starts_at))) if diaries else None
    held = [each.travel for each in known.reservations if each.meeting_id == meeting_id] if known else []
    return held[0] if held else 0
