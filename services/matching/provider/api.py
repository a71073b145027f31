"""HTTP: one-tap links."""

from fastapi import APIRouter, Request

from services.matching.request import RequestContext
from services.matching.web.features import check_here, features
from services.matching.web.parameters import BASE, REFUSALS, LinkMaker, LocalityQuery, OwnCaller, Reference
from shared.contract.api.directory import ONE_TAP_LINK, OneTapLink

router = APIRouter(
    prefix=f"{BASE}/prescriptions/{{prescription_id}}", tags=["services of a plan"], responses=REFUSALS
)


@router.post("/link")
async def link(
    request: Request, prescription_id: Reference, caller: LinkMaker, locality: LocalityQuery = None
) -> OneTapLink:
    """A fresh one-tap link, for a service of the programme that sends it."""
    if locality is not None or caller.role == "partner":
        check_here(request, caller, ONE_TAP_LINK, locality or "")
    return OneTapLink(url=await features(request).links.link(caller, prescription_id, locality))


@router.post("/link/end", status_code=204)
async def end_link(request: Request, prescription_id: Reference, caller: OwnCaller) -> None:
    """Ends the service's one-tap link."""
    await features(request).links.end_link(RequestContext(caller), prescription_id)


@router.post("/link/send", status_code=204)
async def send_link(request: Request, prescription_id: Reference, caller: OwnCaller) -> None:
    """Mails the service a new link in place of an ended one."""
    await features(request).links.send_link(RequestContext(caller), prescription_id)
