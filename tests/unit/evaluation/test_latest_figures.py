"""The cache of figures: current, and exact figures only for managers."""

import pytest
from bson import encode

from services.evaluation.reports.model import Figures
from services.evaluation.reports.programme import FiguresRequest
from services.evaluation.reports.queries import LatestFigures
from services.evaluation.totals.repository import Rows
from tests.unit.evaluation.test_figures import CALENDAR, NAMES


def rows(referred: int) -> Rows:
    """Rows of one locality with so many referrals, all by practices."""
    where = {"locality": next(iter(NAMES)), "period": CALENDAR.since_start.last}
    counts = {"journey": {"referred": referred}, "contact": {"practice:referred": referred}}
    return frozenset([encode(where | {"n": counts})])


async def referred(latest: LatestFigures, number: int, *, exact: bool) -> tuple[Figures, int | str]:
    question = FiguresRequest(tuple(NAMES), CALENDAR.since_start, exact)
    found = await latest.answer(rows(number), NAMES, CALENDAR, question)
    return found, found.places[1].journey[0].people


async def test_cache_returns_the_same_figures_for_same_sums() -> None:
    latest = LatestFigures()
    first, _ = await referred(latest, 12, exact=False)
    again, _ = await referred(latest, 12, exact=False)
    assert again is first


async def test_cache_keeps_exact_and_published_figures_apart() -> None:
    latest = LatestFigures()
    for _ in range(2):
        published, shown = await referred(latest, 12, exact=False)
        managed, known = await referred(latest, 12, exact=True)
        assert (published.counts, shown) == ("suppressed", 10)
        assert (managed.counts, known) == ("exact", 12)


async def test_figures_follow_changed_sums_at_once() -> None:
    latest = LatestFigures()
    seen = [(await referred(latest, number, exact=True))[1] for number in (12, 13, 12)]
    assert seen == [12, 13, 12]
    assert [(await referred(latest, number, exact=False))[1] for number in (12, 13, 3)] == [10, 15, "*"]


@pytest.mark.parametrize("exact", [True, False])
async def test_figures_leave_out_a_locality_that_changed_hands(exact: bool) -> None:
    latest, (gone, *others) = LatestFigures(), NAMES

    async def programme(*left: str) -> int | str:
        names = {slug: NAMES[slug] for slug in left}
        found = await latest.answer(
            rows(12), names, CALENDAR, FiguresRequest(left, CALENDAR.since_start, exact)
        )
        assert [place.place for place in found.places] == ["programme", *left]
        return found.places[0].journey[0].people

    shown = 12 if exact else 10
    assert [await programme(*NAMES), await programme(*others), await programme(), await programme(gone)] == [
        *(shown, 0, 0, shown)
    ]
