"""HTTP: link workers, their hours and their absences."""

from hashlib import blake2b
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Header, Request, Response

from services.matching.authorization import OTHER_PARTS
from services.matching.calendar import london_day
from services.matching.errors import Refused
from services.matching.request import RequestContext
from services.matching.roster.schemas import (
    BackIn,
    EntriesOut,
    EntryOut,
    LeaveIn,
    LeavePreviewOut,
    LinkWorkerIn,
    LinkWorkerOut,
    OffSick,
    ToRingOut,
)
from services.matching.web.features import check_here, features, queries
from services.matching.web.parameters import (
    BASE,
    REFUSALS,
    Admin,
    AwayCaller,
    DirectoryWriter,
    LinkWorkerName,
    LinkWorkerReader,
    LocalityQuery,
)
from services.matching.web.refusals import problem_of
from shared.contract.api.casework import LINK_WORKER, LINK_WORKERS, LinkWorkersAnswer
from shared.contract.events.models import LocalitySlug
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem
from shared.platform.web.seams import asked_by

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
contract_router = APIRouter(tags=["between parts"], responses=REFUSALS)

PartCaller = Annotated[Principal, Depends(asked_by(LINK_WORKERS))]


@contract_router.get(LINK_WORKERS.path, response_model=LinkWorkersAnswer)
async def all_of_locality(
    request: Request,
    caller: PartCaller,
    locality: LocalitySlug,
    known: Annotated[str | None, Header(alias="If-None-Match", max_length=100)] = None,
) -> Response:
    """The link workers of a locality with hours and leave. 304 if nothing has changed."""
    check_here(request, caller, LINK_WORKERS, locality)
    found = await queries(request).roster.link_workers(locality)
    content = LinkWorkersAnswer(link_workers=found).model_dump_json().encode()
    tag = f'"{blake2b(content, digest_size=16).hexdigest()}"'
    headers = {"etag": tag, "cache-control": "no-cache"}
    if known == tag:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type="application/json", headers=headers)


@router.get("")
async def entries(request: Request, caller: Admin) -> EntriesOut:
    """Every entry of the caller's localities, with its open cases."""
    found = await queries(request).roster.entries(caller)
    return EntriesOut(link_workers=[EntryOut.of(each) for each in found])


@router.get("/{link_worker}")
async def one(
    request: Request,
    link_worker: LinkWorkerName,
    caller: LinkWorkerReader,
    locality: LocalityQuery = None,
) -> LinkWorkerOut:
    """A link worker: their own entry, or for the programme and its services any of the locality."""
    if caller.role in OTHER_PARTS and locality is not None:
        check_here(request, caller, LINK_WORKER, locality)
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


@router.post("/{link_worker}/undo")
async def undo(request: Request, link_worker: LinkWorkerName, caller: Admin) -> LinkWorkerOut:
    """Takes back the last change of an entry. 409 if leave or another change followed it."""
    return LinkWorkerOut.of(await features(request).roster.undo_change(RequestContext(caller), link_worker))


@router.post("/{link_worker}/leave/preview")
async def preview(
    request: Request, link_worker: LinkWorkerName, caller: AwayCaller, away: LeaveIn
) -> LeavePreviewOut:
    """Shows what becomes of the meetings if this leave is recorded. Changes nothing."""
    found = await queries(request).roster.preview(caller, link_worker, away.leave())
    owner = found.moved_by.name if found.moved_by else None
    return LeavePreviewOut(meetings=list(found.meetings), moved_by=owner)


@router.post("/{link_worker}/leave/undo")
async def undo_leave(
    request: Request, link_worker: LinkWorkerName, caller: AwayCaller, away: LeaveIn
) -> ToRingOut:
    """Takes a leave back. Coming meetings get their times again if these are free."""
    do = features(request).roster
    return ToRingOut(to_ring=await do.here_after_all(RequestContext(caller), link_worker, away.leave()))


@router.post("/{link_worker}/leave/end")
async def end_leave(
    request: Request, link_worker: LinkWorkerName, caller: AwayCaller, back: BackIn
) -> LinkWorkerOut:
    """Ends a leave on the day on which the link worker is back. Moved meetings keep their time."""
    do = features(request).roster
    return LinkWorkerOut.of(await do.back(RequestContext(caller), link_worker, back.leave(), back.back_on))


@router.post("/{link_worker}/leave")
async def leave(
    request: Request, link_worker: LinkWorkerName, caller: AwayCaller, away: LeaveIn
) -> ToRingOut:
    """Records leave. Meetings of these days are rebooked, and the answer lists the people to ring."""
    return ToRingOut(
        to_ring=await features(request).roster.away(RequestContext(caller), link_worker, away.leave())
    )


@router.post("/{link_worker}/off-sick")
async def off_sick(
    request: Request,
    link_worker: LinkWorkerName,
    caller: AwayCaller,
    body: OffSick | None = None,
) -> ToRingOut:
    """Records a sick day, with the same result as leave of one day."""
    day = (body.day if body else None) or london_day(queries(request).now())
    return ToRingOut(
        to_ring=await features(request).roster.off_sick(RequestContext(caller), link_worker, day)
    )
