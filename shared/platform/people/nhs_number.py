"""NHS numbers: ten digits, of which the last is a check digit (modulus 11)."""

from __future__ import annotations

import re
from typing import Annotated

from nhs_number.validate import calculate_checksum
from pydantic import BeforeValidator, WithJsonSchema

from shared.platform.people.cleaning import clean_line
from shared.platform.people.refusals import NotAccepted, custom_error

TEN_DIGITS = re.compile(r"[0-9]{10}")
# Nobody has these numbers, although the check digit fits. People type them if they do not know the number.
PLACEHOLDERS = frozenset({*(digit * 10 for digit in "0123456789"), "0123456789", "9876543210"})
# People read the number in threes and write it with spaces or hyphens between.
BETWEEN = re.compile(r"[\s-]")


class NHSNumberError(NotAccepted):
    """Not an NHS number: `nhs_number_length`, `nhs_number_check_digit` or `nhs_number_placeholder`."""


def parse_nhs_number(written: str) -> str:
    """The ten digits of an NHS number, without its spaces and hyphens.

    Raises:
        NHSNumberError: the text is no NHS number; the message does not quote it.
    """
    digits = BETWEEN.sub("", clean_line(written))
    if not TEN_DIGITS.fullmatch(digits):
        raise NHSNumberError("nhs_number_length", "An NHS number has 10 digits")
    if check_digit(digits[:9]) != int(digits[9]):
        raise NHSNumberError("nhs_number_check_digit", "This is not an NHS number: check the digits")
    if digits in PLACEHOLDERS:
        raise NHSNumberError(
            "nhs_number_placeholder", "Nobody has this NHS number: leave it empty if it is not known"
        )
    return digits


def check_digit(first_nine: str) -> int | None:
    """The check digit of nine digits, or None if no NHS number starts with them."""
    # `nhs_number.is_valid` would also refuse Scottish numbers that begin with no date; we never did.
    checksum = calculate_checksum(first_nine)
    return None if checksum == 10 else checksum


def spaced(nhs_number: str) -> str:
    """The number as people read it aloud: "9990000018" -> "999 000 0018"."""
    return f"{nhs_number[:3]} {nhs_number[3:6]} {nhs_number[6:]}"


def _checked(given: object) -> str:
    try:
        return parse_nhs_number(given if isinstance(given, str) else "")
    except NHSNumberError as error:
        raise custom_error(error) from None


# A field that takes an NHS number with or without spaces and holds its ten digits.
NHSNumber = Annotated[
    str,
    BeforeValidator(_checked),
    WithJsonSchema({"type": "string", "description": "NHS number, 10 digits", "examples": ["9990000018"]}),
]
