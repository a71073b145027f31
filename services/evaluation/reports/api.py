"""HTTP API: the figures, as JSON and as a table."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from services.evaluation.reports.model import Figures
from services.evaluation.reports.queries import FigureQueries
from services.evaluation.reports.table import as_csv
from shared.platform.web.auth import Principal, require

PREFIX = "/api/evaluation/v1"

Reader = Annotated[Principal, Depends(require("analyst", "programme_admin"))]
Place = Annotated[
    str | None,
    Query(alias="locality", max_length=50, description="One locality; without, all of the caller's."),
]
_MONTH = r"^\d{4}-(0[1-9]|1[0-2])$"
First = Annotated[
    str | None, Query(alias="from", pattern=_MONTH, description="First month, such as 2026-01.")
]
Last = Annotated[str | None, Query(alias="to", pattern=_MONTH, description="Last month, included.")]


def figure_queries(request: Request) -> FigureQueries:
    """The queries of this application."""
    queries: FigureQueries = request.app.state.queries
    return queries


Queries = Annotated[FigureQueries, Depends(figure_queries)]

router = APIRouter(prefix=PREFIX, tags=["evaluation"])


@router.get("/figures", response_model=Figures)
async def figures(
    caller: Reader, queries: Queries, locality: Place = None, first: First = None, last: Last = None
) -> Response:
    """The programme first, then localities. Exact for programme_admin, suppressed for analysts."""
    found = await queries.figures(caller, locality, first, last)
    # Serialised here: the framework would validate and copy each number again, which takes 5 times as long.
    return Response(found.model_dump_json(), media_type="application/json")


@router.get("/figures.csv", response_class=Response, responses={200: {"content": {"text/csv": {}}}})
async def table(
    caller: Reader, queries: Queries, locality: Place = None, first: First = None, last: Last = None
) -> Response:
    """The same figures, one on each line."""
    return csv_response(await queries.figures(caller, locality, first, last))


def csv_response(figures: Figures) -> Response:
    """The figures as a file to keep, named by their months."""
    name = f"figures-{figures.period.first_month}-{figures.period.last_month}.csv"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(as_csv(figures), media_type="text/csv; charset=utf-8", headers=headers)
