"""HTTP: cover for a colleague's case, the team's queue, and hand-overs of one or many cases."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response

from services.matching.casework.inputs import HandingOver
from services.matching.casework.team.schemas import (
    CoverIn,
    HandOverOut,
    HandOversIn,
    PreviewOut,
    QueueOut,
)
from services.matching.casework.team.views import CoverShown
from services.matching.request import RequestContext
from services.matching.web.features import features, queries
from services.matching.web.parameters import BASE, REFUSALS, HandsOverCaller, Key, OwnCaller, Reference
from shared.platform.web.principal import Principal
from shared.platform.web.step_up import require_recent

Covering = Annotated[Principal, Depends(require_recent("link_worker"))]
Batch = Annotated[str, Path(pattern=r"^[0-9a-f-]{32,36}$")]

router = APIRouter(prefix=BASE, tags=["team"], responses=REFUSALS)


@router.post("/referrals/{referral_id}/cover", status_code=201)
async def open_cover(
    request: Request, referral_id: Reference, caller: Covering, body: CoverIn, key: Key = None
) -> CoverShown:
    """Opens a colleague's case for the caller, with the reason. Its own link worker sees it.

    Asks for a recent sign-in (RFC 9470).
    """
    cover = await features(request).team.open_cover(
        RequestContext(caller, key), referral_id, body.reason, body.days
    )
    found = await queries(request).team.covers_of(cover.locality, referral_id)
    return next(each for each in found if each.link_worker == cover.link_worker and each.stands)


@router.post("/referrals/{referral_id}/cover/end", status_code=204)
async def end_cover(request: Request, referral_id: Reference, caller: OwnCaller) -> Response:
    """Ends the caller's cover."""
    await features(request).team.end_cover(RequestContext(caller), referral_id)
    return Response(status_code=204)


@router.get("/referrals/{referral_id}/covers")
async def covers(request: Request, referral_id: Reference, caller: OwnCaller) -> list[CoverShown]:
    """Every cover of a case, the latest first."""
    case = await queries(request).referrals.case(caller, referral_id)
    return await queries(request).team.covers_of(case.line.locality, referral_id)


@router.get("/team/queue")
async def queue(request: Request, caller: OwnCaller) -> QueueOut:
    """The open cases of the locality that wait for somebody, without anything that names a person."""
    return QueueOut(cases=await queries(request).team.queue(caller))


@router.post("/referrals/{referral_id}/take", status_code=201)
async def take(request: Request, referral_id: Reference, caller: OwnCaller, key: Key = None) -> HandOverOut:
    """Takes a case of the queue."""
    batch = await features(request).team.take(RequestContext(caller, key), referral_id)
    return HandOverOut(hand_over=await queries(request).team.hand_over(caller, batch))


@router.post("/hand-overs/preview")
async def preview(request: Request, caller: HandsOverCaller, body: HandOversIn) -> PreviewOut:
    """Shows what a hand-over would do to each case and its meeting."""
    return PreviewOut(
        cases=await queries(request).team.preview(
            caller, body.referrals, body.link_worker, keeps_time=body.keep_time
        )
    )


@router.post("/hand-overs", status_code=201)
async def hand_over(
    request: Request, caller: HandsOverCaller, body: HandOversIn, key: Key = None
) -> HandOverOut:
    """Hands over these cases. Each person is told once, whatever changes for them."""
    how = HandingOver(body.note, body.keep_time)
    batch, refused = await features(request).team.hand_over(
        RequestContext(caller, key), body.referrals, body.link_worker, how
    )
    went = len(refused) < len(set(body.referrals))
    shown = await queries(request).team.hand_over(caller, batch) if went else None
    return HandOverOut(hand_over=shown, refused=refused)


@router.get("/hand-overs/{batch}")
async def shown(request: Request, batch: Batch, caller: HandsOverCaller) -> HandOverOut:
    """A hand-over as it is now."""
    return HandOverOut(hand_over=await queries(request).team.hand_over(caller, batch))


@router.post("/hand-overs/{batch}/undo")
async def undo(request: Request, batch: Batch, caller: HandsOverCaller, key: Key = None) -> HandOverOut:
    """Takes the cases back, within a day."""
    refused = await features(request).team.undo(RequestContext(caller, key), batch)
    return HandOverOut(hand_over=await queries(request).team.hand_over(caller, batch), refused=refused)
