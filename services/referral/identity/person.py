"""A person's details in normal form, and as the vault stores them."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from shared.contract.events import vocabulary as v
from shared.platform.people.cleaning import clean_text

# Known details of a person by field. A field that is not known is left out.
StoredFields = Mapping[str, str]

_NOT_WRITTEN = {"Cc", "Cs", "Co", "Cn"}


@dataclass(frozen=True, slots=True)
class PersonDetails:
    """A referred person. The NHS number has ten digits, the telephone is in E.164.

    A person with one name only has a family name and no given name. `preferred_name` is what they are called,
    where it is not the given name.
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
    preferred_name: str | None = None

    @property
    def name(self) -> str:
        """The full name for a page."""
        return f"{self.given_name} {self.family_name}" if self.given_name else self.family_name


PERSON_FIELDS = frozenset(PersonDetails.__dataclass_fields__)


def details_of(person: PersonDetails) -> dict[str, str]:
    """A person's details as the vault stores them, text by field."""
    known = {
        "given_name": person.given_name,
        "family_name": person.family_name,
        "preferred_name": person.preferred_name,
        "date_of_birth": person.date_of_birth.isoformat(),
        "nhs_number": person.nhs_number,
        "house": person.house,
        "postcode": person.postcode,
        "telephone": person.telephone,
        "email": person.email,
        "safe_to_text": person.safe_to_text.value,
        "language": person.language,
        "interpreter": "yes" if person.interpreter else "no",
    }
    return {field: text for field, text in known.items() if text is not None}


def person_of(details: StoredFields) -> PersonDetails:
    """The reverse of `details_of`."""
    return PersonDetails(
        given_name=details.get("given_name"),
        family_name=details["family_name"],
        date_of_birth=date.fromisoformat(details["date_of_birth"]),
        nhs_number=details.get("nhs_number"),
        house=details.get("house"),
        postcode=details.get("postcode"),
        telephone=details.get("telephone"),
        email=details.get("email"),
        safe_to_text=v.SafeToText(details["safe_to_text"]),
        language=details["language"],
        interpreter=details["interpreter"] == "yes",
        preferred_name=details.get("preferred_name"),
    )


def plain_text(written: str) -> str:
    """Free text as the vault stores it: composed form, no invisible or control characters but line breaks."""
    lines = unicodedata.normalize("NFC", clean_text(written)).replace("\r\n", "\n").strip()
    return "".join(sign for sign in lines if sign == "\n" or unicodedata.category(sign) not in _NOT_WRITTEN)
