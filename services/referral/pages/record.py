"""What a practice copies into the record: two lines, one with the SNOMED CT code of the referral."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from services.referral.pages import words
from shared.delivery.mongo import Row
from shared.story import Stage
from shared.web import dates

REFERRED = "871731000000106"
"""SNOMED CT: referral to social prescribing service."""


def copy_for_the_record(row: Row, practice: str) -> str:
    """The two lines for a stored referral; `practice` as staff call it."""
    view = row["view"]
    made = dates.short_day(view["created"])
    first = f"Referral to social prescribing service (SNOMED CT {REFERRED}), {made}, {practice}."
    return f"{first}\n{_now(view)} Reference {row['referral']}."


def _now(view: Mapping[str, Any]) -> str:
    coming = view["next"]
    if coming is not None and coming["at"] is not None:
        return f"Appointment booked for {dates.day_and_time(coming['at'])}."
    stage, following = words.STAGES[Stage(view["stage"])], next_line(view)
    return f"{stage}. {following}." if following else f"{stage}."


def next_line(view: Mapping[str, Any]) -> str:
    """What is next, with its day, or nothing."""
    coming = view["next"]
    if coming is None:
        return ""
    what = words.NEXT[coming["what"]]
    if coming["at"] is not None:
        return f"{what} {dates.day_and_time(coming['at'])}"
    return f"{what} {dates.short_day(date.fromisoformat(coming['on']))}"
