"""The two faces of the figures: exact, for those who manage the programme, and safe to publish."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final, Literal, Protocol

from services.evaluation.contributions.contribution import SETTLED_AFTER
from services.evaluation.disclosure.disclosure import hidden, rounded
from services.evaluation.disclosure.layout import Key, Shape, layout
from services.evaluation.disclosure.precision import Rate, exact_rate, published_rate
from services.evaluation.totals.periods import Period
from services.evaluation.totals.totals import Name, Tally

HELD_BACK: Final = "*"
Shown = int | Literal["*"]
"""A count as it is shown; `*` is 1 to 7, or more where showing it would give away one that is."""


class Face(Protocol):
    """How a count of one place and period is shown."""

    exact: bool

    def count(self, place: str, name: Name) -> Shown: ...

    def rate(self, part: Shown, whole: Shown) -> Rate:
        """Of two counts as this face shows them, of which the first is a part of the second."""


class Exact:
    """Counts as they are."""

    exact = True

    def __init__(self, tallies: Mapping[tuple[str, Period], Tally], period: Period) -> None:
        self._tallies, self._period = tallies, period

    def count(self, place: str, name: Name) -> Shown:
        return self._tallies[place, self._period].counts[name]

    def rate(self, part: Shown, whole: Shown) -> Rate:
        return exact_rate(int(part), int(whole))


class Publication:
    """All counts that are published, and which of them are hidden.

    What is hidden is worked out over all localities and all periods that can be asked for, and not over those
    of one answer alone: two answers held against each other must not give away more than one.
    """

    def __init__(
        self,
        tallies: Mapping[tuple[str, Period], Tally],
        *,
        whole: Period,
        parts: Sequence[Period],
        localities: Sequence[str],
        today: date,
    ) -> None:
        names = sorted(
            {name for tally in tallies.values() for name, number in tally.counts.items() if number}
        )
        shape = Shape(
            whole.code,
            tuple(part.code for part in parts),
            frozenset(part.code for part in parts if part.last_day + SETTLED_AFTER <= today),
            tuple(localities),
        )
        laid_out = layout(tuple(names), shape)
        self._numbered = laid_out.numbered
        self._counts = {
            laid_out.numbered[Key(place, at.code, name)]: number
            for (place, at), tally in tallies.items()
            for name, number in tally.counts.items()
            if number
        }
        self._hidden = hidden(self._counts, laid_out.lines, laid_out.orders)

    def count(self, place: str, period: str, name: Name) -> Shown:
        """How a count is shown; `period` is a code."""
        number = self._numbered.get(Key(place, period, name))
        if number is None:
            return 0
        return HELD_BACK if number in self._hidden else rounded(self._counts.get(number, 0))


class Published:
    """Counts of one period with the small ones hidden and the others rounded."""

    exact = False

    def __init__(self, publication: Publication, period: Period) -> None:
        self._publication, self._period = publication, period.code

    def count(self, place: str, name: Name) -> Shown:
        return self._publication.count(place, self._period, name)

    def rate(self, part: Shown, whole: Shown) -> Rate:
        return published_rate(part, whole)
