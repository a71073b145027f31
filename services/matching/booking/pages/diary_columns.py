"""The columns of a diary page: a link worker's day, or a day of the week, each a list in order of time."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from services.matching.booking.agenda import AgendaDay, AgendaMeeting
from services.matching.booking.appointments import KINDS, Appointment
from services.matching.referral_state.pages.person_header import person_contact
from services.matching.web.grammar import plural
from shared.contract import labels
from shared.platform.web.dates import clock_time
from shared.platform.web.dates import day as day_in_words

People = Mapping[str, Mapping[str, Any]]

_TAKEN: Final = "Booked"


@dataclass(frozen=True, slots=True)
class Line:
    """One entry of a column. `kind` (meeting, free, other) selects its style; the words carry the meaning."""

    kind: str
    at: datetime
    ends: datetime
    title: str
    meta: tuple[str, ...] = ()
    href: str | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """A list of entries under a heading. `notes`: hours, or the reason for none."""

    heading: str
    notes: tuple[str, ...]
    lines: tuple[Line, ...]
    is_today: bool = False


def columns_of_workers(
    days: Iterable[AgendaDay], people: People, *, several: bool, own: str | None = None
) -> list[Column]:
    """A day, with a column for each link worker. Of several, those who are not there have none.

    `own`: the reader's id as a link worker. Their own entries lead to a page.
    """
    return [
        Column(each.name, _notes(each), tuple(_lines(each, people, own, whole=True)))
        for each in days
        if not several or not each.is_empty or each.away
    ]


def columns_of_days(
    days: Sequence[AgendaDay], people: People, today: date, *, several: bool, own: str | None = None
) -> list[Column]:
    """A week, with a column for each day. A Saturday or Sunday without work has none."""
    found: list[Column] = []
    for day in dict.fromkeys(each.day for each in days):
        of_day = [each for each in days if each.day == day]
        if day.weekday() > 4 and all(each.is_empty for each in of_day):
            continue
        lines = [line for each in of_day for line in _lines(each, people, own, whole=False, several=several)]
        found.append(
            Column(
                day_in_words(day).rsplit(" ", 1)[0],
                tuple(note for each in of_day for note in _notes(each, several=several)),
                tuple(sorted(lines, key=lambda line: (line.at, line.title))),
                is_today=day == today,
            )
        )
    return found


def _notes(day: AgendaDay, *, several: bool = False) -> tuple[str, ...]:
    by = f"{day.name}: " if several else ""
    if day.bank_holiday:
        return () if several else ("Bank holiday",)
    if day.away:
        return (f"{by}away",) if several else ("Away",)
    if several:
        return ()
    return tuple(
        f"{clock_time(each.opens)} to {clock_time(each.closes)}, {each.place}" for each in day.hours
    ) or ("No hours",)


def _lines(
    day: AgendaDay, people: People, own: str | None, *, whole: bool, several: bool = False
) -> list[Line]:
    """The entries of a day. `whole`: each free time is an entry; otherwise they are counted."""
    by = (day.name,) if several else ()
    found = [_meeting(each, people, by) for each in day.meetings]
    found += [_appointment(each, own, by) for each in day.appointments]
    if whole:
        found += [
            Line("free", each.starts_at, each.starts_at + timedelta(minutes=each.minutes), "Free")
            for each in day.free
        ]
    elif day.free:
        first, last = day.free[0], day.free[-1]
        ends = last.starts_at + timedelta(minutes=last.minutes)
        count = f"{plural(len(day.free), 'time is', 'times are')} free"
        found.append(Line("free", first.starts_at, ends, count, by))
    return sorted(found, key=lambda line: line.at)


def _appointment(entry: Appointment, own: str | None, by: tuple[str, ...]) -> Line:
    meta = (*by, entry.note) if entry.note else by
    href = f"/matching/diary/appointments/{entry.appointment_id}" if entry.link_worker == own else None
    return Line("other", entry.starts_at, entry.ends_at, KINDS[entry.kind], meta, href)


def _meeting(meeting: AgendaMeeting, people: People, by: tuple[str, ...]) -> Line:
    ends = meeting.starts_at + timedelta(minutes=meeting.minutes)
    meta = [*by, meeting.place]
    if meeting.travel:
        leaves = meeting.starts_at - timedelta(minutes=meeting.travel)
        back = ends + timedelta(minutes=meeting.travel)
        meta.append(f"Travel from {clock_time(leaves)}, and back by {clock_time(back)}")
    if meeting.booked_by:
        meta.append(f"Booked by {meeting.booked_by}")
    if meeting.meeting_id is None:
        return Line("meeting", meeting.starts_at, ends, _TAKEN, tuple(meta))
    if over := labels.DIARY_MEETINGS[meeting.status]:
        meta.append(over)
    elif meeting.provisional:
        meta.append("They have not said yes yet")
    name = person_contact(people, meeting.referral_id or "").name
    return Line(
        "meeting", meeting.starts_at, ends, name, tuple(meta), f"/matching/meetings/{meeting.meeting_id}"
    )
