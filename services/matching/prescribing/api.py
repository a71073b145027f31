"""HTTP: the services of a plan."""

from fastapi import APIRouter, Request

from services.matching.prescribing.inputs import Ending, FirstVisit, NoVisit, ServiceReply
from services.matching.prescribing.schemas import EndedIn, NotStartedIn, ReplyIn, StartedIn
from services.matching.referral_state.views import Done
from services.matching.request import RequestContext
from services.matching.web.features import features
from services.matching.web.parameters import BASE, REFUSALS, AnswerCaller, Key, OwnCaller, Reference

router = APIRouter(
    prefix=f"{BASE}/prescriptions/{{prescription_id}}", tags=["services of a plan"], responses=REFUSALS
)


@router.post("/reply")
async def reply(
    request: Request,
    prescription_id: Reference,
    caller: AnswerCaller,
    body: ReplyIn,
    key: Key = None,
) -> Done:
    """Records the service's answer."""
    return await features(request).prescribing.reply(
        RequestContext(caller, key), prescription_id, body.to(ServiceReply)
    )


@router.post("/started")
async def started(
    request: Request,
    prescription_id: Reference,
    caller: AnswerCaller,
    body: StartedIn,
    key: Key = None,
) -> Done:
    """Records the first visit."""
    return await features(request).prescribing.started(
        RequestContext(caller, key), prescription_id, body.to(FirstVisit)
    )


@router.post("/not-started")
async def not_started(
    request: Request,
    prescription_id: Reference,
    caller: AnswerCaller,
    body: NotStartedIn,
    key: Key = None,
) -> Done:
    """Records that the first visit did not happen, and the barrier."""
    return await features(request).prescribing.not_started(
        RequestContext(caller, key), prescription_id, body.to(NoVisit)
    )


@router.post("/ended")
async def ended(
    request: Request,
    prescription_id: Reference,
    caller: OwnCaller,
    body: EndedIn,
    key: Key = None,
) -> Done:
    """Records that the person no longer goes there."""
    return await features(request).prescribing.ended(
        RequestContext(caller, key), prescription_id, body.to(Ending)
    )
