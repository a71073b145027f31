"""Turns what somebody typed to find a person into a search. Pure, and nothing typed is in an error."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from services.referral.identity.find.query import PersonQuery
from services.referral.web.errors import ValidationFailed
from shared.platform.localities.postcodes import normalise
from shared.platform.people.cleaning import clean_line
from shared.platform.people.names import parse_name
from shared.platform.people.nhs_number import NHSNumberError, parse_nhs_number
from shared.platform.people.refusals import NotAccepted
from shared.platform.people.telephone import parse_telephone
from shared.platform.web.validation import FieldError

_REFERENCE: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NUMBER: Final = re.compile(r"[0-9+() .-]+")
_DAY: Final = re.compile(r"(?P<day>[0-9]{1,2})[/.-](?P<month>[0-9]{1,2})[/.-](?P<year>[0-9]{4})")
_EMPTY: Final = "Enter a name, a number, a postcode or a reference, or a date of birth"


@dataclass(frozen=True, slots=True)
class TypedSearch:
    """The fields of a search as they were typed."""

    name: str | None = None
    nhs_number: str | None = None
    date_of_birth: date | None = None
    telephone: str | None = None
    postcode: str | None = None
    reference: str | None = None


def read_box(written: str, born: date | None) -> TypedSearch:
    """The search of a page's one box, whose parts have commas between them, and its date of birth.

    Each part is told by its form: reference, postcode, date, NHS number, telephone; all else is a name.
    """
    typed, names = TypedSearch(date_of_birth=born), []
    for part in (clean_line(each) for each in written.split(",")):
        if not part:
            continue
        if _REFERENCE.fullmatch(part.lower()):
            typed = replace(typed, reference=part)
        elif (day := _day(part)) is not None and born is None:
            typed = replace(typed, date_of_birth=day)
        elif _NUMBER.fullmatch(part):
            typed = _with_number(typed, part)
        elif normalise(part) is not None:
            typed = replace(typed, postcode=part)
        else:
            names.append(part)
    return replace(typed, name=" ".join(names) or None)


def query_of(typed: TypedSearch) -> PersonQuery:
    """The search in normal form. Raises ValidationFailed with all errors at once, or if it is empty."""
    errors: list[FieldError] = []

    def parsed(field: str, written: str | None, parse: Callable[[str], str]) -> str | None:
        if not written:
            return None
        try:
            return parse(written)
        except NotAccepted as refused:
            errors.append(FieldError(f"/{field}", refused.code, str(refused)))
            return None

    query = PersonQuery(
        name=parsed("name", typed.name, parse_name),
        nhs_number=parsed("nhs_number", typed.nhs_number, parse_nhs_number),
        born=typed.date_of_birth,
        telephone=parsed("telephone", typed.telephone, parse_telephone),
        postcode=parsed("postcode", typed.postcode, _postcode),
        reference=parsed("reference", typed.reference, _reference),
    )
    if not errors and not query.fields:
        errors.append(FieldError("/name", "missing", _EMPTY))
    if not errors and query.name is not None and not query.words:
        errors.append(FieldError("/name", "name_blank", "Enter a name"))
    if errors:
        raise ValidationFailed(errors)
    return query


class NotSearchable(NotAccepted):
    """`postcode_form` or `reference_form`: the text has not the form that it must have."""


def _with_number(typed: TypedSearch, part: str) -> TypedSearch:
    """The search with digits that are an NHS number, or a telephone number if they begin like one."""
    try:
        parse_nhs_number(part)
    except NHSNumberError:
        digits = re.sub(r"[^0-9+]", "", part)
        if digits.startswith(("0", "+")):
            return replace(typed, telephone=part)
    return replace(typed, nhs_number=part)


def _day(part: str) -> date | None:
    found = _DAY.fullmatch(part)
    if found is None:
        return None
    try:
        return date(int(found["year"]), int(found["month"]), int(found["day"]))
    except ValueError:
        return None


def _postcode(written: str) -> str:
    found = normalise(written)
    if found is None:
        raise NotSearchable("postcode_form", "Enter a full postcode, like ST3 6AB")
    return found


def _reference(written: str) -> str:
    found = clean_line(written).lower()
    if not _REFERENCE.fullmatch(found):
        raise NotSearchable("reference_form", "Enter the whole reference of a referral")
    return found
