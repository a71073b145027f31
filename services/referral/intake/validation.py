"""Rules that a referral must meet. Every error is a sentence that quotes nothing of the input."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from services.referral.identity.person import PersonDetails, plain_text
from services.referral.intake.address import means_no_address, postcode_error
from services.referral.intake.schemas import FIELDS, ReferralRequest
from services.referral.web.errors import ValidationFailed, contact_sentence
from shared.contract.events import vocabulary as v
from shared.platform.localities import Localities, Locality, Practice
from shared.platform.localities.postcodes import normalise
from shared.platform.people.ages import DateOfBirthError, check_date_of_birth
from shared.platform.people.mailbox import parse_mailbox
from shared.platform.people.names import parse_name
from shared.platform.people.nhs_number import parse_nhs_number
from shared.platform.people.refusals import NotAccepted
from shared.platform.people.telephone import can_be_texted, parse_telephone
from shared.platform.web.validation import FieldError

T = TypeVar("T")
# A hub, a hospital or a council refers through a service of its own; a self-referral comes to the hub.
_PRACTICES_ROUTES = frozenset({v.Route.PRACTICE, v.Route.CARE_NAVIGATOR})


@dataclass(frozen=True, slots=True)
class ValidatedReferral:
    """A valid request with its locality, practice and person. `age` is in whole years."""

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
        """The needs for the event, which says `sensitive` and not which one."""
        asked = [*self.request.needs, *([v.Need.SENSITIVE] if self.request.sensitive_needs else [])]
        return tuple(dict.fromkeys(asked))


def practice_of(code: str | None, localities: Localities, today: date) -> tuple[Practice, Locality]:
    """A practice that takes part today. Raises ValidationFailed, with the hub's contact for one outside."""
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
    """Raises ValidationFailed if practice staff give a route that is not a practice's."""
    if role == "referrer" and route not in _PRACTICES_ROUTES:
        sentence = "A practice may say “practice” or “care_navigator”"
        raise ValidationFailed([FieldError("/route", "route_not_yours", sentence)])


def validate(
    request: ReferralRequest,
    practice: Practice,
    locality: Locality,
    today: date,
    already: list[FieldError] | None = None,
) -> ValidatedReferral:
    """The request in normal form. Raises ValidationFailed with all errors at once.

    `already` holds errors from reading a form. Their fields get no second error.
    """
    wrong = _Errors(list(already or []))
    born = wrong.need("date_of_birth", request.date_of_birth, "Enter the date of birth")
    age = wrong.parsed("date_of_birth", born, lambda day: _age(day, today, locality)) if born else None
    texts = wrong.need("safe_to_text", request.safe_to_text, "Choose whether it is safe to text")
    alone = "Enter the last name. If they have one name only, enter it here"
    family = wrong.need("family_name", request.family_name, alone)
    given_name = wrong.parsed("given_name", request.given_name, parse_name)
    family_name = wrong.parsed("family_name", family, parse_name)
    preferred_name = wrong.parsed("preferred_name", request.preferred_name, parse_name)
    nhs_number = wrong.parsed("nhs_number", request.nhs_number, parse_nhs_number)
    house, postcode = _address(request, wrong)
    telephone = _telephone(request, wrong)
    email = wrong.parsed("email", request.email or None, parse_mailbox)
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
        raise ValidationFailed(wrong.in_form_order())
    if not (by and how):
        raise ValidationFailed(wrong.in_form_order())
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
        preferred_name=preferred_name,
    )
    return ValidatedReferral(locality, practice, person, age, by, how, risk, request)


class _Errors:
    """Collects errors, at most one for each field."""

    def __init__(self, errors: list[FieldError]) -> None:
        self.errors = errors
        self.fields = {error.field for error in errors}

    def add(self, field: str, code: str, sentence: str) -> None:
        if field not in self.fields:
            self.errors.append(FieldError(f"/{field}", code, sentence))
            self.fields.add(field)

    def in_form_order(self) -> list[FieldError]:
        return sorted(self.errors, key=lambda error: FIELDS.index(error.field))

    def need(self, field: str, value: T | None, sentence: str) -> T | None:
        if value is None:
            self.add(field, "missing", sentence)
        return value

    def parsed(self, field: str, value: T | None, parse: Callable[[T], "U"]) -> "U | None":
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
        # The referrer made no mistake, so the error names the contact for younger people.
        raise DateOfBirthError(
            refused.code, f"{refused}. {contact_sentence(locality.younger_people)}"
        ) from None


def _address(request: ReferralRequest, wrong: _Errors) -> tuple[str | None, str | None]:
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


def _telephone(request: ReferralRequest, wrong: _Errors) -> str | None:
    telephone = wrong.parsed("telephone", request.telephone, parse_telephone)
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
