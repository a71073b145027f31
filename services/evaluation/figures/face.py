"""The two faces of the figures: exact, for those who manage the programme, and safe to publish."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final, Literal, NamedTuple, Protocol

from services.evaluation.figures.disclosure import Line, hidden, rounded
from services.evaluation.figures.periods import Period
from services.evaluation.figures.statistics import percent
from services.evaluation.figures.tally import ALL, PROGRAMME, Name, Tally
from services.evaluation.vocabulary import ITEMS, Answer, LeadTime
from shared.events import vocabulary as v

HELD_BACK: Final = "*"
Shown = int | Literal["*"]
"""A count as it is shown; `*` is 1 to 7, or more where showing it would give away one that is."""


class Face(Protocol):
    """How a count of one place and period is shown."""

    exact: bool

    def count(self, place: str, name: Name) -> Shown: ...


class Exact:
    """Counts as they are."""

    exact = True

    def __init__(self, tallies: Mapping[tuple[str, Period], Tally], period: Period) -> None:
        self._tallies, self._period = tallies, period

    def count(self, place: str, name: Name) -> Shown:
        return self._tallies[place, self._period].counts[name]


class Key(NamedTuple):
    """A count among all that are published."""

    place: str
    period: str
    """The period's code."""
    name: Name


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
    ) -> None:
        names = sorted(
            {name for tally in tallies.values() for name, number in tally.counts.items() if number}
        )
        layout = _layout(tuple(names), whole.code, tuple(part.code for part in parts), tuple(localities))
        self._numbered = layout.numbered
        self._counts = {
            layout.numbered[place, at.code, name]: number
            for (place, at), tally in tallies.items()
            for name, number in tally.counts.items()
            if number
        }
        self._hidden = hidden(self._counts, layout.lines)

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


def shown_percent(part: Shown, whole: Shown) -> Shown | None:
    """The per cent of two counts as they are shown; None of nothing."""
    if isinstance(part, int) and isinstance(whole, int):
        return percent(part, whole)
    return HELD_BACK if whole != 0 else None


class _Layout(NamedTuple):
    """The lines of a publication, of its keys as numbers: they are quicker to look up than names."""

    numbered: Mapping[tuple[str, str, Name], int]
    lines: tuple[Line[int], ...]


@lru_cache(maxsize=4)
def _layout(names: Sequence[Name], whole: str, parts: Sequence[str], localities: Sequence[str]) -> _Layout:
    """The lines of all counts with these names. They change with a new name or quarter: seldom."""
    numbered: dict[tuple[str, str, Name], int] = {}

    def number(key: Key) -> int:
        return numbered.setdefault(key, len(numbered))

    lines = tuple(
        Line(number(line.total), tuple(number(part) for part in line.parts))
        for line in _lines(names, whole, parts, localities)
    )
    return _Layout(numbered, lines)


def _lines(
    names: Sequence[Name], whole: str, parts: Sequence[str], localities: Sequence[str]
) -> Iterator[Line[Key]]:
    periods = (whole, *parts)
    for name in names:
        for period in periods:
            places = tuple(Key(place, period, name) for place in localities)
            yield Line(Key(PROGRAMME, period, name), places)
        for place in (PROGRAMME, *localities):
            yield Line(Key(place, whole, name), tuple(Key(place, period, name) for period in parts))
    for place in (PROGRAMME, *localities):
        for period in periods:
            for total, added in _BREAKDOWNS:
                yield Line(Key(place, period, total), tuple(Key(place, period, name) for name in added))


def _breakdowns() -> Iterator[Line[Name]]:
    for kind in (ALL, "missed"):
        yield Line(("meetings", ALL, kind), tuple(("meetings", lead, kind) for lead in LeadTime))
    for need in (ALL, *v.Need):
        yield Line(("unmet", need, ALL), tuple(("unmet", need, reason) for reason in v.UnmetReason))
    for reason in (ALL, *v.UnmetReason):
        yield Line(("unmet", ALL, reason), tuple(("unmet", need, reason) for need in v.Need))
    yield Line(("barriers", ALL), tuple(("barriers", barrier) for barrier in v.Barrier))
    yield Line(("replies", ALL), tuple(("replies", answer) for answer in Answer))
    yield Line(("journey", "referred"), tuple(("contact", route, "referred") for route in v.Route))
    yield Line(("contact", ALL, "reached"), tuple(("contact", route, "reached") for route in v.Route))
    for item in ITEMS:
        yield Line(("ons4", item, "n"), tuple(("ons4", item, way) for way in ("better", "same", "worse")))


_BREAKDOWNS: Final[Sequence[Line[Name]]] = tuple(_breakdowns())
