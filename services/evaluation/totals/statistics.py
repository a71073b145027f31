"""The formulas behind the figures, computed from whole-number sums."""

from collections.abc import Mapping
from math import sqrt
from typing import Final, NamedTuple

# With fewer pairs the normal approximation does not hold, so no interval is given.
MIN_FOR_INTERVAL: Final = 30
# The 97.5th percentile of the normal distribution.
Z_95: Final = 1.959964


class Change(NamedTuple):
    """A mean of paired changes and the ends of its 95% confidence interval, if there are enough pairs."""

    mean: float
    low: float | None
    high: float | None


def percentile(days: Mapping[int, int], rank: int) -> int | None:
    """The nearest-rank percentile of a histogram: the fewest days within which `rank` % of people waited.

    None for an empty histogram. `rank` is from 1 to 100; 50 gives the (lower) median.
    """
    people = sum(days.values())
    if people <= 0:
        return None
    wanted = -(-people * rank // 100)
    reached = 0
    for day in sorted(days):
        reached += days[day]
        if reached >= wanted:
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
    if n < MIN_FOR_INTERVAL:
        return Change(mean, None, None)
    # Whole numbers until the last step, so that n squares - total2 is never below 0.
    half = Z_95 * sqrt((n * squares - total * total) / (n * (n - 1)) / n)
    return Change(mean, mean - half, mean + half)


def percent(part: int, whole: int) -> int | None:
    """A whole per cent of a part of a whole, halves rounded up; None of nothing."""
    return (200 * part + whole) // (2 * whole) if whole > 0 else None
