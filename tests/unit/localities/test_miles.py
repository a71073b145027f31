"""Distances in miles."""

import pytest

from shared.platform.localities.miles import in_miles


@pytest.mark.parametrize(
    ("km", "said"),
    [
        (0.0, "Less than 0.1 miles"),
        (0.17, "0.1 miles"),
        (1.0, "0.6 miles"),
        (1.609344, "1 mile"),
        (1.65, "1 mile"),
        (3.218688, "2 miles"),
        (12.0, "7.5 miles"),
        (16.0, "9.9 miles"),
        (16.05, "10 miles"),
        (40.0, "25 miles"),
    ],
)
def test_a_distance_is_said_in_miles(km: float, said: str) -> None:
    assert in_miles(km) == said
