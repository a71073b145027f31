"""Languages by ISO 639: one code for each, however it was written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from iso639 import Lang
from iso639.exceptions import DeprecatedLanguageValue, InvalidLanguageValue

LONGEST_NAME = 60
# A language with the country or script of its variety: "en-GB", "zh_Hant".
TAG = re.compile(r"([a-z]{2,3})(?:[-_][a-z0-9]+)+", re.ASCII | re.IGNORECASE)

# Names of everyday speech that ISO 639 has not. They go before codes: bsl is a language of Nigeria there.
NAMES: Mapping[str, str] = MappingProxyType(
    {
        "bangla": "bn",
        "bsl": "bfi",
        "cantonese": "yue",
        "farsi": "fa",
        "kurdish sorani": "ckb",
        "mandarin": "cmn",
        "pashto": "ps",
        "pushto": "ps",
        "punjabi": "pa",
        "romany": "rom",
        "slovene": "sl",
        "sign language": "bfi",
        "sylheti": "syl",
        "urdu": "ur",
    }
)
# Words where a language should be. Some of them are codes of languages of a few thousand speakers.
NO_LANGUAGE = frozenset({"all", "any", "mis", "mul", "none", "not", "other", "und", "various", "zxx"})
# The one language that is meant where its family is named.
SAME: Mapping[str, str] = MappingProxyType({"cmn": "zh", "arb": "ar", "pes": "fa", "swh": "sw", "zsm": "ms"})


@lru_cache(maxsize=4096)
def language_code(written: str) -> str | None:
    """The ISO 639 code of a language: of two letters where there is one, else of three; None for none known.

    Takes codes of either length ("pol" -> "pl"), English names, and tags such as "en-GB".
    """
    word = " ".join(written.split()).lower()
    if word in NO_LANGUAGE or not 2 <= len(word) <= LONGEST_NAME:
        return None
    if word in NAMES:
        return NAMES[word]
    tag = TAG.fullmatch(word)
    try:
        known = Lang(tag[1]) if tag else Lang(word) if len(word) <= 3 else Lang(_as_a_name(word))
    except (InvalidLanguageValue, DeprecatedLanguageValue):
        return None
    return known.pt1 or known.pt3 or None


def same_language(one: str, other: str) -> bool:
    """True if two codes, of whatever length, mean the same language."""
    return _meant(one) == _meant(other)


def language_name(code: str) -> str:
    """The English name of a code; the code itself where there is none."""
    try:
        return Lang(code).name
    except (InvalidLanguageValue, DeprecatedLanguageValue):
        return code


def _meant(written: str) -> str:
    code = language_code(written) or written
    return SAME.get(code, code)


def _as_a_name(word: str) -> str:
    return " ".join(part.capitalize() for part in word.split())
