"""Telephone numbers: a person's, and those that a directory of services prints.

Numbers kept for drama count as valid although no operator gave them out: invented people have no others.
A directory also prints short numbers (116 123) that no person has.
"""

from __future__ import annotations

import re
from typing import Annotated

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat, PhoneNumberType
from pydantic import BeforeValidator, WithJsonSchema

from shared.people.refusals import NotAccepted, custom_error

HOME = "GB"
# Ofcom's ranges for drama, as national numbers without the leading 0.
DRAMA_MOBILE = re.compile(r"7700900[0-9]{3}")
DRAMA_OTHER = re.compile(
    r"1632960[0-9]{3}|1(13|14|15|16|17|18|21|31|41|51|61)4960[0-9]{3}|2079460[0-9]{3}|8081570[0-9]{3}"
)


class TelephoneNotAccepted(NotAccepted):
    """`telephone_invalid`: not a number that anyone can be rung on."""


def parse_telephone(written: str) -> str:
    """A person's number in E.164 ("07700 900123" -> "+447700900123"). Raises TelephoneNotAccepted.

    Without an international prefix it is taken as a number of the United Kingdom. Short numbers are refused.
    """
    try:
        number = phonenumbers.parse(written, HOME)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or number.extension or not (phonenumbers.is_valid_number(number) or _drama(number)):
        raise TelephoneNotAccepted(
            "telephone_invalid", "Enter a telephone number, like 01632 960001 or 07700 900982"
        )
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def can_be_texted(e164: str) -> bool:
    """Whether a number in E.164 is a mobile, so that a text message can reach it."""
    number = phonenumbers.parse(e164)
    return phonenumbers.number_type(number) == PhoneNumberType.MOBILE or bool(
        number.country_code == 44 and DRAMA_MOBILE.fullmatch(str(number.national_number))
    )


def as_dialled(written: str) -> str:
    """Any number as it is dialled from here: "+447700900123" -> "07700 900123".

    What is not a whole number ("116 123", "ask at reception") stays as it was written.
    """
    return directory_telephone(written) or written


def directory_telephone(written: str) -> str | None:
    """A service's number as it is printed, or None where it cannot be dialled.

    Takes short numbers such as 116 123, and quotation marks that some feeds put round a number.
    """
    bare = " ".join(written.replace('"', " ").split())
    try:
        number = phonenumbers.parse(bare, HOME)
    except phonenumbers.NumberParseException:
        return None
    if phonenumbers.is_valid_short_number_for_region(number, HOME):
        return bare
    if not (phonenumbers.is_valid_number(number) or _drama(number)):
        return None
    form = PhoneNumberFormat.NATIONAL if number.country_code == 44 else PhoneNumberFormat.INTERNATIONAL
    return phonenumbers.format_number(number, form)


def _drama(number: PhoneNumber) -> bool:
    national = str(number.national_number)
    return number.country_code == 44 and bool(
        DRAMA_MOBILE.fullmatch(national) or DRAMA_OTHER.fullmatch(national)
    )


def _checked(given: object) -> str:
    try:
        return parse_telephone(given if isinstance(given, str) else "")
    except TelephoneNotAccepted as refused:
        raise custom_error(refused) from None


Telephone = Annotated[
    str,
    BeforeValidator(_checked),
    WithJsonSchema({"type": "string", "description": "Telephone number", "examples": ["07700 900982"]}),
]
"""A field that takes a telephone number as people write it and holds it in E.164."""
