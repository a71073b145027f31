"""Terms, reading and comparison of a search: one slip is forgiven, and no other person is found."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.referral.identity.find.fitting import EXACT, distance_of
from services.referral.identity.find.inputs import TypedSearch, query_of, read_box
from services.referral.identity.find.query import PersonQuery
from services.referral.identity.find.terms import criteria_of, terms_of
from services.referral.identity.vault.keys import IndexKeys
from services.referral.web.errors import ValidationFailed
from shared.platform.key_ring import KeyRing

LETTERS = "abcdefghijklmnopqrstuvwxyz"
PERSON = {
    "given_name": "Siân Mary",
    "family_name": "O’Connor",
    "date_of_birth": "1951-03-29",
    "nhs_number": "9990000018",
    "telephone": "+447700900123",
    "postcode": "ST3 6AB",
}
WORD = st.text(LETTERS, min_size=4, max_size=12)


def is_found(query: PersonQuery, details: dict[str, str]) -> bool:
    """Tells that the index and the comparison both find the person."""
    terms = terms_of(details)
    met = all(some & terms for some in criteria_of(query))
    return met and distance_of(query, details) is not None


@st.composite
def slips(draw: st.DrawFn) -> tuple[str, str]:
    """A word, and the word with one slip of any kind."""
    word = draw(WORD)
    at, letter = draw(st.integers(0, len(word) - 1)), draw(st.sampled_from(LETTERS))
    kinds = (
        word[:at] + word[at + 1 :],
        word[:at] + letter + word[at:],
        word[:at] + letter + word[at + 1 :],
        word[:at] + word[at + 1 : at + 2] + word[at] + word[at + 2 :],
    )
    return word, draw(st.sampled_from(kinds))


@given(slips(), slips(), st.booleans())
def test_one_slip_in_each_word_still_finds(
    given_name: tuple[str, str], family: tuple[str, str], reversed_: bool
) -> None:
    details = {"given_name": given_name[0].title(), "family_name": family[0].title()}
    typed = [given_name[1], family[1]]
    assert is_found(PersonQuery(name=" ".join(typed[::-1] if reversed_ else typed)), details)


@pytest.mark.parametrize(
    "name",
    [
        "Siân O'Connor",
        "sian oconnor",
        "O Connor, Sian",
        "OCONNOR MARY",
        "Sian-Mary",
        "sianmary oconor",
        "S OConnor",
    ],
)
def test_spelling_order_and_accents_do_not_matter(name: str) -> None:
    assert is_found(query_of(read_box(name, None)), PERSON)


def test_preferred_name_finds_the_given_one() -> None:
    william = {"given_name": "William", "family_name": "Underhay"}
    for name in ("Bill Underhay", "Underhay, Billy", "Will Underhay"):
        assert is_found(PersonQuery(name=name), william)
    assert not is_found(PersonQuery(name="Bob Underhay"), william)
    assert is_found(PersonQuery(name="Bob Underhay"), william | {"preferred_name": "Bob"})


@pytest.mark.parametrize(
    "different",
    [
        {"name": "Sian Conrad"},
        {"name": "Lee"},
        {"nhs_number": "9990000026"},
        {"born": date(1951, 3, 30)},
        {"telephone": "+447700900124"},
        {"postcode": "ST3 6AD"},
        {"name": "Siân", "born": date(1951, 3, 30)},
    ],
)
def test_one_value_that_differs_is_another_person(different: dict[str, Any]) -> None:
    assert not is_found(PersonQuery(**different), PERSON)
    query = PersonQuery(**{"name": "Siân O’Connor", "postcode": "ST3 6AB"} | different)
    assert distance_of(query, PERSON) is None


def test_short_names_forgive_no_slip() -> None:
    assert not is_found(PersonQuery(name="Lea"), {"family_name": "Lee"})


def test_better_fits_are_nearer() -> None:
    near = [PersonQuery(name=name) for name in ("Mary O’Connor", "Molly O’Connor", "Mary OConner")]
    distances = [distance_of(query, PERSON) for query in near]
    assert distances[0] == EXACT
    assert distances == sorted(distances, key=lambda each: 99 if each is None else each)
    assert distances[2] is not None


def test_box_is_read_by_the_form_of_its_parts() -> None:
    reference = "01938f1c-2b3c-7d4e-9f50-6b7c8d9e0f1a"
    assert read_box("Smith, Mary, st3 6ab", None) == TypedSearch(name="Smith Mary", postcode="st3 6ab")
    assert read_box("999 000 0018", None) == TypedSearch(nhs_number="999 000 0018")
    assert read_box("07700 900123, 29/3/1951", None) == TypedSearch(
        telephone="07700 900123", date_of_birth=date(1951, 3, 29)
    )
    assert read_box(f" {reference.upper()} ", None).reference == reference.upper()
    assert read_box("9990000019", None).nhs_number == "9990000019"
    born = date(1940, 1, 1)
    assert read_box("", born) == TypedSearch(date_of_birth=born)


@pytest.mark.parametrize(
    ("typed", "field", "code"),
    [
        (TypedSearch(), "/name", "missing"),
        (TypedSearch(name="123"), "/name", "name_blank"),
        (TypedSearch(nhs_number="9990000019"), "/nhs_number", "nhs_number_check_digit"),
        (TypedSearch(telephone="12"), "/telephone", "telephone_invalid"),
        (TypedSearch(postcode="ST3"), "/postcode", "postcode_form"),
        (TypedSearch(reference="abc"), "/reference", "reference_form"),
    ],
)
def test_query_refuses_what_cannot_be_searched(typed: TypedSearch, field: str, code: str) -> None:
    with pytest.raises(ValidationFailed) as refused:
        query_of(typed)
    (error,) = refused.value.errors
    assert (error.pointer, error.code) == (field, code)
    assert not any(text in error.detail for text in ("9990000019", "abc"))


def test_query_names_its_fields_and_no_value() -> None:
    query = query_of(TypedSearch(name="Mary", date_of_birth=date(1951, 3, 29), postcode="st3 6ab"))
    assert query.fields == ("name", "born", "postcode")
    assert query.names_one_person
    assert not PersonQuery(name="Mary").names_one_person


def test_terms_of_two_practices_cannot_be_compared() -> None:
    index = IndexKeys(KeyRing([b"n" * 32, b"o" * 32])).of("meir")
    terms = sorted(terms_of(PERSON))
    here, there = index.terms_by_key("M83100", terms), index.terms_by_key("M83713", terms)
    digests = [digest for each in (here, there) for some in each.values() for digest in some]
    assert len(set(digests)) == 4 * len(terms)
    assert list(here) == list(index.ids)
    assert index.terms_by_key("M83100", terms) == here
    assert not any(b"connor" in digest for digest in digests)
