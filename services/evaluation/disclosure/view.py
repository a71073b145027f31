"""The two views of the counts: exact for programme managers, and safe to publish for all others."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final, Literal, Protocol

from services.evaluation.contributions.contribution import SETTLED_AFTER
from services.evaluation.disclosure.layout import Key, Shape, layout
from services.evaluation.disclosure.precision import Rate, exact_rate, published_rate
from services.evaluation.disclosure.suppression import rounded, suppressed
from services.evaluation.totals.periods import Period
from services.evaluation.totals.totals import CountName, Totals

SUPPRESSED: Final = "*"
# `*` is 1 to 7, or more where showing the count would give away a small one.
DisclosedCount = int | Literal["*"]


class DisclosureView(Protocol):
    """A view of the counts of one period."""

    exact: bool

    def count(self, place: str, name: CountName) -> DisclosedCount:
        """The count of a place, as the view shows it."""
        ...

    def rate(self, part: DisclosedCount, whole: DisclosedCount) -> Rate:
        """The rate of two counts of the view, of which the first is a part of the second."""
        ...


class ExactView:
    """Shows counts as they are."""

    exact = True

    def __init__(self, totals: Mapping[tuple[str, Period], Totals], period: Period) -> None:
        self._totals, self._period = totals, period

    def count(self, place: str, name: CountName) -> DisclosedCount:
        """The count itself."""
        return self._totals[place, self._period].counts[name]

    def rate(self, part: DisclosedCount, whole: DisclosedCount) -> Rate:
        """The exact rate."""
        return exact_rate(int(part), int(whole))


class Publication:
    """All published counts, and which of them are suppressed.

    Suppression covers all localities and periods that can be requested, not only those of one answer. Two
    answers held against each other must not give away more than one.
    """

    def __init__(
        self,
        totals: Mapping[tuple[str, Period], Totals],
        *,
        whole: Period,
        parts: Sequence[Period],
        localities: Sequence[str],
        today: date,
    ) -> None:
        names = sorted({name for found in totals.values() for name, number in found.counts.items() if number})
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
            for (place, at), found in totals.items()
            for name, number in found.counts.items()
            if number
        }
        self._suppressed = suppressed(self._counts, laid_out.lines, laid_out.orders)

    def count(self, place: str, period: str, name: CountName) -> DisclosedCount:
        """The published count; `period` is a code."""
        number = self._numbered.get(Key(place, period, name))
        if number is None:
            return 0
        return SUPPRESSED if number in self._suppressed else rounded(self._counts.get(number, 0))


class PublishedView:
    """Shows small counts suppressed and the others rounded."""

    exact = False

    def __init__(self, publication: Publication, period: Period) -> None:
        self._publication, self._period = publication, period.code

    def count(self, place: str, name: CountName) -> DisclosedCount:
        """The published count."""
        return self._publication.count(place, self._period, name)

    def rate(self, part: DisclosedCount, whole: DisclosedCount) -> Rate:
        """The rate that the published counts allow."""
        return published_rate(part, whole)
