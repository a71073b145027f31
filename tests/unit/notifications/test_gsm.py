"""Rendered texts stay in the alphabet of text messages, so that no letter doubles their parts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.channels.gsm import BASIC_LETTERS, EXTENDED_LETTERS, count_parts, to_gsm_alphabet


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("St Chad’s", "St Chad's"),
        ("“The Willows” – Leek…", '"The Willows" - Leek...'),
        ("ST3\u00a06AB", "ST3 6AB"),
        ("Tŷ Llŵyd", "Ty Llwyd"),
        ("Łódź", "Lodz"),
        ("Cafe\u0301 £5 à la carte", "Café £5 à la carte"),
        ("a`b", "a'b"),
    ],
)
def test_gsm_text_has_the_nearest_letters(typed: str, sent: str) -> None:
    assert to_gsm_alphabet(typed) == sent


@given(st.text(max_size=50))
def test_gsm_text_has_only_the_alphabet(text: str) -> None:
    assert set(to_gsm_alphabet(text)) <= BASIC_LETTERS | EXTENDED_LETTERS
    assert to_gsm_alphabet(to_gsm_alphabet(text)) == to_gsm_alphabet(text)
    count_parts(to_gsm_alphabet(text))


@pytest.mark.parametrize(
    ("text", "number"),
    [("a" * 160, 1), ("a" * 161, 2), ("a" * 306, 2), ("a" * 307, 3), ("€" * 80, 1), ("€" * 81, 2), ("", 1)],
)
def test_parts_are_counted_as_by_networks(text: str, number: int) -> None:
    assert count_parts(text) == number


def test_parts_with_a_foreign_letter_are_refused() -> None:
    with pytest.raises(ValueError, match="’"):
        count_parts("St Chad’s")


def test_gsm_alphabet_has_128_places() -> None:
    assert len(BASIC_LETTERS) == 127  # and the escape
    assert len(EXTENDED_LETTERS) == 10
