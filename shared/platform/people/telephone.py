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

from shared.platform.people.cleaning import clean_line
from shared.platform.people.refusals import NotAccepted, custom_error

HOME = "GB"
# Ofcom's ranges for drama, as national numbers without the leading 0.
DRAMA_MOBILE = re.compile(r"7700900[0-9]{3}")
DRAMA_OTHER = re.compile(
    r"1632960[0-9]{3}|1(13|14|15|16|17|18|21|31|41|51|61)4960[0-9]{3}|2079460[0-9]{3}|8081570[0-9]{3}"
)
# What a person's number is written with. A letter would be read as the digit on its telephone key, and what
# follows a slash or a semicolon would be dropped: either way another number than the one that was meant.
WRITTEN_WITH = re.compile(r"[\d+() .\-]*")
E164 = re.compile(r"\+[1-9][0-9]{5,14}")
# A feed may print words in front of a number ("Tel: 01632 960001") and an extension behind it.
_EXTENSION = re.compile(
    r"(?:;\s*ext=|\bext(?:ensi[oó]n|n)?\b|\bint\b|\bx|#|(?<=\d)x)[\s.:]*\d{1,7}\s*$", re.IGNORECASE
)
_FIRST_DIGIT = re.compile(r"[+\d]")


class TelephoneNotAccepted(NotAccepted):
    """`telephone_letters`, or `telephone_invalid`: not a number that anyone can be rung on."""


def parse_telephone(written: str) -> str:
    """A person's number in E.164 ("07700 900123" -> "+447700900123"). Raises TelephoneNotAccepted.

    Without an international prefix it is taken as a number of the United Kingdom. Short numbers are refused.
    """
    written = clean_line(written)
    if _letters(_EXTENSION.sub("", written)) and any(sign.isdigit() for sign in written):
        raise TelephoneNotAccepted("telephone_letters", "Enter the telephone number without letters or words")
    if not WRITTEN_WITH.fullmatch(written):
        raise _invalid()
    try:
        number = phonenumbers.parse(written, HOME)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or number.extension or not (phonenumbers.is_valid_number(number) or _drama(number)):
        raise _invalid()
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def can_be_texted(e164: str) -> bool:
    """Tells that a number in E.164 is a mobile, so that a text message can reach it.

    False for anything else: a partner's vault may hold a number as it was typed.
    """
    if not E164.fullmatch(e164):
        return False
    try:
        number = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return False
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

    Takes short numbers such as 116 123, quotation marks that some feeds put round a number, words in front of
    it and an extension behind it. Letters anywhere else make it no number: no digit is made of them.
    """
    bare = clean_line(written.replace('"', " "))
    if _letters(_without_label(bare)):
        return None
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


def _without_label(written: str) -> str:
    """The digits that are dialled first and what stands between them."""
    start = _FIRST_DIGIT.search(written)
    return _EXTENSION.sub("", written[start.start() :]) if start else written


def _letters(written: str) -> bool:
    return any(sign.isalpha() for sign in written)


def _invalid() -> TelephoneNotAccepted:
    return TelephoneNotAccepted(
        "telephone_invalid", "Enter a telephone number, like 01632 960001 or 07700 900982"
    )


def _drama(number: PhoneNumber) -> bool:
    national = str(number.national_number)
    return number.country_code == 44 and bool(
        DRAMA_MOBILE.fullmatch(national) or DRAMA_OTHER.fullmatch(national)
    )


def parse_public_telephone(written: str) -> str:
    """A number of a desk or of a person at work, as it is printed; short ones too.

    Raises TelephoneNotAccepted. Unlike a number in a feed, it has no words around it.
    """
    bare = clean_line(written)
    printed = directory_telephone(bare)
    if printed is None or _letters(_EXTENSION.sub("", bare)):
        raise _invalid()
    return printed


def _checked(given: object) -> str:
    try:
        return parse_telephone(given if isinstance(given, str) else "")
    except TelephoneNotAccepted as refused:
        raise custom_error(refused) from None


def _checked_public(given: object) -> str:
    try:
        return parse_public_telephone(given if isinstance(given, str) else "")
    except TelephoneNotAccepted as refused:
        raise custom_error(refused) from None


# A field that takes a telephone number as people write it and holds it in E.164.
Telephone = Annotated[
    str,
    BeforeValidator(_checked),
    WithJsonSchema({"type": "string", "description": "Telephone number", "examples": ["07700 900982"]}),
]

# A field that takes the number of a desk or of a person at work and holds it as it is printed.
PublicTelephone = Annotated[
    str,
    BeforeValidator(_checked_public),
    WithJsonSchema({"type": "string", "description": "Telephone number", "examples": ["01632 960401"]}),
]
