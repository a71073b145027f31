"""The form of a leave, and a leave in words."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Final

from services.matching.roster.link_workers import Half, Leave
from services.matching.web.forms import FormInput
from shared.platform.web.dates import day as in_words
from shared.platform.web.problem import Problem

# A leave begins at most so long ago, and so far ahead.
_BACK: Final = timedelta(days=31)
_AHEAD: Final = timedelta(days=550)
WHEN: Final = (
    ("today", "Today"),
    ("today_am", "This morning only"),
    ("today_pm", "This afternoon only"),
    ("tomorrow", "Tomorrow"),
    ("days", "Other days"),
)
PARTS: Final = (
    ("all", "Whole days"),
    ("am", "The morning of the first day only"),
    ("pm", "The afternoon of the first day only"),
    ("unknown", "From the first day on, until I say that it ends"),
)


def read_leave(form: FormInput, today: date) -> Leave:
    """The leave of the form. Raises FormErrors."""
    when = form.raw("when")
    short: dict[str, tuple[date, Half | None]] = {
        "today": (today, None),
        "today_am": (today, "am"),
        "today_pm": (today, "pm"),
        "tomorrow": (today + timedelta(days=1), None),
    }
    if when in short:
        day, half = short[when]
        return Leave(first=day, last=day, half=half)
    if when != "days":
        form.add_error("when", "Choose when they are away")
        form.check()
    part = form.raw("part")
    sentence = "Enter the first day away, with day, month and year"
    outside = "The first day is within the last month or the next 18 months"
    first = form.day("first", sentence, first=today - _BACK, last=today + _AHEAD, outside=outside)
    last = None
    if part == "all" and first is not None:
        sentence = "Enter the last day away, with day, month and year"
        outside = "The last day is not before the first, and within 18 months"
        last = form.day("last", sentence, first=first, last=today + _AHEAD, outside=outside)
    elif part not in ("all", "am", "pm", "unknown"):
        form.add_error("part", "Choose which part of these days")
    day = form.required(first)
    if part == "unknown":
        return Leave.until_ended(day)
    halves: dict[str, Half] = {"am": "am", "pm": "pm"}
    if part in halves:
        return Leave(first=day, last=day, half=halves[part])
    return Leave(first=day, last=form.required(last))


def leave_fields(leave: Leave) -> Mapping[str, str]:
    """The leave in hidden fields."""
    fields = {"first": leave.first.isoformat(), "last": leave.last.isoformat()}
    if leave.half:
        fields["half"] = leave.half
    return fields | ({"end_unknown": "yes"} if leave.end_unknown else {})


def leave_of(form: FormInput) -> Leave:
    """The leave of hidden fields. Raises Problem (422) for what no page of ours sends."""
    half = form.raw("half") or None
    try:
        return Leave.model_validate(
            {
                "first": form.raw("first"),
                "last": form.raw("last"),
                "half": half,
                "end_unknown": form.raw("end_unknown") == "yes",
            }
        )
    except ValueError:
        raise Problem(422, code="not_taken", detail="Go back, and choose when they are away.") from None


def leave_in_words(leave: Leave) -> str:
    """Such as Monday 7 to Friday 11 December 2026."""
    if leave.half is not None:
        return f"{in_words(leave.first)}, {'morning' if leave.half == 'am' else 'afternoon'}"
    if leave.end_unknown:
        return f"From {in_words(leave.first)}, end not known yet"
    if leave.first == leave.last:
        return in_words(leave.first)
    return f"{in_words(leave.first)} to {in_words(leave.last)}"
