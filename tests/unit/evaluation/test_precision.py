"""Percentages, means and intervals say nothing more about a count than the count as it is published."""

from collections.abc import Iterator

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.evaluation.disclosure.precision import (
    Means,
    Rate,
    could_be,
    exact_rate,
    interval,
    means_in_tenths,
    published_rate,
)
from services.evaluation.disclosure.suppression import rounded
from services.evaluation.totals.statistics import paired_change, percent

PARTS = st.one_of(st.just(0), st.integers(8, 60), st.integers(8, 5000))


def of_every_sum(n: int, shown: int) -> Iterator[Means]:
    for before in range(10 * n + 1):
        for after in range(10 * n + 1):
            yield means_in_tenths(n, before, after, shown)


@pytest.mark.parametrize("shown", [10, 15, 40])
def test_published_means_fit_each_possible_number(shown: int) -> None:
    """Tries all sums of scores: no triple of means excludes a number of people."""
    least, most = could_be(shown)
    possible = [set(of_every_sum(n, shown)) for n in range(least, most + 1)]
    assert all(means == possible[0] for means in possible)


def test_means_in_hundredths_would_reveal_the_number() -> None:
    """Checks the test above: 4.13 and 6.27 are means of 15 people and of no other number up to 17."""
    hundredths = {n: {(200 * total + n) // (2 * n) for total in range(10 * n + 1)} for n in range(13, 18)}
    assert [n for n, means in hundredths.items() if {413, 627} <= means] == [15]


@pytest.mark.parametrize(
    ("n", "before", "after", "shown", "means"),
    [
        (14, 60, 70, 15, Means(45, 50, 5)),
        (15, 62, 94, 15, Means(40, 65, 20)),
        (40, 191, 230, 40, Means(48, 58, 10)),
        (20, 175, 200, 20, Means(90, 100, 10)),
        (20, 200, 175, 20, Means(100, 90, -10)),
        (14, 70, 70, 15, Means(50, 50, 0)),
    ],
)
def test_means_are_to_halves_and_from_40_to_tenths(
    n: int, before: int, after: int, shown: int, means: Means
) -> None:
    assert means_in_tenths(n, before, after, shown) == means


@given(PARTS, PARTS)
def test_published_rate_holds_the_exact_one(part: int, others: int) -> None:
    whole = part + others
    assume(whole >= 8)
    exact = percent(part, whole)
    rate = published_rate(rounded(part), rounded(whole))
    assert rate.low is not None
    assert rate.high is not None
    assert exact is not None
    assert rate.low <= exact <= rate.high
    assert rate.percent == (exact if rate.low == rate.high else "*")


@given(PARTS, PARTS)
def test_published_rate_follows_from_published_counts(part: int, others: int) -> None:
    """All counts with the same shown count have the same rate, so the rate reveals nothing."""
    whole = part + others
    assume(whole >= 8)
    shown = rounded(part), rounded(whole)
    alike = {percent(a, b) for a in range(*_span(shown[0])) for b in range(*_span(shown[1])) if a <= b}
    rate = published_rate(*shown)
    assert (rate.low, rate.high) == (
        min(p for p in alike if p is not None),
        max(p for p in alike if p is not None),
    )


def _span(shown: int) -> tuple[int, int]:
    least, most = could_be(shown)
    return least, most + 1


def test_rates_of_suppressed_counts_are_suppressed() -> None:
    assert published_rate("*", 40) == published_rate(10, "*") == published_rate("*", "*") == Rate("*")
    assert published_rate(0, 0) == Rate(None)
    assert published_rate(0, 40) == Rate(0, 0, 0)
    assert exact_rate(3, 8) == Rate(38, 38, 38)
    assert exact_rate(0, 0) == Rate(None, None, None)


def test_rates_reordered_by_rounding_overlap() -> None:
    """12 of 18 is more than 13 of 22. Of the counts as shown, 10 of 20 and 15 of 20, it would be less."""
    more, less = published_rate(rounded(12), rounded(18)), published_rate(rounded(13), rounded(22))
    assert percent(12, 18) == 67
    assert percent(13, 22) == 59
    assert more == Rate("*", 36, 67)
    assert less == Rate("*", 59, 94)


@given(st.lists(st.tuples(st.integers(0, 10), st.integers(0, 10)), min_size=38, max_size=200))
def test_published_interval_holds_the_exact_one(
    pairs: list[tuple[int, int]],
) -> None:
    n, before, after = len(pairs), sum(b for b, _ in pairs), sum(a for _, a in pairs)
    squares = sum((a - b) ** 2 for b, a in pairs)
    means = means_in_tenths(n, before, after, rounded(n))
    low, high = interval(n, after - before, squares, means.change)
    exact = paired_change(n, before, after, squares)
    assert exact is not None
    assert exact.low is not None
    assert exact.high is not None
    assert low <= exact.low + 1e-6
    assert high >= exact.high - 1e-6
    assert (low + high) / 2 == pytest.approx(means.change / 10)


@pytest.mark.parametrize("shown", [40, 45, 100])
@pytest.mark.parametrize("spread", [0, 1, 4, 9])
def test_published_interval_fits_each_possible_number(shown: int, spread: int) -> None:
    """People gain a point on average. For each number of people some squares give the same ends."""
    ends = interval(shown, shown, shown * (1 + spread), 10)
    least, most = could_be(shown)
    for n in range(least, most + 1):
        assert any(interval(n, n, squares, 10) == ends for squares in range(n, 14 * n)), n
