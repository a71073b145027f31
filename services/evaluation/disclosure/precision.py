"""The precision of published percentages, means and waits, so that they say nothing more about a count.

The rule is the same for all of them: only the counts *as published* decide how a number is shown, and each
count that they allow could have been shown with just this number. So whoever knows the number, and this rule,
knows no more about the count than before.

- A percentage is the range of whole per cents that the published counts allow. Where that is one number, it
  is the percentage of the exact counts too, and is given alone.
- Means are to the nearest tenth of a point from 40 people, to the nearest half of fewer. Each three means
  (before, after and the change) that can be published of a count could be those of each number of people
  that the count allows. `tests/unit/evaluation/test_precision.py` tries all of them.
- No mean is given where all people moved the same way: beside it, their sum would be known too well.
- An interval is given from 40 people. It lies round the published mean of the change and is widened to
  tenths, so that it holds all of the exact one.
- The 90th percentile of a wait rests on the tenth part of the people who waited longest. It is given from 20.
"""

from math import ceil, sqrt
from typing import Final, Literal, NamedTuple

from services.evaluation.disclosure.disclosure import SMALLEST_SHOWN
from services.evaluation.reports.statistics import Z_95, percent

FEWEST_FOR_TENTHS: Final = 40
FEWEST_FOR_NINETIETH: Final = 20
"""Counts as published."""
NARROWEST: Final = 3
"""Tenths of a point on either side of a change. A narrower interval would depend on the count."""
_HALF, _TENTH = 5, 1


class Rate(NamedTuple):
    """A percentage: the whole per cent, or the whole per cents between which it lies.

    `percent` is "*" where it is held back, and None of nothing; then there are no ends.
    """

    percent: int | Literal["*"] | None
    low: int | None = None
    high: int | None = None


def could_be(shown: int) -> tuple[int, int]:
    """The least and the most that a count can be that is published as this number."""
    if shown == 0:
        return 0, 0
    return max(SMALLEST_SHOWN, shown - 2), shown + 2


def exact_rate(part: int, whole: int) -> Rate:
    """Of exact counts, for those who see them."""
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
    """As they are published, in tenths of a point."""

    before: int
    after: int
    change: int


def means_in_tenths(n: int, before: int, after: int, shown: int) -> Means:
    """The means of the whole scores of `n` people from their sums; `shown` is `n` as it is published."""
    step = _TENTH if shown >= FEWEST_FOR_TENTHS else _HALF
    return Means(
        _halves_up(before, n, step), _halves_up(after, n, step), _halves_to_zero(after - before, n, step)
    )


def _halves_up(total: int, n: int, step: int) -> int:
    return (20 * total + step * n) // (2 * step * n) * step


def _halves_to_zero(total: int, n: int, step: int) -> int:
    """Else a change halfway, beside a mean of 0 or 10, would be possible with few numbers of people only."""
    size = -((step * n - 20 * abs(total)) // (2 * step * n)) * step
    return size if total > 0 else -size


def interval(n: int, change: int, squares: int, tenths: int) -> tuple[float, float]:
    """The ends of the 95% interval as they are published, round a mean change published in `tenths`.

    `change` and `squares` are the sums of the changes of `n` people and of their squares.
    """
    half = Z_95 * sqrt((n * squares - change * change) / (n * (n - 1)) / n)
    reach = max(NARROWEST, ceil(10 * half + abs(10 * change / n - tenths) - 1e-9))
    return (tenths - reach) / 10, (tenths + reach) / 10
