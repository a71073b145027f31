"""HTTP: link workers, their hours and their absences."""

from typing import Annotated

from fastapi import APIRouter, Body, Request

from services.matching.calendar import london_day
from services.matching.errors import Refused
from services.matching.request import RequestContext
from services.matching.roster.schemas import LeaveIn, LinkWorkerIn, LinkWorkerOut, OffSick, ToRingOut
from services.matching.web.features import features, queries
from services.matching.web.parameters import (
    BASE,
    REFUSALS,
    DirectoryWriter,
    HandsOverCaller,
    LinkWorkerName,
    LinkWorkerReader,
    LocalityQuery,
)
from services.matching.web.refusals import problem_of
from shared.platform.web.problem import Problem

_EXAMPLE = {
    "id": "lw-meir-1",
    "locality": "meir",
    "name": "Priya Wainwright",
    "email": "priya.wainwright@potteries-links.example",
    "telephone": "01632 960401",
    "hours": [
        {
            "weekday": 0,
            "opens": "09:00",
            "closes": "12:30",
            "practices": ["M83100"],
            "place": "Meir Primary Care Centre, room 4",
        }
    ],
    "leave": [{"first": "2026-12-21", "last": "2026-12-31"}],
    "languages": ["en", "ur"],
    "meeting_minutes": 45,
    "caseload_limit": 40,
    "home_visits": True,
}

router = APIRouter(prefix=f"{BASE}/link-workers", tags=["link workers"], responses=REFUSALS)


@router.get("/{link_worker}")
async def one(
    request: Request,
    link_worker: LinkWorkerName,
    caller: LinkWorkerReader,
    locality: LocalityQuery = None,
) -> LinkWorkerOut:
    """A link worker: their own entry, or for the programme and its services any of the locality."""
    found = await queries(request).roster.link_worker(caller, link_worker)
    if locality is not None and found.locality != locality:
        raise problem_of(Refused("unknown_link_worker"))
    return LinkWorkerOut.of(found)


@router.put("/{link_worker}")
async def put(
    request: Request,
    link_worker: LinkWorkerName,
    caller: DirectoryWriter,
    entry: Annotated[LinkWorkerIn, Body(examples=[_EXAMPLE])],
) -> LinkWorkerOut:
    """Stores hours, leave and the rest. Referrals that wait at these practices retry at once."""
    if entry.id != link_worker:
        raise Problem(422, code="invalid", detail="The id in the body is not the one in the address.")
    return LinkWorkerOut.of(await features(request).roster.put_link_worker(caller, entry.link_worker()))


@router.post("/{link_worker}/leave")
async def leave(
    request: Request, link_worker: LinkWorkerName, caller: HandsOverCaller, away: LeaveIn
) -> ToRingOut:
    """Records leave. Meetings of these days are rebooked, and the answer lists the people to ring."""
    return ToRingOut(
        to_ring=await features(request).roster.away(RequestContext(caller), link_worker, away.leave())
    )


@router.post("/{link_worker}/off-sick")
async def off_sick(
    request: Request,
    link_worker: LinkWorkerName,
    caller: HandsOverCaller,
    body: OffSick | None = None,
) -> ToRingOut:
    """Records a sick day, with the same result as leave of one day."""
    day = (body.day if body else None) or london_day(queries(request).now())
    return ToRingOut(
        to_ring=await features(request).roster.off_sick(RequestContext(caller), link_worker, day)
    )
