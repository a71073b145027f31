"""Names are kept as people write them, and found again however they are typed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.platform.people.names import NameNotAccepted, compared_as, parse_name


@pytest.mark.parametrize("name", ["Siân", "O'Neill", "van der Berg", "Anne-Marie", "李", "محمد", "Ng", "J."])
def test_names_as_people_have_them(name: str) -> None:
    assert parse_name(f"  {name} ") == name


def test_two_ways_to_write_an_accent_are_one_name() -> None:
    assert parse_name("Sia\u0302n") == parse_name("Si\u00e2n")


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("", "name_blank"),
        (" - ", "name_blank"),
        ("a" * 101, "name_too_long"),
        ("Ann\x00", "name_characters"),
        ("<b>Ann</b>", "name_characters"),
    ],
)
def test_text_that_is_no_name_is_refused(written: str, code: str) -> None:
    with pytest.raises(NameNotAccepted) as refused:
        parse_name(written)
    assert refused.value.code == code


def test_found_again_however_it_was_typed() -> None:
    assert compared_as("O\u2019Neill ") == compared_as("oneill") == compared_as("O'NEILL")
    assert compared_as("Siân") == compared_as("SIAN")
    assert compared_as("Łukasz") == compared_as("LUKASZ") == compared_as("lukasz")
    assert compared_as("Bjørn Đorđević") == compared_as("bjorn dordevic")
    assert compared_as("Æthelstan") == compared_as("AETHELSTAN") == compared_as("æthelstan")
    assert compared_as("李") != compared_as("黎") != ""


@pytest.mark.parametrize(
    "written",
    ["Smith\u2013Jones", "\ufeffSmith\u2011Jones\u200b", "Smith\u2212Jones\u00a0", "Sm\u00adith-Jones"],
)
def test_name_pasted_from_elsewhere_is_cleaned(written: str) -> None:
    assert parse_name(written) == "Smith-Jones"


@given(st.text(max_size=120))
def test_parsing_again_changes_nothing(written: str) -> None:
    try:
        name = parse_name(written)
    except NameNotAccepted:
        return
    assert parse_name(name) == name
    assert compared_as(name) == compared_as(f" {name}\t")
