"""What a practice copies into the record: two lines, one with the SNOMED CT code of the referral."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from services.referral.pages import words
from shared import labels
from shared.delivery.mongo import Row
from shared.events.vocabulary import MeetingMode
from shared.story import Stage
from shared.web import dates

REFERRED = "871731000000106"
"""SNOMED CT: referral to social prescribing service."""


def copy_for_the_record(row: Row, practice: str, today: date) -> str:
    """The two lines for a stored referral; `practice` as staff call it."""
    view = row["view"]
    made = dates.short_day(view["created"])
    first = f"Referral to social prescribing service (SNOMED CT {REFERRED}), {made}, {practice}."
    return f"{first}\n{_now(view, today)} Reference {row['referral']}."


def _now(view: Mapping[str, Any], today: date) -> str:
    coming = view["next"]
    if coming is not None and coming["at"] is not None:
        return f"Appointment booked for {dates.day_and_time(coming['at'])}{_elsewhere(view)}."
    stage, following = words.STAGES[Stage(view["stage"])], next_line(view, today)
    return f"{stage}. {following}." if following else f"{stage}."


def _elsewhere(view: Mapping[str, Any]) -> str:
    """Where the appointment is, unless it is at the practice."""
    mode = view["meeting"]["mode"] if view["meeting"] else MeetingMode.FACE_TO_FACE
    return f", {labels.at_where(mode, '')}" if mode in labels.PLACES else ""


def next_line(view: Mapping[str, Any], today: date) -> str:
    """What is next, with its day, or nothing. A day that has passed is said to be overdue."""
    coming = view["next"]
    if coming is None:
        return ""
    if coming["at"] is not None:
        return f"Appointment {dates.day_and_time(coming['at'])}{_elsewhere(view)}"
    on = date.fromisoformat(coming["on"])
    late = " (overdue)" if on < today else ""
    return f"{words.NEXT[coming['what']]} {dates.short_day(on)}{late}"
