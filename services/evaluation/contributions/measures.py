"""Measures: the keys under which contributions and sums count."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import NamedTuple


class MeasureKey(NamedTuple):
    """The key of one number of one month.

    `measure` names a family of numbers ("journey"), `period` a month ("2026-03"), and `key` the number within
    the family ("referred", "debt:no_service"). Keys hold no dot and no dollar, which MongoDB reads as paths.
    """

    measure: str
    period: str
    key: str


# The numbers that one referral adds to the sums. Whole numbers only: sums of floats depend on their order.
Contribution = Mapping[MeasureKey, int]

ContributionRows = list[list[str | int]]


def month(day: date) -> str:
    """The month of a day, as periods are named: 2026-03."""
    return f"{day.year:04d}-{day.month:02d}"


def to_rows(contribution: Contribution) -> ContributionRows:
    """The stored form of a contribution, sorted, so that equal contributions have equal documents."""
    return [[*key, number] for key, number in sorted(contribution.items()) if number]


def from_rows(rows: Iterable[Iterable[str | int]]) -> Contribution:
    """The contribution of a stored document."""
    return dict(_keyed(rows))


def _keyed(rows: Iterable[Iterable[str | int]]) -> Iterator[tuple[MeasureKey, int]]:
    for measure, period, key, number in rows:
        yield MeasureKey(str(measure), str(period), str(key)), int(number)


def difference(after: Contribution, before: Contribution) -> Contribution:
    """The change of the sums that replaces one contribution by another."""
    change = Counter(dict(after))
    change.subtract(dict(before))
    return {key: number for key, number in change.items() if number}
