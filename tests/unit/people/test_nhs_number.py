"""The check digit, and that no answer ever repeats the number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from shared.platform.people.nhs_number import NHSNumber, NHSNumberError, check_digit, parse_nhs_number, spaced

FIELD: TypeAdapter[str] = TypeAdapter(NHSNumber)
PLACEHOLDER = "Nobody has this NHS number: leave it empty if it is not known"
nine_digits = st.text("0123456789", min_size=9, max_size=9)


@pytest.mark.parametrize("number", ["9990000018", "9434765919"])
def test_known_numbers(number: str) -> None:
    assert parse_nhs_number(number) == number


@pytest.mark.parametrize("written", [*(digit * 10 for digit in "0123456789"), "987 654 3210", "0123456789"])
def test_number_that_nobody_has_is_refused(written: str) -> None:
    with pytest.raises(NHSNumberError) as refused:
        parse_nhs_number(written)
    assert refused.value.code == "nhs_number_placeholder"


@pytest.mark.parametrize(
    "written",
    ["999\u00a0000\u00a00018", "\ufeff9990000018\u200b", "999\u2013000\u20110018", "999\u2212000\u20140018"],
)
def test_number_pasted_from_elsewhere_is_cleaned(written: str) -> None:
    assert parse_nhs_number(written) == "9990000018"


def test_written_with_spaces_or_hyphens() -> None:
    assert FIELD.validate_python(" 999 000 0018") == FIELD.validate_python("999-000-0018") == "9990000018"
    assert spaced("9990000018") == "999 000 0018"


@given(nine_digits)
def test_exactly_one_tenth_digit_fits_or_none(first_nine: str) -> None:
    fitting = [digit for digit in "0123456789" if refusal(first_nine + digit) in (None, PLACEHOLDER)]
    right = check_digit(first_nine)
    assert fitting == ([] if right is None else [str(right)])


@given(nine_digits, st.integers(0, 9), st.integers(1, 9))
def test_one_wrong_digit_is_always_found(first_nine: str, place: int, change: int) -> None:
    right = check_digit(first_nine)
    if right is None:
        return
    number = f"{first_nine}{right}"
    wrong = number[:place] + str((int(number[place]) + change) % 10) + number[place + 1 :]
    assert refusal(wrong)


@pytest.mark.parametrize(
    ("given_number", "code"),
    [
        ("9990000019", "nhs_number_check_digit"),
        ("999000001", "nhs_number_length"),
        ("99900000188", "nhs_number_length"),
        ("", "nhs_number_length"),
        ("٩٩٩٠٠٠٠٠١٨", "nhs_number_length"),
        (9990000018, "nhs_number_length"),
        (None, "nhs_number_length"),
    ],
)
def test_each_refusal_has_its_code(given_number: object, code: str) -> None:
    with pytest.raises(ValidationError) as refused:
        FIELD.validate_python(given_number)
    assert refused.value.errors()[0]["type"] == code


@given(st.text(min_size=3))
def test_no_message_quotes_what_was_given(written: str) -> None:
    assert refusal(written) in {
        None,
        "An NHS number has 10 digits",
        "This is not an NHS number: check the digits",
        PLACEHOLDER,
    }


def refusal(written: str) -> str | None:
    """The text of the refusal, or None if the number is accepted."""
    try:
        parse_nhs_number(written)
    except NHSNumberError as refused:
        return str(refused)
    return None
