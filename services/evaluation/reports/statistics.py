"""The few formulas behind the figures, from whole-number sums."""

from collections.abc import Mapping
from math import sqrt
from typing import Final, NamedTuple

FEWEST_FOR_INTERVAL: Final = 30
"""With fewer pairs the normal approximation of the interval does not hold, and none is given."""
Z_95: Final = 1.959964
"""97.5th percentile of the normal distribution."""


class Change(NamedTuple):
    """A mean of paired changes and the ends of its 95% confidence interval, if there are enough pairs."""

    mean: float
    low: float | None
    high: float | None


def percentile(days: Mapping[int, int], share: int) -> int | None:
    """The nearest-rank percentile of a histogram: the fewest days within which `share` % of people waited.

    None where nobody is counted. `share` is from 1 to 100; 50 gives the (lower) median.
    """
    people = sum(days.values())
    if people <= 0:
        return None
    rank = -(-people * share // 100)
    reached = 0
    for day in sorted(days):
        reached += days[day]
        if reached >= rank:
            return day
    return None


def paired_change(n: int, before: int, after: int, squares: int) -> Change | None:
    """The mean change of `n` pairs from their sums and the sum of their squared changes; None without pairs.

    mean = (after - before) / n; s2 = (squares - n mean2) / (n - 1); interval = mean +- 1.96 s / sqrt(n).
    """
    if n <= 0:
        return None
    total = after - before
    mean = total / n
    if n < FEWEST_FOR_INTERVAL:
        return Change(mean, None, None)
    # As whole numbers until the last step: n squares - total2 never comes out below 0.
    half = Z_95 * sqrt((n * squares - total * total) / (n * (n - 1)) / n)
    return Change(mean, mean - half, mean + half)


def percent(part: int, whole: int) -> int | None:
    """A whole per cent of a part of a whole, halves up; None of nothing."""
    return (200 * part + whole) // (2 * whole) if whole > 0 else None
