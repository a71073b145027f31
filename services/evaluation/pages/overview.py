"""/evaluation/: figures of the programme first, then of its localities."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from services.evaluation.clients.booking import CapacityLookup
from services.evaluation.pages.capacity import CapacityShown, capacity_shown
from services.evaluation.pages.formatting import days, number, of, per_cent
from services.evaluation.pages.sections import fill
from services.evaluation.pages.subjects import SUBJECTS
from services.evaluation.reports import api
from services.evaluation.reports.model import PlaceFigures
from services.evaluation.reports.queries import FigureQueries, sees_exact_counts
from services.evaluation.totals.periods import Period
from services.evaluation.web.templating import static_files
from shared.platform.web.auth import Principal, require_page
from shared.platform.web.pages import Pages

Reader = Annotated[Principal, Depends(require_page("analyst", "programme_admin"))]


@dataclass(frozen=True, slots=True)
class Headline:
    """One number at the top of the page, and out of how many."""

    number: str
    words: str
    out_of: str


router = APIRouter(include_in_schema=False)


@router.get("/evaluation/")
async def overview(
    request: Request,
    caller: Reader,
    queries: api.Queries,
    locality: Annotated[str, Query(max_length=50)] = "",
    period: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    """Serves the page of one period, for all localities or for the one chosen."""
    periods = queries.periods(caller)
    chosen = next((each for each in periods if each.code == period), periods[0])
    found = await queries.figures(caller, locality or None, chosen.first, chosen.last)
    charted = found.places[:1] if not locality else found.places
    place = found.places[-1 if locality else 0]
    capacity = await _capacity(request, queries, locality, place.name) if locality else None
    pages: Pages = request.app.state.pages
    page: Response = pages.page(
        request,
        "evaluation/overview.html",
        figures=found,
        exact=sees_exact_counts(caller),
        localities=queries.places(caller),
        locality=locality,
        periods=[(each.code, each.name) for each in periods],
        period=chosen.code,
        headlines=_headlines(place),
        place=place.name,
        capacity=capacity,
        subjects=[fill(subject, charted, found.places) for subject in SUBJECTS],
        table_address=_table_address(locality, chosen),
    )
    return page


async def _capacity(request: Request, queries: FigureQueries, locality: str, name: str) -> CapacityShown:
    lookup: CapacityLookup = request.app.state.capacity
    return capacity_shown(await lookup.of(locality), name, queries.localities)


@router.get("/evaluation/figures.csv")
async def table(
    caller: Reader,
    queries: api.Queries,
    locality: api.Place = None,
    first: api.First = None,
    last: api.Last = None,
) -> Response:
    """Serves the figures as CSV at the page's address, for readers who are signed in by a cookie."""
    return api.csv_response(await queries.figures(caller, locality, first, last))


router.include_router(static_files.router())


def _table_address(locality: str, period: Period) -> str:
    parts = [f"locality={locality}"] if locality else []
    if not period.since_start:
        parts += [f"from={period.first}", f"to={period.last}"]
    return "/evaluation/figures.csv" + (f"?{'&'.join(parts)}" if parts else "")


def _headlines(place: PlaceFigures) -> Sequence[Headline]:
    first, last = place.journey[0], place.journey[-1]
    met, back = place.waits[0], place.follow_up
    return (
        Headline(number(first.people), "people referred", ""),
        Headline(
            per_cent(last),
            "made a first visit",
            f"{of(last.settled, first.settled)} referred at least 12 weeks ago",
        ),
        Headline(
            days(met.median_days),
            "median wait for a first appointment",
            f"{of(met.people, met.referred)} have had one",
        ),
        Headline(number(place.unmet.total), "unmet needs told", ""),
        Headline(
            per_cent(back),
            "of follow-ups answered",
            f"{of(back.answered, back.due)} that were due",
        ),
    )
