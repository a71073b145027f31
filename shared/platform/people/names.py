"""Names of people: as they are written, and as they are compared."""

from __future__ import annotations

import unicodedata
from typing import Annotated

from anyascii import anyascii
from pydantic import BeforeValidator, WithJsonSchema

from shared.platform.people.cleaning import clean_line
from shared.platform.people.refusals import NotAccepted, custom_error

LONGEST = 100
# No name has control, surrogate, private use or unassigned characters.
UNWRITTEN = {"Cc", "Cs", "Co", "Cn"}


class NameNotAccepted(NotAccepted):
    """`name_blank`, `name_too_long` or `name_characters`."""


def parse_name(written: str) -> str:
    """The name with single spaces and plain hyphens, in composed form; case and accents stay as given.

    Raises NameNotAccepted.
    """
    name = unicodedata.normalize("NFC", clean_line(written))
    if not any(character.isalpha() for character in name):
        raise NameNotAccepted("name_blank", "Enter a name")
    if len(name) > LONGEST:
        raise NameNotAccepted("name_too_long", f"A name has at most {LONGEST} characters")
    if "<" in name or ">" in name or any(unicodedata.category(character) in UNWRITTEN for character in name):
        raise NameNotAccepted("name_characters", "The name has characters that cannot be used")
    return name


def compared_as(name: str) -> str:
    """The same text for two spellings of one name: without case, accents, strokes, spaces and punctuation.

    May be empty for a name in marks alone; two names that compare alike need not be one person.
    """
    plain = "".join(_plain(sign) for sign in unicodedata.normalize("NFC", name))
    letters = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", plain).casefold())
    return "".join(letter for letter in letters if letter.isalnum())


def _plain(sign: str) -> str:
    """A Latin letter without its accent or stroke ("Ł" -> "L", "æ" -> "ae"); any other sign as it is."""
    if sign.isascii() or not unicodedata.name(sign, "").startswith("LATIN "):
        return sign
    return anyascii(sign) or sign


def _checked(given: object) -> str:
    try:
        return parse_name(given if isinstance(given, str) else "")
    except NameNotAccepted as refused:
        raise custom_error(refused) from None


# A field that takes a first or a family name.
PersonName = Annotated[
    str,
    BeforeValidator(_checked),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": LONGEST}),
]
