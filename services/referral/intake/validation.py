"""What must hold for a referral to be taken. Every refusal is a sentence that quotes nothing of the input."""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from services.referral.intake.address import means_no_address, postcode_error
from services.referral.intake.schemas import FIELDS, ReferralRequest
from shared.contract.events import vocabulary as v
from shared.platform.localities import Contact, Localities, Locality, Practice
from shared.platform.localities.postcodes import normalise
from shared.platform.people.ages import DateOfBirthError, check_date_of_birth
from shared.platform.people.cleaning import clean_text
from shared.platform.people.mailbox import parse_mailbox
from shared.platform.people.names import parse_name
from shared.platform.people.nhs_number import parse_nhs_number
from shared.platform.people.refusals import NotAccepted
from shared.platform.people.telephone import can_be_texted, parse_telephone
from shared.platform.web.validation import FieldError

_UNWRITTEN = {"Cc", "Cs", "Co", "Cn"}
T = TypeVar("T")
# A hub, a hospital or a council refers through a service of its own; a self-referral comes to the hub.
_PRACTICES_ROUTES = frozenset({v.Route.PRACTICE, v.Route.CARE_NAVIGATOR})


@dataclass(frozen=True, slots=True)
class PersonDetails:
    """Who is referred, in normal forms: NHS number as ten digits, telephone in E.164.

    Somebody who has one name only has a family name.
    """

    given_name: str | None
    family_name: str
    date_of_birth: date
    nhs_number: str | None
    house: str | None
    postcode: str | None
    telephone: str | None
    email: str | None
    safe_to_text: v.SafeToText
    language: str
    interpreter: bool

    @property
    def name(self) -> str:
        return f"{self.given_name} {self.family_name}" if self.given_name else self.family_name


@dataclass(frozen=True, slots=True)
class ValidatedReferral:
    """A request that holds: where it belongs, who it is about (age in whole years) and what was asked."""

    locality: Locality
    practice: Practice
    person: PersonDetails
    age: int
    agreed_by: v.AgreedBy
    agreed_how: v.AgreedHow
    risk: v.Risk
    request: ReferralRequest

    @property
    def needs(self) -> tuple[v.Need, ...]:
        """As the event says them: which sensitive need it is stays behind."""
        asked = [*self.request.needs, *([v.Need.SENSITIVE] if self.request.sensitive_needs else [])]
        return tuple(dict.fromkeys(asked))


class ValidationFailed(Exception):
    """The referral cannot be taken as it stands: `errors` in the order of the form."""

    def __init__(self, errors: list[FieldError]) -> None:
        super().__init__("the referral cannot be taken as it stands")
        self.errors = sorted(errors, key=lambda error: FIELDS.index(error.field))


def practice_of(code: str | None, localities: Localities, today: date) -> tuple[Practice, Locality]:
    """A practice that takes part today. Raises NotTaken, with the hub's contact for one that does not."""
    if code is None:
        raise ValidationFailed([FieldError("/practice", "missing", "Choose the practice")])
    practice = localities.practice(code)
    if practice is None:
        raise ValidationFailed(
            [FieldError("/practice", "practice_unknown", "There is no practice with this code")]
        )
    locality = localities.of_practice(code)
    if locality is None or not locality.live_on(today):
        sentence = f"This practice is not in the programme yet. {contact_sentence(localities.hub)}"
        raise ValidationFailed([FieldError("/practice", "practice_outside", sentence)])
    return practice, locality


def check_route(role: str, route: v.Route) -> None:
    """Raises NotTaken where somebody at a practice says that a person came by another way than theirs."""
    if role == "referrer" and route not in _PRACTICES_ROUTES:
        sentence = "A practice may say “practice” or “care_navigator”"
        raise ValidationFailed([FieldError("/route", "route_not_yours", sentence)])


def contact_sentence(contact: Contact) -> str:
    """How to reach a desk, as a sentence."""
    return f"Please contact {contact.name}: {contact.telephone}, {contact.email}"


