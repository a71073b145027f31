"""Statistics of measured times."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.statistics import percentile, short, summary


@given(st.lists(st.floats(0, 100), min_size=1), st.sampled_from([0.5, 0.9, 0.99, 0.999]))
def test_a_percentile_is_a_value_that_so_many_do_not_exceed(values: list[float], share: float) -> None:
    ordered = sorted(values)
    found = percentile(ordered, share)
    assert found in ordered
    assert sum(value <= found for value in ordered) >= share * len(ordered) - 1e-9


def test_known_percentiles() -> None:
    ordered = [float(number) for number in range(1, 1001)]
    assert [percentile(ordered, share) for share in (0.5, 0.99, 0.999)] == [500, 990, 999]


def test_unanswered_request_is_slower_than_all_others() -> None:
    said = summary([0.01] * 985, unanswered=15)
    assert said["p50"] == pytest.approx(10)
    assert said["p99"] is None
    assert said["longest"] == pytest.approx(10)
    assert (said["count"], said["unanswered"]) == (1000, 15)


@pytest.mark.parametrize(
    ("count", "known"),
    [(1, set()), (100, {"p50", "p99"}), (999, {"p50", "p99"}), (1000, {"p50", "p99", "p99.9"})],
)
def test_a_percentile_is_said_where_one_value_lies_beyond_it(count: int, known: set[str]) -> None:
    said = summary([0.001] * count)
    assert {name for name in ("p50", "p99", "p99.9") if said[name] is not None} == known


def test_nothing_measured_says_nothing() -> None:
    said = summary([])
    assert said["longest"] is None
    assert short(said) == "0 of 0 unanswered"
