"""Compares two names before a known person is taken for a referred one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from itertools import product
from pathlib import Path

from anyascii import anyascii
from rapidfuzz.distance import OSA, JaroWinkler

from shared.platform.people.names import compared_as

NICKNAMES = Path(__file__).with_name("nicknames.txt")
# Jaro-Winkler, 0 to 1: two slips in a longer name stay above it, Hassan and Hussain (0.87) below it.
ALIKE = 0.9
_SHORTEST_COMPARED = 4
_BETWEEN = re.compile(r"[\s-]+")
_TITLES = frozenset({"mr", "mrs", "ms", "miss", "mx", "dr", "prof", "rev", "sir"})


class NameMatch(StrEnum):
    """`same`: spelt alike but for case, spaces and punctuation. `similar`: may be one person, or not."""

    SAME = "same"
    SIMILAR = "similar"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class FullName:
    """A person's name; `given` is empty where they have one name only."""

    given: str
    family: str


def compare_names(known: FullName, told: FullName) -> NameMatch:
    """Compares two names with one NHS number and date of birth, in either order.

    Similar are: an accent, a typing slip, a nickname or an initial, a name more or less, double-barrelled
    names, first and last name exchanged, another last name with the same first name (as after a marriage),
    and two scripts, which cannot be compared.
    """
    if _spelling(known) == _spelling(told):
        return NameMatch.SAME
    first, second = _Words.of(known), _Words.of(told)
    return NameMatch.SIMILAR if any(rule(first, second) for rule in _RULES) else NameMatch.DIFFERENT


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of a name as they are compared, in Latin letters."""

    given: tuple[str, ...]
    family: tuple[str, ...]
    latin: bool

    @classmethod
    def of(cls, name: FullName) -> _Words:
        given = tuple(word for word in name_words(name.given) if word not in _TITLES)
        return cls(given, name_words(name.family), _latin(name.given + name.family))

    @property
    def all(self) -> tuple[str, ...]:
        return self.given + self.family


def name_words(name: str) -> tuple[str, ...]:
    """The words of a name as they are compared: small Latin letters without accents."""
    words = (_in_latin_letters(word) for word in _BETWEEN.split(name))
    return tuple(word for word in words if word)


def _in_latin_letters(word: str) -> str:
    plain = compared_as(word)
    return "".join(sign for sign in anyascii(plain).lower() if sign.isalnum()) or plain


def _latin(text: str) -> bool:
    return all(unicodedata.name(sign, "").startswith("LATIN ") for sign in text if sign.isalpha())


def _spelling(name: FullName) -> tuple[str, str]:
    return _letters(name.given), _letters(name.family)


def _letters(text: str) -> str:
    """Without case, spaces and punctuation; an accent is part of the spelling."""
    composed = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
    return "".join(sign for sign in composed if sign.isalnum() or unicodedata.category(sign)[0] == "M")


def _same_words(first: _Words, second: _Words) -> bool:
    """In any order, and with others beside them where there are two at least."""
    fewer, more = sorted((set(first.all), set(second.all)), key=len)
    return fewer <= more and (fewer == more or len(fewer) > 1)


def _written_together(first: _Words, second: _Words) -> bool:
    return "".join(first.all) == "".join(second.all)


def _same_given_name(first: _Words, second: _Words) -> bool:
    """Compares given names only: people change their family name when they marry or part."""
    return _any_pair(_same_or_nickname, first.given, second.given)


def _alike_throughout(first: _Words, second: _Words) -> bool:
    return _any_pair(_alike, first.given, second.given) and _any_pair(_alike, first.family, second.family)


def _exchanged(first: _Words, second: _Words) -> bool:
    return _any_pair(_alike, first.given, second.family) and _any_pair(_alike, first.family, second.given)


def _one_name_alone(first: _Words, second: _Words) -> bool:
    """One of the two has a single name, which the other has too."""
    if first.given and second.given:
        return False
    return _any_pair(_alike, first.all, second.all)


def _two_scripts(first: _Words, second: _Words) -> bool:
    return first.latin != second.latin


_RULES: tuple[Callable[[_Words, _Words], bool], ...] = (
    _same_words,
    _written_together,
    _same_given_name,
    _alike_throughout,
    _exchanged,
    _one_name_alone,
    _two_scripts,
)


def _any_pair(alike: Callable[[str, str], bool], first: Collection[str], second: Collection[str]) -> bool:
    return any(alike(one, other) for one, other in product(first, second))


def _same_or_nickname(one: str, other: str) -> bool:
    if len(one) == 1 or len(other) == 1:
        return False  # an initial says too little where the last name differs
    return one == other or bool(_bearers().get(one, frozenset()) & _bearers().get(other, frozenset()))


def other_forms(word: str) -> frozenset[str]:
    """The names that a word can stand for, and their short forms: "bill" for "william", and "will"."""
    bearers = _bearers().get(word, frozenset())
    return frozenset(form for form, names in _bearers().items() if names & bearers) - {word}


def _alike(one: str, other: str) -> bool:
    """The same, a nickname, an initial or the beginning of the other, or a slip or two in a longer name."""
    shorter, longer = sorted((one, other), key=len)
    if longer.startswith(shorter) and (len(shorter) == 1 or len(shorter) > 2):
        return True
    if _same_or_nickname(one, other):
        return True
    if len(shorter) < _SHORTEST_COMPARED or {one, other} <= _bearers().keys():
        return False  # Patrick is no slip for Patricia: both are names of their own
    return OSA.distance(one, other) <= 1 or JaroWinkler.similarity(one, other) >= ALIKE


@cache
def _bearers() -> dict[str, frozenset[str]]:
    """Of each form of a name, the names that it can stand for."""
    found: dict[str, set[str]] = {}
    for line in NICKNAMES.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, *forms = line.split()
            for form in (name, *forms):
                found.setdefault(form, set()).add(name)
    return {form: frozenset(names) for form, names in found.items()}
