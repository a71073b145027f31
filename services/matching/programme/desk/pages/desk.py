"""The manager's desk: figures by link worker, data quality by locality, and the lists that they open."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from services.matching.casework.team.pages.queue import row
from services.matching.programme.desk.case_lists import BY_CODE, LISTS, NOBODY, OPEN_STAGES, Group
from services.matching.programme.desk.workload import OPEN_CASES, PEOPLE_A_YEAR
from services.matching.referral_state.pages.person_header import person_contact
from services.matching.web.banner import banner
from services.matching.web.features import queries
from services.matching.web.templating import localities, render, today
from shared.platform.web.auth import require_page
from shared.platform.web.csrf import CheckedForm
from shared.platform.web.principal import Principal

Manager = Annotated[Principal, Depends(require_page("manager"))]

router = APIRouter(include_in_schema=False)

GROUPS = ((Group.MISSING, "Missing"), (Group.UNRECORDED, "Not recorded"), (Group.DUE, "Due"))


@router.get("/matching/desk")
async def desk(request: Request, caller: Manager) -> Response:
    """Serves the figures of every link worker."""
    places = localities(request).by_slug
    rows = await queries(request).desk.desk(caller)
    return render(
        request,
        "desk.html",
        today=today(request),
        rows=[(each, places[each.locality].name, each.link_worker or NOBODY) for each in rows],
        stages=[(f"stage-{stage.value}", BY_CODE[f"stage-{stage.value}"].title) for stage in OPEN_STAGES],
        full=OPEN_CASES,
        year=PEOPLE_A_YEAR,
        done=banner(request),
    )


@router.get("/matching/desk/quality")
async def quality(request: Request, caller: Manager) -> Response:
    """Serves the data quality of each locality."""
    places = localities(request).by_slug
    found = await queries(request).desk.quality(caller)
    return render(
        request,
        "quality.html",
        today=today(request),
        places=[(each, places[each.locality].name) for each in found],
        groups=[(title, [one for one in LISTS if one.group is group]) for group, title in GROUPS],
    )


@router.get("/matching/desk/link-workers/{link_worker}")
async def link_worker(request: Request, link_worker: str, caller: Manager) -> Response:
    """Serves the figures and sessions of one link worker."""
    found = await queries(request).desk.link_worker(caller, link_worker)
    return render(
        request,
        "desk-link-worker.html",
        today=today(request),
        found=found,
        place=localities(request).by_slug[found.locality].name,
        groups=[
            ("How far", [one for one in LISTS if one.group is Group.STAGE]),
            *((title, [one for one in LISTS if one.group is group]) for group, title in GROUPS),
        ],
        sessions=await queries(request).desk.sessions(caller, link_worker),
        full=OPEN_CASES,
        year=PEOPLE_A_YEAR,
        done=banner(request),
    )


@router.get("/matching/desk/lists/{locality}/{code}")
async def opened(request: Request, locality: str, code: str, caller: Manager) -> Response:
    """Serves a list: references, and no names."""
    return await _list(request, caller, locality, code, names=False)


@router.post("/matching/desk/lists/{locality}/{code}")
async def named(request: Request, locality: str, code: str, caller: Manager, _: CheckedForm) -> Response:
    """Serves the list with the names, which the vault audits one by one."""
    # A POST, so that going back does not show the names again.
    return await _list(request, caller, locality, code, names=True)


async def _list(request: Request, caller: Principal, locality: str, code: str, *, names: bool) -> Response:
    asks, whose = queries(request), request.query_params.get("link_worker")
    found = await asks.desk.opened(caller, code, locality, whose)
    people = await asks.referrals.people(caller, found.cases, ("name",), "caseload") if names else {}
    whose_name = await asks.team.name_of(whose) if whose and whose != NOBODY else None
    return render(
        request,
        "desk-list.html",
        title=found.title,
        place=localities(request).by_slug[locality].name,
        whose=whose,
        whose_name=whose_name or ("Nobody, or somebody who has left" if whose else None),
        here=f"/matching/desk/lists/{locality}/{code}" + (f"?link_worker={whose}" if whose else ""),
        cases=[
            (row(request, each), person_contact(people, each.referral_id).name if names else None)
            for each in found.cases
        ],
        today=today(request),
        names=names,
        names_missing=names and bool(found.cases) and not people,
    )
