"""London times, as the NHS writes them."""

from datetime import UTC, date, datetime

import pytest

from shared.platform.web import dates


@pytest.mark.parametrize(
    ("moment", "shown"),
    [
        (datetime(2026, 11, 24, 14, 30, tzinfo=UTC), "Tuesday 24 November 2026 at 2:30pm"),
        (datetime(2026, 7, 1, 8, 0, tzinfo=UTC), "Wednesday 1 July 2026 at 9am"),
        (datetime(2026, 7, 1, 11, 0, tzinfo=UTC), "Wednesday 1 July 2026 at midday"),
        (datetime(2026, 6, 30, 23, 0, tzinfo=UTC), "Wednesday 1 July 2026 at midnight"),
        (datetime(2026, 11, 24, 12, 5, tzinfo=UTC), "Tuesday 24 November 2026 at 12:05pm"),
        (datetime(2026, 11, 24, 0, 5, tzinfo=UTC), "Tuesday 24 November 2026 at 12:05am"),
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "Sunday 25 October 2026 at 1:30am"),
        (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "Sunday 25 October 2026 at 1:30am"),
    ],
)
def test_moments(moment: datetime, shown: str) -> None:
    assert dates.day_and_time(moment) == shown


def test_days() -> None:
    assert dates.day(date(2026, 11, 3)) == "Tuesday 3 November 2026"
    assert dates.short_day(date(2026, 11, 3)) == "3 November 2026"


@pytest.mark.parametrize(
    ("band", "shown"), [("65-74", "65 to 74"), ("85+", "85 and over"), ("18_24", "18 to 24")]
)
def test_age_bands(band: str, shown: str) -> None:
    assert dates.age_band(band) == shown
