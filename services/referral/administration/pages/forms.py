"""Forms of the table: fields to a change, and the entry of the table to fields."""

import contextlib
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData

from shared.platform.clock import LONDON
from shared.platform.localities.changes import LocalityEntry, PracticeEntry
from shared.platform.web.forms import text_field
from shared.platform.web.validation import FieldError

M = TypeVar("M", bound=BaseModel)

DESKS: Final = ("younger_people", "safeguarding")
_DESK: Final = ("name", "telephone", "email")
_LINES: Final = (
    "name",
    "place",
    "data_controller",
    "employer",
    "privacy_notice",
    "minimum_age",
    "text_sender",
)
PRACTICE: Final = ("ods", "site", "practice_name", "mailbox", "postcode")
_SENTENCES: Final[Mapping[str, str]] = {
    "slug": "Enter a short name of one or two words of lower-case letters, with a hyphen between",
    "name": "Enter the name",
    "younger_people-name": "Enter the name of the desk for younger people",
    "younger_people-telephone": "Enter the telephone of the desk for younger people",
    "younger_people-email": "Enter the email of the desk for younger people",
    "safeguarding-name": "Enter the name of the safeguarding desk",
    "safeguarding-telephone": "Enter the telephone of the safeguarding desk",
    "safeguarding-email": "Enter the email of the safeguarding desk",
    "place": "Enter the places that belong to it",
    "live_from": "Enter the day from which it takes referrals",
    "data_controller": "Enter who controls the data",
    "employer": "Enter who employs the link workers",
    "privacy_notice": "Enter the address of the privacy notice, beginning with https://",
    "minimum_age": "Enter an age from 0 to 120",
    "ods": "Enter an ODS code of a letter and five digits, like M83100",
    "site": "Enter the site, as people know it",
    "misses": "Enter a number from 2 to 5",
    "reminder_days": "Enter a number from 0 to 7",
    "travel_minutes": "Enter a number from 0 to 180",
    "nudge_days": "Enter a number from 1 to 60",
    "review_days": "Enter a number from 7 to 366",
    "text": "Enter the text, of at most 300 characters",
    "begins": "Enter the day from which it is shown",
    "ends": "Enter the last day on which it is shown, not before the first",
}


class Wrong(Exception):
    """A form with errors: one sentence for each field."""

    def __init__(self, *errors: FieldError) -> None:
        super().__init__("mistakes")
        self.errors = list(errors)


def error(field: str, sentence: str) -> FieldError:
    """An error at one field."""
    return FieldError(f"/{field}", "not_valid", sentence)


def sentence_of(field: str) -> str:
    """The error of a field that cannot be read."""
    return _SENTENCES[field]


def typed_in(form: FormData) -> dict[str, Any]:
    """The form as it was typed, to be shown again."""
    found: dict[str, Any] = {}
    for name in dict.fromkeys(form.keys()):
        values = [str(value) for value in form.getlist(name) if isinstance(value, str)]
        found[name] = values if len(values) > 1 else values[0] if values else ""
    return found


def checked(model: type[M], values: Mapping[str, Any], names: Mapping[str, str] | None = None) -> M:
    """The value of a form. `names`: the fields of the form for those of the model.

    Raises:
        Wrong: a sentence for each field.
    """
    try:
        return model.model_validate(dict(values))
    except ValidationError as wrong:
        found = {}
        for each in wrong.errors():
            path = [str(part) for part in each["loc"]]
            field = "-".join(path) or "text"
            field = (names or {}).get(field, field)
            found[field] = _SENTENCES.get(field, _SENTENCES.get(path[-1] if path else "", "Enter this"))
        raise Wrong(*(error(field, sentence) for field, sentence in found.items())) from None


def day_in(form: FormData, field: str, sentence: str) -> date:
    """A day typed in three boxes. Raises Wrong."""
    parts = [text_field(form, f"{field}-{part}", 4) for part in ("year", "month", "day")]
    try:
        return date(*(int(part) for part in parts))
    except ValueError:
        raise Wrong(error(field, sentence)) from None


def moment_of(day: date, at: time = time(0)) -> datetime:
    """A time in London on that day, in UTC."""
    return datetime.combine(day, at, LONDON).astimezone(UTC)


def read_locality(form: FormData) -> LocalityEntry:
    """The locality of the form. Raises Wrong."""
    values: dict[str, Any] = {name: text_field(form, name, 200) or None for name in _LINES}
    age = values["minimum_age"] or ""
    values["minimum_age"] = int(age) if age.isdigit() else age
    for desk in DESKS:
        values[desk] = {name: text_field(form, f"{desk}-{name}", 200) for name in _DESK}
    with contextlib.suppress(Wrong):  # A missing day is told with the other fields.
        values["live_from"] = day_in(form, "live_from", _SENTENCES["live_from"])
    return checked(LocalityEntry, values)


def locality_typed(row: Mapping[str, Any]) -> dict[str, Any]:
    """A locality's entry of the table in the fields of its form."""
    typed = {name: row.get(name, "") for name in _LINES}
    begins = date.fromisoformat(row["live_from"])
    typed |= {f"live_from-{part}": str(getattr(begins, part)) for part in ("day", "month", "year")}
    for desk in DESKS:
        typed |= {f"{desk}-{name}": row[desk][name] for name in _DESK}
    return typed


def read_practice(form: FormData, ods: str | None = None) -> PracticeEntry:
    """The practice of the form. `ods`: its code, if the form changes it. Raises Wrong."""
    values = {
        "ods": ods or text_field(form, "ods", 8).upper(),
        "site": text_field(form, "site", 200),
        "name": text_field(form, "practice_name", 200) or None,
        "mailbox": text_field(form, "mailbox", 200) or None,
        "postcode": text_field(form, "postcode", 8) or None,
    }
    return checked(PracticeEntry, values, {"name": "practice_name"})


def practice_typed(row: Mapping[str, Any]) -> dict[str, Any]:
    """A practice's row of the table in the fields of its form."""
    return {
        "ods": row["ods"],
        "site": row["site"],
        "practice_name": row.get("name", ""),
        "mailbox": row.get("mailbox", ""),
    }
