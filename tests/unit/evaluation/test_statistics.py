"""The formulas, against the standard library's own and by hand."""

from collections import Counter
from statistics import mean, median_low, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.evaluation.totals.statistics import paired_change, percent, percentile


@given(st.lists(st.integers(0, 400), min_size=1))
def test_percentile_50_is_the_lower_median(days: list[int]) -> None:
    assert percentile(Counter(days), 50) == median_low(days)


@given(st.lists(st.integers(0, 400), min_size=1), st.integers(1, 100))
def test_percentile_is_the_nearest_rank(days: list[int], rank: int) -> None:
    found = percentile(Counter(days), rank)
    assert found is not None
    assert sum(day <= found for day in days) * 100 >= rank * len(days)
    assert sum(day < found for day in days) * 100 < rank * len(days)


def test_percentile_of_no_people_is_none() -> None:
    assert percentile({}, 50) is None
    assert percentile({3: 0}, 90) is None


@given(st.lists(st.tuples(st.integers(0, 10), st.integers(0, 10)), min_size=30, max_size=200))
def test_interval_is_that_of_paired_differences(pairs: list[tuple[int, int]]) -> None:
    changes = [after - before for before, after in pairs]
    found = paired_change(
        len(pairs), sum(b for b, _ in pairs), sum(a for _, a in pairs), sum(c * c for c in changes)
    )
    assert found is not None
    half = 1.959964 * stdev(changes) / len(changes) ** 0.5
    assert found == pytest.approx((mean(changes), mean(changes) - half, mean(changes) + half), abs=1e-9)


def test_paired_change_of_few_pairs_has_no_interval() -> None:
    assert paired_change(29, 100, 129, 29) == (1.0, None, None)
    assert paired_change(30, 100, 130, 30) == (1.0, 1.0, 1.0)
    assert paired_change(0, 0, 0, 0) is None


@pytest.mark.parametrize(("part", "whole", "shown"), [(1, 8, 13), (0, 5, 0), (5, 5, 100)])
def test_percent_rounds_halves_up(part: int, whole: int, shown: int) -> None:
    assert percent(part, whole) == shown
    assert percent(part, 0) is None
