"""The next step of a case in forms: an action and a day, with the usual days as choices."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from services.matching.web.forms import FormInput, day_fields
from shared.contract import labels
from shared.contract.events.outcomes import NextStep
from shared.contract.events.vocabulary import NextStepCode
from shared.platform.web.dates import day as day_words
from shared.platform.web.dates import example_day

USUAL = ((7, "in a week"), (14, "in 2 weeks"), (28, "in 4 weeks"), (84, "in 12 weeks"))
FURTHEST = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class NextStepForm:
    """The contents of the form part: codes, offered days, and the submitted values."""

    prefix: str
    codes: tuple[tuple[str, str], ...]
    days: tuple[tuple[str, str], ...]
    code: str
    when: str
    on: Mapping[str, str]


def next_step_form(now: date, typed: Mapping[str, Any], prefix: str = "next") -> NextStepForm:
    """The fields, empty or as submitted in `typed`."""
    offered = [(_working(now + timedelta(days=days)), text) for days, text in USUAL]
    days = [(day.isoformat(), f"{_without_year(day)}, {text}") for day, text in offered]
    return NextStepForm(
        prefix=prefix,
        codes=tuple(labels.NEXT_STEPS.items()),
        days=(*days, ("day", "Another day")),
        code=str(typed.get(f"{prefix}_code", "")),
        when=str(typed.get(f"{prefix}_when", "")),
        on=day_fields(typed, f"{prefix}_on"),
    )


def read_next_step(form: FormInput, now: date, *, needed: bool, prefix: str = "next") -> NextStep | None:
    """The chosen next step; None if the part is empty and not needed. Errors are added to `form`."""
    code_field, when_field, on_field = (f"{prefix}_{part}" for part in ("code", "when", "on"))
    when = form.raw(when_field)
    said = bool(
        form.raw(code_field) or when or any(form.raw(f"{on_field}-{p}") for p in ("day", "month", "year"))
    )
    if not said and not needed:
        return None
    code = form.choice(code_field, NextStepCode, "Choose what happens next")
    day: date | None
    if when not in ("", "day"):
        try:
            day = date.fromisoformat(when)
        except ValueError:
            form.add_error(when_field, "Choose by when")
            return None
    else:
        day = form.day(
            on_field, f"Choose by when, or enter a day such as {example_day(now + timedelta(days=7))}"
        )
    if day is not None and not now <= day <= now + FURTHEST:
        form.add_error(on_field, "The day must be from today to a year from now")
        return None
    return NextStep(code=code, on=day) if code and day else None


def _working(day: date) -> date:
    """The day itself, or the next Monday if it is at a weekend."""
    return day + timedelta(days=7 - day.weekday()) if day.weekday() > 4 else day


def _without_year(day: date) -> str:
    return day_words(day).rsplit(" ", 1)[0]
