"""Compares decrypted candidates with a search, and says how well they fit. Pure."""

from collections.abc import Collection, Sequence
from typing import Final

from rapidfuzz.distance import OSA

from services.referral.identity.find.query import PersonQuery
from services.referral.identity.find.terms import NAMES, SHORTEST_WITH_SLIP, spellings, words_of
from services.referral.identity.person import StoredFields
from shared.platform.people.name_comparison import other_forms

# Distances of a typed word from a stored one.
_SAME, _OTHER_FORM, _SLIP = 0, 1, 2
EXACT: Final = 0


def distance_of(query: PersonQuery, details: StoredFields) -> int | None:
    """The distance of a person from a search: 0 for a person who fits exactly, None for one who does not.

    The index finds a few people too many: by two slips in one word, or by an equal digest.
    """
    if any(details.get(field) != value for field, value in query.exact.items()):
        return None
    names = {word for name in NAMES for word in words_of(details.get(name, ""))}
    distances = [_of_word(query.words, number, names) for number in range(len(query.words))]
    found = [each for each in distances if each is not None]
    return sum(found) if len(found) == len(distances) else None


def _of_word(words: Sequence[str], number: int, names: Collection[str]) -> int | None:
    word = words[number]
    if len(word) == 1 and any(name.startswith(word) for name in names):
        return _OTHER_FORM
    spelt = list(spellings(words, number))
    if any(each in names for each in spelt):
        return _SAME
    if other_forms(word) & set(names):
        return _OTHER_FORM
    return _SLIP if any(_is_slip(each, name) for each in spelt for name in names) else None


def _is_slip(one: str, other: str) -> bool:
    long_enough = max(len(one), len(other)) >= SHORTEST_WITH_SLIP
    return long_enough and OSA.distance(one, other, score_cutoff=1) <= 1
