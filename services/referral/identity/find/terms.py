"""The terms by which the blind index finds a person. Pure.

A term is an exact value, or a word of a name, whole or with one letter left out. Two words with one slip
between them (a letter more, less, other or exchanged) have a term in common.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from services.referral.identity.find.query import PersonQuery
from services.referral.identity.person import StoredFields
from shared.platform.people.name_comparison import name_words, other_forms

# Raise the figure when `terms_of` changes: `linkwork keys rotate` then stores terms of everybody anew.
TERMS_VERSION: Final = 1
NAMES: Final = ("given_name", "preferred_name", "family_name")
_EXACT: Final = ("nhs_number", "date_of_birth", "telephone", "postcode")
# The vault's fields that make terms.
TERM_FIELDS: Final = frozenset({*NAMES, *_EXACT})
# A slip in a shorter word makes another name of it: Lea, Lee, Leo.
SHORTEST_WITH_SLIP: Final = 4


def terms_of(details: StoredFields) -> frozenset[str]:
    """The terms under which a person with these details is found."""
    exact = {_term(field, details[field]) for field in _EXACT if field in details}
    words = (word for name in NAMES for word in words_of(details.get(name, "")))
    return frozenset(exact | {_term("name", part) for word in words for part in neighbourhood(word)})


def criteria_of(query: PersonQuery) -> list[frozenset[str]]:
    """One set of terms for each given value. A person who fits has a term of every set."""
    exact = [frozenset({_term(field, value)}) for field, value in query.exact.items()]
    words = query.words
    # An initial alone says nothing to the index. The comparison looks at it afterwards.
    typed = [number for number, word in enumerate(words) if len(word) > 1] or range(len(words))
    return [*exact, *(_terms_of_word(words, number) for number in typed)]


def words_of(name: str) -> tuple[str, ...]:
    """The words of a stored name, and all of them written together: "Mary Jane" is found as "Maryjane"."""
    words = name_words(name)
    return (*words, "".join(words)) if len(words) > 1 else words


def spellings(words: Sequence[str], number: int) -> Iterable[str]:
    """A typed word, and the word written together with its neighbour: "O Connor" finds "O'Connor"."""
    yield words[number]
    if number + 1 < len(words):
        yield words[number] + words[number + 1]
    if number > 0:
        yield words[number - 1] + words[number]


def neighbourhood(word: str) -> frozenset[str]:
    """The word, and each form of it with one letter left out."""
    if len(word) < SHORTEST_WITH_SLIP:
        return frozenset({word})
    return frozenset({word, *(word[:at] + word[at + 1 :] for at in range(len(word)))})


def _terms_of_word(words: Sequence[str], number: int) -> frozenset[str]:
    parts = {part for spelt in spellings(words, number) for part in neighbourhood(spelt)}
    return frozenset(_term("name", part) for part in parts | other_forms(words[number]))


def _term(kind: str, value: str) -> str:
    return f"{kind}\x1f{value}"
