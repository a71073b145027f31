"""The forms of a link worker's entry: who they are and how they meet people, and their weekly hours."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from pydantic import ValidationError

from services.matching.roster.link_workers import Hours, LinkWorker
from services.matching.roster.rooms import Room
from services.matching.web.forms import FormInput
from shared.contract.events.vocabulary import MeetingMode
from shared.contract.labels import LANGUAGES

DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
# Empty rows below the hours that there are, and those of somebody who has none yet.
MORE_ROWS: Final = 2
FIRST_ROWS: Final = 5
MAX_ROWS: Final = 60
_SENTENCES: Final[Mapping[str, str]] = {
    "name": "Enter their name",
    "email": "Enter an email address at work, like name@service.example",
    "telephone": "Enter a telephone number at work, like 01632 960401",
}


def read_details(form: FormInput, before: LinkWorker) -> LinkWorker:
    """The entry with what the form says; hours and leave stay. Raises FormErrors."""
    changed: dict[str, Any] = {
        "name": form.text("name", 120),
        "email": form.raw("email"),
        "telephone": form.raw("telephone"),
        "languages": tuple(code for code in (*LANGUAGES, *before.languages) if code in form.all("languages")),
        "meeting_minutes": form.number(
            "meeting_minutes", 15, 120, "Enter the length of a meeting, from 15 to 120 minutes", needed=True
        ),
        "caseload_limit": form.number(
            "caseload_limit", 0, 1000, "Enter the most open cases, from 0 to 1000", needed=True
        ),
        "caseload_weight": form.number(
            "caseload_weight", 10, 200, "Enter the share of new cases, from 10 to 200 per cent", needed=True
        ),
        "home_visits": MeetingMode.HOME in form.all("ways"),
        "telephone_meetings": MeetingMode.PHONE in form.all("ways"),
        "video_meetings": MeetingMode.VIDEO in form.all("ways"),
        "active": form.raw("active") == "yes",
    }
    changed["languages"] = tuple(dict.fromkeys(changed["languages"]))
    if not changed["languages"]:
        form.add_error("languages", "Choose at least one language")
    if any(changed[field] is None for field in ("meeting_minutes", "caseload_limit", "caseload_weight")):
        changed |= {"meeting_minutes": 45, "caseload_limit": 0, "caseload_weight": 100}
    found: LinkWorker | None = None
    try:
        found = LinkWorker.model_validate(before.model_dump() | changed)
    except ValidationError as wrong:
        for error in wrong.errors():
            field = str(error["loc"][0])
            form.add_error(field, _SENTENCES.get(field, "This cannot be stored"))
    return form.required(found)


def details_as_typed(entry: LinkWorker) -> dict[str, Any]:
    """The entry in the fields of its form."""
    ways = {
        MeetingMode.HOME: entry.home_visits,
        MeetingMode.PHONE: entry.telephone_meetings,
        MeetingMode.VIDEO: entry.video_meetings,
    }
    return {
        "name": entry.name,
        "email": entry.email,
        "telephone": entry.telephone,
        "languages": list(entry.languages),
        "meeting_minutes": entry.meeting_minutes,
        "caseload_limit": entry.caseload_limit,
        "caseload_weight": entry.caseload_weight,
        "ways": [way.value for way, offered in ways.items() if offered],
        "active": "yes" if entry.active else "no",
    }


def read_hours(
    form: FormInput, practices: Collection[str], rooms: Mapping[str, Room], known: int
) -> tuple[Hours, ...]:
    """The weekly hours of the form, by day and time. Raises FormErrors.

    `known`: the first rows are hours that there are, which go if no day is chosen. Other rows without a day
    must be empty.
    """
    found: list[tuple[int, Hours]] = []
    for row in range(min(int(form.raw("rows") or "0") if form.raw("rows").isdigit() else 0, MAX_ROWS)):
        if row >= known and not form.raw(f"hours-{row}-weekday") and _is_begun(form, row):
            form.add_error(f"hours-{row}-weekday", "Choose the day of these hours")
        hours = _row(form, row, practices, rooms)
        if hours is not None:
            found.append((row, hours))
    for row, hours in found:
        if any(_overlap(hours, other) for at, other in found if at < row):
            form.add_error(f"hours-{row}-opens", "These hours overlap other hours of the same day")
    form.check()
    return tuple(sorted((hours for _, hours in found), key=lambda each: (each.weekday, each.opens)))


def _is_begun(form: FormInput, row: int) -> bool:
    """True if somebody typed a time or a place in this row."""
    return any(form.raw(f"hours-{row}-{name}") for name in ("opens", "closes", "room", "place"))


def _row(form: FormInput, row: int, practices: Collection[str], rooms: Mapping[str, Room]) -> Hours | None:
    def field(name: str) -> str:
        return f"hours-{row}-{name}"

    weekday = form.raw(field("weekday"))
    if not re.fullmatch("[0-6]", weekday):
        return None
    opens = form.time(field("opens"), "Enter when the hours begin, like 09:00")
    closes = form.time(field("closes"), "Enter when the hours end, like 12:30")
    if opens and closes and opens >= closes:
        form.add_error(field("closes"), "The end must be after the beginning")
    room = rooms.get(form.raw(field("room")))
    needed = None if room else "Choose a room, or enter the place in words that a visitor understands"
    typed = form.text(field("place"), 120, needed)
    place = room.place if room else typed
    chosen = tuple(code for code in practices if code in form.all(field("practices")))
    if not chosen:
        form.add_error(field("practices"), "Choose whose people they meet in these hours")
    if not (opens and closes and opens < closes and place and chosen):
        return None
    return Hours(
        weekday=int(weekday),
        opens=opens,
        closes=closes,
        practices=chosen,
        place=place,
        room=room.id if room else None,
    )


def _overlap(one: Hours, other: Hours) -> bool:
    return one.weekday == other.weekday and one.opens < other.closes and other.opens < one.closes


def hours_as_typed(hours: Sequence[Hours]) -> dict[str, Any]:
    """Hours in the fields of their form."""
    typed: dict[str, Any] = {}
    for row, each in enumerate(hours):
        typed |= {
            f"hours-{row}-weekday": str(each.weekday),
            f"hours-{row}-opens": each.opens.strftime("%H:%M"),
            f"hours-{row}-closes": each.closes.strftime("%H:%M"),
            f"hours-{row}-room": each.room or "",
            f"hours-{row}-place": "" if each.room else each.place,
            f"hours-{row}-practices": list(each.practices),
        }
    return typed


def rows_of(typed: Mapping[str, Any], rows: int, practices: Sequence[str]) -> list[dict[str, Any]]:
    """The rows of the form of hours. A new row begins with the first practice where there is only one."""
    only = practices if len(practices) == 1 else ()
    return [
        {
            "row": row,
            "weekday": typed.get(f"hours-{row}-weekday", ""),
            "opens": typed.get(f"hours-{row}-opens", ""),
            "closes": typed.get(f"hours-{row}-closes", ""),
            "room": typed.get(f"hours-{row}-room", ""),
            "place": typed.get(f"hours-{row}-place", ""),
            "practices": _listed(typed.get(f"hours-{row}-practices", only)),
            "known": bool(typed.get(f"hours-{row}-weekday")),
        }
        for row in range(rows)
    ]


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
