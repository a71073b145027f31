"""Which numbers are taken, from people and from directories."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from shared.people.telephone import (
    Telephone,
    TelephoneNotAccepted,
    as_dialled,
    can_be_texted,
    directory_telephone,
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
        ("see website", None),
        ("", None),
    ],
)
def test_what_a_directory_prints(printed: str, shown: str | None) -> None:
    assert directory_telephone(printed) == shown


@given(st.text(max_size=30))
def test_any_text_is_answered(written: str) -> None:
    directory_telephone(written)
    try:
        number = parse_telephone(written)
    except TelephoneNotAccepted:
        return
    assert parse_telephone(number) == number
