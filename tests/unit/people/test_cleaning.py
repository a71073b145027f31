"""Text pasted from elsewhere is cleaned, and nothing that people wrote is lost."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.platform.people.cleaning import clean_line, clean_text

DASHES = [chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) == "Pd"]


@pytest.mark.parametrize(
    "sign", ["\u200b", "\ufeff", "\u00ad", "\u2060", "\u202e", "\u061c", "\u3164", "\ufe0f"]
)
def test_line_with_an_invisible_character_loses_it(sign: str) -> None:
    assert clean_line(f"{sign}999{sign} 000{sign} 0018{sign}") == "999 000 0018"
    assert clean_text(f"a{sign}b\nc") == "ab\nc"


@pytest.mark.parametrize("space", ["\u00a0", "\u2007", "\u202f", "\u2009", "\u3000", "\t", "\u2028", "  "])
def test_line_with_another_space_has_single_spaces(space: str) -> None:
    assert clean_line(f"{space}ST3{space}6AB{space}") == "ST3 6AB"


@pytest.mark.parametrize("dash", [*DASHES, "\u2212", "\u2043", "\u02d7"])
def test_line_with_any_dash_has_a_hyphen(dash: str) -> None:
    assert clean_line(f"Smith{dash}Jones") == "Smith-Jones"


@pytest.mark.parametrize("name", ["علی\u200cرضا", "Siân", "O’Neill", "李", "क्\u200dष", "ーイ"])
def test_line_as_people_write_it_stays(name: str) -> None:
    assert clean_line(name) == name


def test_line_with_a_stray_joiner_loses_it() -> None:
    assert clean_line("An\u200dn\u200c") == "Ann"


@given(st.text(max_size=60))
def test_line_cleaned_again_is_the_same(written: str) -> None:
    once = clean_line(written)
    assert clean_line(once) == once
    assert len(once) <= len(written)
