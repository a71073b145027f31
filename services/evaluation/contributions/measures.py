"""Where a number is counted: the cells that contributions fill and that the sums are kept in."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import NamedTuple


class Cell(NamedTuple):
    """One number of one month.

    `measure` names a family of numbers ("journey"), `period` a month ("2026-03"), `key` the
    number within it ("referred", "debt:no_service"). Keys hold no dot and no dollar: MongoDB reads them as
    paths.
    """

    measure: str
    period: str
    key: str


Contribution = Mapping[Cell, int]
"""What one referral adds to the sums. Whole numbers only: sums of floats drift with their order."""

Stored = list[list[str | int]]


def month(day: date) -> str:
    """The month of a day, as periods are named: 2026-03."""
    return f"{day.year:04d}-{day.month:02d}"


def stored(contribution: Contribution) -> Stored:
    """A contribution as it lies in the referral's document; in one order, so that equal ones look equal."""
    return [[*cell, number] for cell, number in sorted(contribution.items()) if number]


def restored(rows: Iterable[Iterable[str | int]]) -> Contribution:
    """The contribution of a stored document."""
    return dict(_restored(rows))


def _restored(rows: Iterable[Iterable[str | int]]) -> Iterator[tuple[Cell, int]]:
    for measure, period, key, number in rows:
        yield Cell(str(measure), str(period), str(key)), int(number)


def difference(after: Contribution, before: Contribution) -> Contribution:
    """What has to be added to the sums to put one contribution in the place of another."""
    change = Counter(dict(after))
    change.subtract(dict(before))
    return {cell: number for cell, number in change.items() if number}
