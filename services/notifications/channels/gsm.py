"""The alphabet of text messages (GSM 03.38), and the parts that a text is sent in.

One letter outside the alphabet makes the gateway send the whole text in another coding. A part then holds 67
letters in place of 153, so every text is written in this alphabet.
"""

import unicodedata
from typing import Final

from anyascii import anyascii

BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# Sent as two: an escape comes before each.
EXTENDED: Final = frozenset("^{}\\[~]|€\f")

ONE_PART: Final = 160
EACH_OF_SEVERAL: Final = 153


def plain(text: str) -> str:
    """The text in the alphabet: a typographic apostrophe becomes a plain one, other letters their nearest."""
    return "".join(_plain(letter) for letter in unicodedata.normalize("NFC", text))


def _plain(letter: str) -> str:
    if letter in BASIC or letter in EXTENDED:
        return letter
    nearest = anyascii(letter).replace("`", "'")
    return "".join(each for each in nearest if each in BASIC or each in EXTENDED)


def parts(text: str) -> int:
    """In how many parts a text in the alphabet is sent. Raises ValueError for a letter outside it."""
    strange = sorted(set(text) - BASIC - EXTENDED)
    if strange:
        raise ValueError(f"not in the alphabet of text messages: {strange}")
    length = len(text) + sum(letter in EXTENDED for letter in text)
    return 1 if length <= ONE_PART else -(-length // EACH_OF_SEVERAL)
