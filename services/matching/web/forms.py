"""Reads a submitted form into values, and collects one sentence for each field with an error."""

import re
from collections.abc import Mapping
from datetime import date, time
from enum import Enum
from typing import Any, TypeVar

from starlette.datastructures import FormData

from shared.platform.web.forms import idempotency_key, text_field
from shared.platform.web.problem import Problem
from shared.platform.web.validation import FieldError

E = TypeVar("E", bound=Enum)
T = TypeVar("T")

_DATE_PARTS = ("day", "month", "year")
_TIME = re.compile(r"(?P<hour>[01]?[0-9]|2[0-3])(?:[:.]?(?P<minute>[0-5][0-9]))? ?(?P<half>am|pm)?")


class FormErrors(Exception):
    """The form has errors. Holds a sentence for each field, never the input."""

    def __init__(self, *errors: FieldError) -> None:
        super().__init__("mistakes")
        self.errors = list(errors)


def form_error(field: str, sentence: str) -> FieldError:
    """An error at one field of a form."""
    return FieldError(f"/{field}", "not_valid", sentence)


_FIELD_OF = {
    "date_too_early": "visited_on",
    "date_in_future": "visited_on",
    "weeks_needed": "weeks",
    "reason_needed": "reason",
}


def error_of(problem: Problem, otherwise: str) -> FieldError:
    """A refused action as an error at the field that it is about, or at `otherwise`."""
    field = _FIELD_OF.get(problem.code or "", otherwise)
    return form_error(field, problem.explanation or problem.title)


class FormInput:
    """The input of a form. Reading goes on after an error, so that the page shows all errors at once."""

    def __init__(self, form: FormData) -> None:
        self._form = form
        self.errors: list[FieldError] = []

    def add_error(self, field: str, sentence: str) -> None:
        """Adds an error at this field."""
        self.errors.append(form_error(field, sentence))

    def check(self) -> None:
        """Raises FormErrors if there are errors."""
        if self.errors:
            raise FormErrors(*self.errors)

    def required(self, value: T | None) -> T:
        """A required value. Raises FormErrors if the form has errors or the value is None."""
        self.check()
        if value is None:
            raise FormErrors(form_error("", "Something is missing"))
        return value

    @property
    def idempotency_key(self) -> str | None:
        """The hidden key that makes a form sent twice take effect once."""
        return idempotency_key(self._form) or None

    def raw(self, field: str) -> str:
        """The value of a field as text; empty if it is missing."""
        return text_field(self._form, field)

    def all(self, field: str) -> list[str]:
        """All values of a repeated field."""
        return [value for value in self._form.getlist(field) if isinstance(value, str)]

    def names(self) -> list[str]:
        """The names of the submitted fields, each once."""
        return list(dict.fromkeys(self._form.keys()))

    def text(self, field: str, most: int = 2000, needed: str | None = None) -> str:
        """Free text of at most `most` characters. CR LF becomes LF."""
        value = self.raw(field).replace("\r\n", "\n")
        if needed and not value:
            self.add_error(field, needed)
        if len(value) > most:
            self.add_error(field, f"Use {most} characters or fewer")
            return ""
        return value

    def choice(self, field: str, of: type[E], needed: str | None = None) -> E | None:
        """A code of the vocabulary `of`."""
        value = self.raw(field)
        found = next((each for each in of if each.value == value), None)
        if found is None and (value or needed):
            self.add_error(field, needed or "Choose one of the answers")
        return found

    def choices(self, field: str, of: type[E]) -> tuple[E, ...]:
        """All submitted codes of the vocabulary `of`. Other values are ignored."""
        chosen = set(self.all(field))
        return tuple(each for each in of if each.value in chosen)

    def number(self, field: str, low: int, high: int, sentence: str, needed: bool = False) -> int | None:
        """A whole number from `low` to `high`; None if the field is empty."""
        value = self.raw(field)
        if not value and not needed:
            return None
        if not re.fullmatch(r"[0-9]{1,6}", value) or not low <= int(value) <= high:
            self.add_error(field, sentence)
            return None
        return int(value)

    def weeks(self, field: str = "weeks") -> int | None:
        """The length of a waiting list, from 1 to 104 weeks; None if "not known" is ticked."""
        if self.raw(f"{field}_not_known") == "yes" and not self.raw(field):
            return None
        sentence = "Enter how many weeks they wait, from 1 to 104, or tick “Not known”"
        return self.number(field, 1, 104, sentence, needed=True)

    def time(self, field: str, sentence: str) -> time | None:
        """A time of day as people type it: 9, 9.30, 0930, 14:00, 2pm."""
        found = _TIME.fullmatch(self.raw(field).strip().lower())
        hour, half = (int(found["hour"]), found["half"]) if found else (0, None)
        if found is None or (half and not 1 <= hour <= 12):
            self.add_error(field, sentence)
            return None
        if half:
            hour = hour % 12 + (12 if half == "pm" else 0)
        return time(hour, int(found["minute"] or 0))

    def day(
        self,
        field: str,
        sentence: str,
        *,
        first: date | None = None,
        last: date | None = None,
        outside: str = "",
        needed: bool = True,
    ) -> date | None:
        """A day typed in three boxes. `outside` is the error for a day before `first` or after `last`."""
        parts = [self.raw(f"{field}-{part}") for part in _DATE_PARTS]
        if not any(parts) and not needed:
            return None
        if not all(re.fullmatch(r"[0-9]{1,4}", part) for part in parts):
            self.add_error(field, sentence)
            return None
        day, month, year = (int(part) for part in parts)
        try:
            value = date(year + 2000 if year < 100 else year, month, day)
        except ValueError:
            self.add_error(field, "This day does not exist")
            return None
        if (first and value < first) or (last and value > last):
            self.add_error(field, outside or sentence)
            return None
        return value

    def as_submitted(self) -> dict[str, Any]:
        """The input for showing the form again: a text for each field, a list for repeated fields."""
        kept: dict[str, Any] = {}
        for name in self.names():
            values = self.all(name)
            kept[name] = values if len(values) > 1 else values[0] if values else ""
        return kept


def day_fields(typed: Mapping[str, Any], field: str) -> dict[str, str]:
    """The three boxes of a date as submitted."""
    return {part: str(typed.get(f"{field}-{part}", "")) for part in _DATE_PARTS}


def day_parts(value: date) -> dict[str, str]:
    """A date for three boxes."""
    return {"day": str(value.day), "month": str(value.month), "year": str(value.year)}
