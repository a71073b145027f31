"""Ages and bands, at the edges where people are refused."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contract.events.vocabulary import AgeBand
from shared.platform.people.ages import DateOfBirthError, age_band, age_on, check_date_of_birth

TODAY = date(2026, 6, 15)


def test_age_changes_on_the_birthday() -> None:
    assert age_on(date(2008, 6, 15), TODAY) == 18
    assert age_on(date(2008, 6, 16), TODAY) == 17


def test_born_on_29_february() -> None:
    assert age_on(date(2008, 2, 29), date(2026, 2, 28)) == 17
    assert age_on(date(2008, 2, 29), date(2026, 3, 1)) == 18


@pytest.mark.parametrize(
    ("born", "code"),
    [
        (date(2026, 6, 16), "date_of_birth_future"),
        (date(2008, 6, 16), "under_minimum_age"),
        (date(1900, 6, 14), "date_of_birth_too_long_ago"),
    ],
)
def test_age_that_cannot_be_referred_is_refused(born: date, code: str) -> None:
    with pytest.raises(DateOfBirthError) as refused:
        check_date_of_birth(born, TODAY, minimum_age=18)
    assert refused.value.code == code
    assert str(born.year) not in str(refused.value)


def test_the_youngest_who_can() -> None:
    assert check_date_of_birth(date(2008, 6, 15), TODAY, minimum_age=18) == 18


@pytest.mark.parametrize(
    ("age", "band"),
    [(17, "under_18"), (18, "18-24"), (24, "18-24"), (25, "25-34"), (84, "75-84"), (85, "85+"), (110, "85+")],
)
def test_bands(age: int, band: str) -> None:
    assert age_band(age) == AgeBand(band)


@given(st.dates(max_value=TODAY), st.integers(0, 400))
def test_age_never_falls(born: date, days: int) -> None:
    later = date.fromordinal(TODAY.toordinal() + days)
    assert 0 <= age_on(born, later) - age_on(born, TODAY) <= 2
