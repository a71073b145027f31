"""Errors of the input, in our own words. The input itself is never repeated."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

Location = Sequence[str | int]


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing to mend. `pointer` is an RFC 6901 JSON pointer into the body, or names a parameter."""

    pointer: str
    code: str
    detail: str

    @property
    def field(self) -> str:
        """The outermost field name, as a form knows it."""
        return self.pointer.strip("/").split("/")[0]

    def as_dict(self) -> dict[str, str]:
        """The error as JSON values."""
        return asdict(self)


_SENTENCES: dict[str, str] = {
    "missing": "This is needed.",
    "extra_forbidden": "This part has a field that is not known.",
    "json_invalid": "The body is not JSON.",
    "json_type": "The body is not JSON.",
    "enum": "Use one of the values listed in the documentation.",
    "literal_error": "Use one of the values listed in the documentation.",
    "union_tag_invalid": "Use one of the kinds listed in the documentation.",
    "union_tag_not_found": "Say which kind this is.",
    "string_type": "Use text.",
    "string_pattern_mismatch": "This is not in the right form.",
    "string_too_short": "This is too short.",
    "string_too_long": "This is too long.",
    "too_short": "There are too few of these.",
    "too_long": "There are too many of these.",
    "bool_type": "Use true or false.",
    "bool_parsing": "Use true or false.",
    "int_type": "Use a whole number.",
    "int_parsing": "Use a whole number.",
    "int_from_float": "Use a whole number.",
    "float_type": "Use a number.",
    "float_parsing": "Use a number.",
    "greater_than": "This number is too small.",
    "greater_than_equal": "This number is too small.",
    "less_than": "This number is too large.",
    "less_than_equal": "This number is too large.",
    "date_type": "Use a date, such as 2026-11-24.",
    "date_parsing": "Use a date, such as 2026-11-24.",
    "date_from_datetime_parsing": "Use a date, such as 2026-11-24.",
    "date_from_datetime_inexact": "Use a date without a time.",
    "date_past": "Use a date in the past.",
    "date_future": "Use a date in the future.",
    "datetime_type": "Use a date and time, such as 2026-11-24T14:30:00Z.",
    "datetime_parsing": "Use a date and time, such as 2026-11-24T14:30:00Z.",
    "datetime_from_date_parsing": "Use a date and time, such as 2026-11-24T14:30:00Z.",
    "timezone_aware": "Say the time zone, such as Z for UTC.",
    "time_parsing": "Use a time, such as 14:30.",
    "uuid_parsing": "Use an id as it was given.",
    "uuid_type": "Use an id as it was given.",
    "list_type": "Use a list.",
    "dict_type": "Use an object.",
    "model_type": "Use an object.",
    "model_attributes_type": "Use an object.",
    "url_parsing": "Use a web address.",
    "url_type": "Use a web address.",
}

# Limits that come from our own schema, so they may be told.
_WITH_LIMIT: dict[str, tuple[str, str]] = {
    "string_too_long": ("max_length", "Use {} characters or fewer."),
    "string_too_short": ("min_length", "Use at least {} characters."),
    "too_long": ("max_length", "Give at most {}."),
    "too_short": ("min_length", "Give at least {}."),
    "greater_than": ("gt", "Use a number greater than {}."),
    "greater_than_equal": ("ge", "Use {} or more."),
    "less_than": ("lt", "Use a number less than {}."),
    "less_than_equal": ("le", "Use {} or less."),
}


def register_sentences(sentences: Mapping[str, str]) -> None:
    """Add sentences for a service's own error types (`PydanticCustomError(code, ...)`)."""
    _SENTENCES.update(sentences)


def sentence_for(code: str, limits: Mapping[str, Any]) -> str:
    """Our sentence for a pydantic error type. `limits` is its `ctx`, of which only numbers are told."""
    if code in _WITH_LIMIT:
        name, form = _WITH_LIMIT[code]
        limit = limits.get(name)
        if isinstance(limit, date):
            return "Use a date in the years 1900 to 2199."
        if isinstance(limit, (int, float)):
            if limit == 1 and code == "string_too_short":
                return "This is needed."
            return form.format(limit)
    return _SENTENCES.get(code, "This is not valid.")


def field_errors(
    errors: Iterable[Mapping[str, Any]], *, body: Any = None, known: frozenset[str] | None = None
) -> list[FieldError]:
    """Field errors from `ValidationError.errors()` or FastAPI's, in order, each place and code once.

    `body` is the parsed body: it tells the members of a union (not part of the path) from real steps.
    `known`: only these names are repeated in a pointer; a name made up by the caller ends it instead.
    """
    found: dict[tuple[str, str], FieldError] = {}
    for error in errors:
        code = error["type"]
        location = list(error["loc"])
        place = location.pop(0) if location and location[0] in _PLACES else "body"
        if code == "json_invalid":
            location = []
        if code == "extra_forbidden":
            location = location[:-1]
        if (
            code in _WRONG_TAG
        ):  # pydantic names the union; the caller looks for the field that tells its kind.
            location.append(str((error.get("ctx") or {}).get("discriminator", "")).strip("'"))
        if place == "body":
            pointer = _pointer(location, body, "missing" if code == "union_tag_not_found" else code, known)
        else:
            name = str(location[0]) if location else ""
            pointer = f"/{_escaped(name)}" if known is None or name in known else ""
        shown = _SHOWN_CODE.get(code, code)
        found.setdefault(
            (pointer, shown), FieldError(pointer, shown, sentence_for(code, error.get("ctx") or {}))
        )
    return list(found.values())


_WRONG_TAG = ("union_tag_invalid", "union_tag_not_found")
_PLACES = ("body", "query", "path", "header", "cookie")
_SHOWN_CODE = {"json_invalid": "not_json", "value_error": "not_valid", "assertion_error": "not_valid"}


def _pointer(location: Location, body: Any, code: str, known: frozenset[str] | None) -> str:
    steps: list[str] = []
    here = body
    for position, step in enumerate(location):
        last = position == len(location) - 1
        if isinstance(step, int):
            steps.append(str(step))
            here = here[step] if isinstance(here, list) and 0 <= step < len(here) else None
            continue
        inside = isinstance(here, Mapping) and step in here
        if not inside and here is not None and not (last and code == "missing"):
            continue  # the tag of a union, or the name of a validator
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}", step) or (
            known is not None and step not in known
        ):
            break
        steps.append(step)
        here = here[step] if isinstance(here, Mapping) and step in here else None
    return "".join(f"/{_escaped(step)}" for step in steps)


def _escaped(step: str) -> str:
    return step.replace("~", "~0").replace("/", "~1")