def validate(
    request: ReferralRequest,
    practice: Practice,
    locality: Locality,
    today: date,
    already: list[FieldError] | None = None,
) -> ValidatedReferral:
    """The request in normal forms. Raises NotTaken with all that is wrong with it at once.

    `already` are errors found while a form was read; their fields are not complained of twice.
    """
    wrong = _Wrong(list(already or []))
    born = wrong.need("date_of_birth", request.date_of_birth, "Enter the date of birth")
    age = wrong.taking("date_of_birth", born, lambda day: _age(day, today, locality)) if born else None
    texts = wrong.need("safe_to_text", request.safe_to_text, "Choose whether it is safe to text")
    alone = "Enter the last name. If they have one name only, enter it here"
    family = wrong.need("family_name", request.family_name, alone)
    given_name = wrong.taking("given_name", request.given_name, parse_name)
    family_name = wrong.taking("family_name", family, parse_name)
    nhs_number = wrong.taking("nhs_number", request.nhs_number, parse_nhs_number)
    house, postcode = _address(request, wrong)
    telephone = _telephone(request, wrong)
    email = wrong.taking("email", request.email or None, parse_mailbox)
    if not request.needs and not request.sensitive_needs:
        wrong.add("needs", "missing", "Choose at least one thing that would help, or “Not sure”")
    risk = wrong.need("risk", request.risk, "Say whether there are risks that the link worker must know of")
    if risk is v.Risk.SEE_NOTE and request.risk_line is None:
        wrong.add("risk_line", "missing", "Say in a line what the risk is")
    if risk is v.Risk.NONE_KNOWN and request.risk_line is not None:
        wrong.add(
            "risk",
            "risk_contradiction",
            "You wrote a risk but chose “No known risks”: choose “Yes” or clear it",
        )
    if not request.agreed:
        wrong.add("agreed", "no_agreement", "A referral can only be made if they agree to it")
    by = wrong.need("agreed_by", request.agreed_by, "Choose who agreed")
    how = wrong.need("agreed_how", request.agreed_how, "Choose how they agreed")
    if wrong.errors or not (born and age is not None and family_name and texts and risk):
        raise ValidationFailed(wrong.errors)
    if not (by and how):
        raise ValidationFailed(wrong.errors)
    person = PersonDetails(
        given_name=given_name,
        family_name=family_name,
        date_of_birth=born,
        nhs_number=nhs_number,
        house=house,
        postcode=postcode,
        telephone=telephone,
        email=email,
        safe_to_text=texts,
        language=request.language,
        interpreter=request.interpreter,
    )
    return ValidatedReferral(locality, practice, person, age, by, how, risk, request)


def plain_text(written: str) -> str:
    """Free text as it is kept: composed form, nothing invisible, no control characters but line breaks."""
    lines = unicodedata.normalize("NFC", clean_text(written)).replace("\r\n", "\n").strip()
    return "".join(sign for sign in lines if sign == "\n" or unicodedata.category(sign) not in _UNWRITTEN)


class _Wrong:
    """Gathers what is wrong, at most one thing a field."""

    def __init__(self, errors: list[FieldError]) -> None:
        self.errors = errors
        self.fields = {error.field for error in errors}

    def add(self, field: str, code: str, sentence: str) -> None:
        if field not in self.fields:
            self.errors.append(FieldError(f"/{field}", code, sentence))
            self.fields.add(field)

    def need(self, field: str, value: T | None, sentence: str) -> T | None:
        if value is None:
            self.add(field, "missing", sentence)
        return value

    def taking(self, field: str, value: T | None, parse: Callable[[T], "U"]) -> "U | None":
        if value is None:
            return None
        try:
            return parse(value)
        except NotAccepted as refused:
            self.add(field, refused.code, str(refused))
            return None


U = TypeVar("U")


def _age(born: date, today: date, locality: Locality) -> int:
    try:
        return check_date_of_birth(born, today, locality.minimum_age)
    except DateOfBirthError as refused:
        if refused.code != "under_minimum_age":
            raise
        # No mistake of the referrer's: say who helps younger people.
        raise DateOfBirthError(
            refused.code, f"{refused}. {contact_sentence(locality.younger_people)}"
        ) from None


def _address(request: ReferralRequest, wrong: _Wrong) -> tuple[str | None, str | None]:
    house = plain_text(request.house) if request.house else None
    if means_no_address(request.postcode):
        return house, None
    if request.no_fixed_address and request.postcode is None:
        return house, None
    if not request.no_fixed_address and house is None:
        wrong.add("house", "missing", "Enter the house and street, or choose “No fixed address”")
    if request.postcode is None:
        wrong.add("postcode", "missing", "Enter the postcode, or choose “No fixed address”")
        return house, None
    refused = postcode_error(request.postcode, request.postcode_confirmed)
    if refused is not None:
        wrong.add("postcode", refused.code, refused.detail)
    return house, normalise(request.postcode)


def _telephone(request: ReferralRequest, wrong: _Wrong) -> str | None:
    telephone = wrong.taking("telephone", request.telephone, parse_telephone)
    if request.telephone is None and request.safe_to_text in (v.SafeToText.YES, v.SafeToText.RING):
        wrong.add(
            "telephone",
            "missing",
            "Enter a telephone number; if there is none, choose “Not known” under “Safe to text?”",
        )
    if telephone and request.safe_to_text is v.SafeToText.YES and not can_be_texted(telephone):
        wrong.add(
            "telephone",
            "telephone_no_texts",
            "This number takes no texts: enter a mobile number or choose “No, ring”",
        )
    return telephone
