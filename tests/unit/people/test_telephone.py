"""Telephone numbers that are accepted, from people and from directories."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from shared.platform.people.telephone import (
    Telephone,
    TelephoneNotAccepted,
    as_dialled,
    can_be_texted,
    directory_telephone,
    parse_public_telephone,
    parse_telephone,
)


@given(st.integers(0, 999))
def test_the_drama_ranges_are_taken(last: int) -> None:
    mobile, landline = parse_telephone(f"07700 900{last:03}"), parse_telephone(f"(01632) 960{last:03}")
    assert mobile == f"+447700900{last:03}"
    assert can_be_texted(mobile)
    assert not can_be_texted(landline)
    assert as_dialled(mobile) == f"07700 900{last:03}"
    assert parse_telephone(as_dialled(landline)) == landline


@pytest.mark.parametrize(
    "written", ["", "1234", "116 123", "999", "07700", "01632 960001 ext 4", "ring my sister", "٠"]
)
def test_a_person_cannot_be_rung_on_it(written: str) -> None:
    with pytest.raises(TelephoneNotAccepted) as refused:
        parse_telephone(written)
    assert refused.value.code == "telephone_invalid"


@pytest.mark.parametrize(
    "written",
    ["077OO 9OO123", "07911 123 mum", "mum 07700 900123", "07700 900123 (Asha)", "0800 HELPME",
     "O7700 900123", "07700 90O123", "07700 900l23", "01632 960001 or 07700 900123", "tel:07700 900123"],
)  # fmt: skip
def test_number_with_letters_is_refused(written: str) -> None:
    with pytest.raises(TelephoneNotAccepted) as refused:
        parse_telephone(written)
    assert refused.value.code == "telephone_letters"


@pytest.mark.parametrize(
    "written", ["07700 900123/07700 900456", "07700 900123; 01632 960001", "07700 900123 #4", "07700*900123"]
)
def test_number_with_another_behind_it_is_refused(written: str) -> None:
    with pytest.raises(TelephoneNotAccepted) as refused:
        parse_telephone(written)
    assert refused.value.code == "telephone_invalid"


@given(st.integers(0, 999), st.integers(0, 11), st.sampled_from("OoIlSBZzABCé"))
def test_digit_typed_as_a_letter_is_never_a_number(last: int, place: int, letter: str) -> None:
    number = f"07700 900{last:03}"
    written = number[:place] + letter + number[place + 1 :]
    with pytest.raises(TelephoneNotAccepted):
        parse_telephone(written)
    assert directory_telephone(written) is None or place == 0


@pytest.mark.parametrize(
    "written",
    ["07700\u00a0900\u00a0123", "\u202d07700 900123\u202c", "07700\u2013900\u2011123", "(07700) 900-123"],
)
def test_number_pasted_from_elsewhere_is_cleaned(written: str) -> None:
    assert parse_telephone(written) == "+447700900123"


@pytest.mark.parametrize("stored", ["+4477OO900123", "07700 900123", "+44 7700 900123 mum", "+", "", "none"])
def test_text_is_never_sent_to_what_is_no_number(stored: str) -> None:
    assert not can_be_texted(stored)


def test_the_field_reports_the_code_and_no_number() -> None:
    field: TypeAdapter[str] = TypeAdapter(Telephone)
    with pytest.raises(ValidationError) as refused:
        field.validate_python("0770090012")
    problem = refused.value.errors(include_input=False)[0]
    assert problem["type"] == "telephone_invalid"
    assert "0770090012" not in problem["msg"]


def test_a_number_from_abroad() -> None:
    assert as_dialled(parse_telephone("+353 87 123 4567")) == "+353 87 123 4567"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("+447700900123", "07700 900123"),
        ("+441632960516", "01632 960516"),
        ("01632960516", "01632 960516"),
        ("116 123", "116 123"),
        ("ask at reception", "ask at reception"),
    ],
)
def test_every_page_shows_a_number_in_one_form(written: str, shown: str) -> None:
    assert as_dialled(written) == shown


@pytest.mark.parametrize(
    ("printed", "shown"),
    [
        ("116 123", "116 123"),
        ("111", "111"),
        ('"01632 960001"', "01632 960001"),
        ("+44 1632 960001", "01632 960001"),
        ("Tel: 01632 960001", "01632 960001"),
        ("Helpline 0808 157 0001", "0808 157 0001"),
        ("01632 960001 ext. 12", "01632 960001 x12"),
        ("Tel 01632 960001 x12", "01632 960001 x12"),
        ("077OO 9OO123", None),
        ("07911 123 mum", None),
        ("01632 960001 or 01632 960002", None),
        ("0845 SAMARITANS", None),
        ("see website", None),
        ("", None),
    ],
)
def test_number_printed_in_a_directory_is_accepted(printed: str, shown: str | None) -> None:
    assert directory_telephone(printed) == shown


@pytest.mark.parametrize("written", ["01632 960401", "116 123", "+44 1632 960401", "01632 960401 ext. 12"])
def test_number_of_a_desk_is_printed_as_dialled(written: str) -> None:
    assert parse_public_telephone(written) == directory_telephone(written)


@pytest.mark.parametrize(
    "written", ["O1632 960401", "Tel: 01632 960401", "01632 960401 Asha", "", "reception"]
)
def test_number_of_a_desk_with_letters_is_refused(written: str) -> None:
    with pytest.raises(TelephoneNotAccepted):
        parse_public_telephone(written)


@given(st.text(max_size=30))
def test_any_text_is_answered(written: str) -> None:
    directory_telephone(written)
    try:
        number = parse_telephone(written)
    except TelephoneNotAccepted:
        return
    assert parse_telephone(number) == number
