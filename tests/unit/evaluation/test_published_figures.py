"""A reader with the published page, a pencil and the rules recovers no count."""

from collections.abc import Iterator
from itertools import chain

import pytest

from services.evaluation.disclosure.view import DisclosedCount
from services.evaluation.reports.model import Figures, PlaceFigures
from tests.unit.evaluation.test_figures import a_year, counts, report

Range = tuple[int, int]
ANYTHING = (0, 10**6)


def could_be(shown: DisclosedCount) -> Range:
    """The range of one count by itself."""
    if isinstance(shown, str):
        return ANYTHING
    return (max(shown - 2, 8), shown + 2) if shown else (0, 0)


def lines(published: Figures) -> Iterator[tuple[list[str], str]]:
    """Totals on the page and the parts beside them, as names of counts."""
    programme, *localities = published.places
    for where in counts(programme):
        yield [f"{place.place} {where}" for place in localities], f"{programme.place} {where}"
    for place in published.places:
        for prefix in ("why", "need"):
            parts = [where for where in counts(place) if where.startswith(f"{prefix} ")]
            yield [f"{place.place} {where}" for where in parts], f"{place.place} unmet"
        for kind in ("meetings", "missed", "routes"):
            names = [where for where in counts(place) if where.startswith(f"{kind} ") and "all" not in where]
            yield [f"{place.place} {where}" for where in names], f"{place.place} {kind} all"


def everything(figures: Figures) -> dict[str, DisclosedCount]:
    def of(place: PlaceFigures) -> Iterator[tuple[str, DisclosedCount]]:
        yield f"{place.place} unmet", place.unmet.total
        for where, count in counts(place).items():
            yield f"{place.place} {where}", count

    return dict(chain.from_iterable(of(place) for place in figures.places))


@pytest.mark.parametrize("count", [30, 120, 300, 900])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_small_counts_do_not_follow_line_by_line(count: int, seed: int) -> None:
    sums = a_year(count, seed)
    true, published = everything(report(sums, exact=True)), report(sums, exact=False)
    known = {name: could_be(shown) for name, shown in everything(published).items()}
    for _ in range(12):
        for parts, total in lines(published):
            least, most = sum(known[p][0] for p in parts), sum(known[p][1] for p in parts)
            known[total] = max(known[total][0], least), min(known[total][1], most)
            for part in parts:
                low = known[total][0] - (most - known[part][1])
                high = known[total][1] - (least - known[part][0])
                known[part] = max(known[part][0], low), min(known[part][1], high)
    assert all(low <= int(true[name]) <= high for name, (low, high) in known.items())
    small = [name for name, number in true.items() if 0 < int(number) < 8]
    assert small
    found_out = [name for name in small if known[name][0] == known[name][1]]
    assert not found_out


@pytest.mark.parametrize("count", [120, 900])
def test_programme_totals_are_not_suppressed(count: int) -> None:
    """Suppression must leave the programme's own totals."""
    programme = report(a_year(count), exact=False).places[0]
    assert isinstance(programme.unmet.total, int)
    assert all(isinstance(step.people, int) for step in programme.journey)
    assert all(isinstance(wait.median_days, int) for wait in programme.waits)
