"""Turns a typed form into a referral request, and a known person into a filled-in form."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError
from starlette.datastructures import FormData

from services.referral.identity.person import PersonDetails
from services.referral.intake.resend import OriginalReferral
from services.referral.intake.schemas import FIELDS, ReferralRequest
from services.referral.web.forms import DATE_PARTS, FormInput, date_of_birth
from shared.contract.events import vocabulary as v
from shared.platform.people.nhs_number import spaced
from shared.platform.people.telephone import as_dialled
from shared.platform.web.forms import text_field
from shared.platform.web.validation import FieldError, field_errors

LISTS = frozenset({"needs", "access_needs", "cannot_come"})
TICKS = frozenset({"no_fixed_address", "agreed", "interpreter"})
TEXTS = tuple(
    name
    for name in FIELDS
    if name not in LISTS | TICKS | {"date_of_birth", "sensitive_needs", "route", "email"}
)
_MAX_LENGTH = 2000
_LABELS: Mapping[str, str] = {
    "given_name": "First name",
    "family_name": "Last name",
    "preferred_name": "Preferred name",
    "house": "House and street",
    "risk_line": "What the link worker must know",
    "reason": "Reason for the referral",
}

# Targets of the error summary, for a field whose first input has another id.
ERROR_PLACES: Mapping[str, str] = {"date_of_birth": "date_of_birth-day"}


def has_more(typed: FormInput) -> bool:
    """True if the user filled in anything of the folded part."""
    unusual = typed.text("language") not in ("", "en") or bool(typed.text("reason"))
    return unusual or typed.ticked("interpreter") or any(typed.chosen(name) for name in LISTS - {"needs"})


def read_form(form: FormData) -> FormInput:
    """The form as the user typed it."""
    names = (*TEXTS, *(f"date_of_birth-{part}" for part in DATE_PARTS))
    return FormInput(
        texts={name: text for name in names if (text := text_field(form, name, _MAX_LENGTH))},
        lists={name: [str(each)[:40] for each in form.getlist(name)] for name in LISTS},
        ticks=frozenset(name for name in TICKS if form.get(name)),
    )


def to_request(typed: FormInput) -> tuple[ReferralRequest, list[FieldError]]:
    """The typed request without unreadable fields, and the errors of those fields."""
    born, errors = date_of_birth(typed)
    given: dict[str, Any] = {name: typed.text(name) for name in TEXTS if typed.text(name)}
    given |= {name: typed.chosen(name) for name in LISTS}
    given |= {name: typed.ticked(name) for name in TICKS}
    given["date_of_birth"] = born
    try:
        return ReferralRequest.model_validate(given), errors
    except ValidationError as refused:
        found = refused.errors(include_input=False, include_url=False)
        unreadable = [_named(each) for each in field_errors(found, body=given, known=frozenset(FIELDS))]
    wrong = {error.field for error in unreadable}
    readable = {name: value for name, value in given.items() if name not in wrong}
    request = ReferralRequest.model_validate(readable)
    return request, [*errors, *unreadable]


def _named(error: FieldError) -> FieldError:
    """The error with its field's label, because the summary must name the text that is too long."""
    name = _LABELS.get(error.field)
    return replace(error, detail=f"{name}: {error.detail[:1].lower()}{error.detail[1:]}") if name else error


def filled_in(typed: FormInput, person: PersonDetails) -> FormInput:
    """The form with the known details of the person. Fields about this referral stay as typed."""
    known = {
        "nhs_number": spaced(person.nhs_number) if person.nhs_number else "",
        "given_name": person.given_name or "",
        "family_name": person.family_name,
        "preferred_name": person.preferred_name or "",
        "house": person.house or "",
        "postcode": person.postcode or "",
        "telephone": as_dialled(person.telephone) if person.telephone else "",
        "safe_to_text": person.safe_to_text.value,
        "language": person.language,
    }
    ticks = set(typed.ticks) - {"no_fixed_address", "interpreter"}
    if person.postcode is None:
        ticks.add("no_fixed_address")
    if person.interpreter:
        ticks.add("interpreter")
    return FormInput({**typed.texts, **known}, typed.lists, frozenset(ticks))


def original_form(original: OriginalReferral) -> FormInput:
    """The form as the practice first sent it, to be answered and sent again."""
    created = original.created
    texts = {
        "practice": created.practice,
        "urgency": created.urgency.value,
        "risk": created.risk.value,
        "risk_line": original.risk_line or "",
        "agreed_by": created.agreement.by.value,
        "agreed_how": created.agreement.how.value,
        "reason": original.reason or "",
        "resends": created.referral_id,
    }
    lists = {
        "needs": [need.value for need in created.needs if need is not v.Need.SENSITIVE],
        "access_needs": [need.value for need in created.access_needs],
        "cannot_come": [half.value for half in created.cannot_come],
    }
    texts |= _date_parts(original.person)
    typed = filled_in(FormInput(texts, lists, frozenset({"agreed"})), original.person)
    return replace(typed, texts={name: text for name, text in typed.texts.items() if text})


def person_form(person: PersonDetails, practice: str) -> FormInput:
    """An empty form with the details of a person whom a practice knows."""
    return filled_in(FormInput({"practice": practice} | _date_parts(person)), person)


def _date_parts(person: PersonDetails) -> dict[str, str]:
    born = person.date_of_birth
    day = zip(DATE_PARTS, (born.day, born.month, born.year), strict=True)
    return {f"date_of_birth-{part}": str(number) for part, number in day}
