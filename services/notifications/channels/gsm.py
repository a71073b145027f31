"""The alphabet of text messages (GSM 03.38), and the parts in which a text is sent.

One letter outside the alphabet makes the gateway send the whole text in another coding. A part then holds 67
letters instead of 153, so every text is written in this alphabet.
"""

import unicodedata
from typing import Final

from anyascii import anyascii

BASIC_LETTERS: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# Sent as two letters: an escape comes before each.
EXTENDED_LETTERS: Final = frozenset("^{}\\[~]|€\f")

LETTERS_OF_ONE_PART: Final = 160
LETTERS_OF_EACH_PART: Final = 153


def to_gsm_alphabet(text: str) -> str:
    """Writes the text in the alphabet: each letter outside it becomes its nearest letter."""
    return "".join(_nearest(letter) for letter in unicodedata.normalize("NFC", text))


def _nearest(letter: str) -> str:
    if letter in BASIC_LETTERS or letter in EXTENDED_LETTERS:
        return letter
    letters = anyascii(letter).replace("`", "'")
    return "".join(each for each in letters if each in BASIC_LETTERS or each in EXTENDED_LETTERS)


def count_parts(text: str) -> int:
    """Counts the parts in which a text is sent. Raises ValueError for a letter outside the alphabet."""
    foreign = sorted(set(text) - BASIC_LETTERS - EXTENDED_LETTERS)
    if foreign:
        raise ValueError(f"not in the alphabet of text messages: {foreign}")
    length = len(text) + sum(letter in EXTENDED_LETTERS for letter in text)
    return 1 if length <= LETTERS_OF_ONE_PART else -(-length // LETTERS_OF_EACH_PART)
