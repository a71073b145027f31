"""Precision of published percentages, means and waits, so that they say nothing more about a count.

One rule holds for all of them. Only the counts *as published* decide how a number is shown, and each count
that they allow could have been shown with this number. So a reader who knows the number, and this rule, knows
no more about the count than before.

- A percentage is the range of whole per cents that the published counts allow. Where that is one number, it
  is the percentage of the exact counts too, and is given alone.
- Means are to the nearest tenth of a point from 40 people, to the nearest half of fewer. Each triple of means
  (before, after and change) published of a count could belong to each number of people that the count allows.
  `tests/unit/evaluation/test_precision.py` tries all of them.
- No mean is given where all people moved the same way: their sum would be known too well.
- An interval is given from 40 people. It lies round the published mean of the change and is widened to
  tenths, so that it holds all of the exact one.
- The 90th percentile of a wait depends on the tenth of the people who waited longest. It is given from 20.
"""

from math import ceil, sqrt
from typing import Final, Literal, NamedTuple

from services.evaluation.disclosure.suppression import MIN_SHOWN
from services.evaluation.totals.statistics import Z_95, percent

# Counts as published.
MIN_FOR_TENTHS: Final = 40
MIN_FOR_NINETIETH: Final = 20
# Tenths of a point on either side of a change. A narrower interval would depend on the count.
MIN_INTERVAL_REACH: Final = 3
_HALF, _TENTH = 5, 1


class Rate(NamedTuple):
    """A percentage: the whole per cent, or the whole per cents between which it lies.

    `percent` is "*" where it is suppressed, and None of nothing; then there are no ends.
    """

    percent: int | Literal["*"] | None
    low: int | None = None
    high: int | None = None


def could_be(shown: int) -> tuple[int, int]:
    """The least and the most of a count that is published as this number."""
    if shown == 0:
        return 0, 0
    return max(MIN_SHOWN, shown - 2), shown + 2


def exact_rate(part: int, whole: int) -> Rate:
    """The rate of exact counts, of which the first is a part of the second."""
    found = percent(part, whole)
    return Rate(found, found, found)


def published_rate(part: int | Literal["*"], whole: int | Literal["*"]) -> Rate:
    """The rate of two published counts of which the first is a part of the second."""
    if whole == 0:
        return Rate(None)
    if part == "*" or whole == "*":
        return Rate("*")
    (least, most), (fewest, all_) = could_be(part), could_be(whole)
    low = percent(least, all_)
    high = percent(most, max(fewest, most)) if most < fewest else 100
    if low is None or low == high:
        return Rate(low, low, low)
    return Rate("*", low, high)


class Means(NamedTuple):
    """Published means, in tenths of a point."""

    before: int
    after: int
    change: int


def means_in_tenths(n: int, before: int, after: int, shown: int) -> Means:
    """Rounds the means of `n` people's scores, given as sums; `shown` is `n` as it is published."""
    step = _TENTH if shown >= MIN_FOR_TENTHS else _HALF
    return Means(
        _halves_up(before, n, step), _halves_up(after, n, step), _halves_to_zero(after - before, n, step)
    )


def _halves_up(total: int, n: int, step: int) -> int:
    return (20 * total + step * n) // (2 * step * n) * step


def _halves_to_zero(total: int, n: int, step: int) -> int:
    """Rounds halves to 0. A half beside a mean of 0 or 10 would allow few numbers of people only."""
    size = -((step * n - 20 * abs(total)) // (2 * step * n)) * step
    return size if total > 0 else -size


def interval(n: int, change: int, squares: int, tenths: int) -> tuple[float, float]:
    """The published ends of the 95% interval round a mean change published in `tenths`.

    `change` and `squares` are the sums of the changes of `n` people and of their squares.
    """
    half = Z_95 * sqrt((n * squares - change * change) / (n * (n - 1)) / n)
    reach = max(MIN_INTERVAL_REACH, ceil(10 * half + abs(10 * change / n - tenths) - 1e-9))
    return (tenths - reach) / 10, (tenths + reach) / 10
