"""Periods of whole months, within the calendar."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.evaluation.totals.periods import Calendar, Period, next_month

CALENDAR = Calendar(date(2025, 2, 3), date(2026, 11, 22))


@pytest.mark.parametrize(
    ("first", "last", "name"),
    [
        ("2026-03", "2026-03", "March 2026"),
        ("2026-01", "2026-03", "January to March 2026"),
        ("2025-10", "2026-03", "October 2025 to March 2026"),
    ],
)
def test_period_names_are_plain_english(first: str, last: str, name: str) -> None:
    assert Period(first, last).name == name


def test_period_without_limits_is_since_the_start() -> None:
    assert CALENDAR.between(None, None) == CALENDAR.since_start
    assert CALENDAR.since_start.name == "Since February 2025"


def test_period_of_all_months_is_since_the_start() -> None:
    assert CALENDAR.between("2025-01", "2026-12") == CALENDAR.since_start


@pytest.mark.parametrize(("first", "last"), [("2026-05", "2026-04"), ("2027-01", None), (None, "2024-12")])
def test_period_without_months_is_none(first: str | None, last: str | None) -> None:
    assert CALENDAR.between(first, last) is None


def test_quarters_are_clipped_to_the_calendar() -> None:
    quarters = CALENDAR.quarters
    assert quarters[0] == Period("2026-10", "2026-11")
    assert quarters[-1] == Period("2025-02", "2025-03")
    assert CALENDAR.between("2026-10", "2026-12") == quarters[0]


@given(st.dates(date(2020, 1, 1), date(2040, 1, 1)), st.integers(0, 4000))
def test_quarters_and_months_cover_the_calendar_once(start: date, days: int) -> None:
    calendar = Calendar(start, start + timedelta(days=days))
    at, every = calendar.since_start.first, []
    while at <= calendar.since_start.last:
        every.append(at)
        at = next_month(at)
    for periods in (calendar.quarters, calendar.months):
        assert [sum(one in period for period in periods) for one in every] == [1] * len(every)
