"""HTTP: one-tap links, and what services claim."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from services.matching.prescribing.inputs import FirstVisit, NoVisit, ServiceReply
from services.matching.provider.links import LinkClaims
from services.matching.provider.schemas import ClaimOut, ClaimsOut, LinkAnswer
from services.matching.request import RequestContext
from services.matching.web.features import check_here, features, queries
from services.matching.web.parameters import (
    BASE,
    REFUSALS,
    Admin,
    Key,
    LinkMaker,
    LocalityQuery,
    OwnCaller,
    Reference,
)
from shared.contract.api.directory import (
    ANSWER_LINK,
    ASK_MAILBOX,
    ONE_TAP_LINK,
    LinkAnswerKept,
    MailboxAsked,
    OneTapLink,
)
from shared.contract.events.models import LocalitySlug
from shared.platform.web.principal import Principal
from shared.platform.web.seams import asked_by

PassingOn = Annotated[Principal, Depends(asked_by(ANSWER_LINK))]
MailboxAsker = Annotated[Principal, Depends(asked_by(ASK_MAILBOX))]

router = APIRouter(
    prefix=f"{BASE}/prescriptions/{{prescription_id}}", tags=["services of a plan"], responses=REFUSALS
)

claims_router = APIRouter(prefix=f"{BASE}/directory/claims", tags=["directory"], responses=REFUSALS)
contract_router = APIRouter(tags=["between parts"], responses=REFUSALS)


@claims_router.get("")
async def claims(request: Request, caller: Admin) -> ClaimsOut:
    """Services with the state of their mailbox, their places, and reports of wrong entries."""
    found = await queries(request).claims.claims(caller)
    return ClaimsOut(services=[ClaimOut.of(each) for each in found])


@router.post("/link")
async def link(
    request: Request, prescription_id: Reference, caller: LinkMaker, locality: LocalityQuery = None
) -> OneTapLink:
    """A fresh one-tap link, for a service of the programme that sends it."""
    if locality is not None or caller.role == "partner":
        check_here(request, caller, ONE_TAP_LINK, locality or "")
    return OneTapLink(url=await features(request).links.link(caller, prescription_id, locality))


@contract_router.post(ANSWER_LINK.path)
async def answer(
    request: Request, prescription_id: Reference, caller: PassingOn, body: LinkAnswer, key: Key = None
) -> LinkAnswerKept:
    """Records a service's answer that reached a former owner of directory on a link of its own."""
    check_here(request, caller, ANSWER_LINK, body.locality)
    claims = LinkClaims(body.locality, prescription_id, body.service, queries(request).now())
    await features(request).provider.answer_passed_on(claims, _said(body), key)
    return LinkAnswerKept(prescription_id=prescription_id)


def _said(body: LinkAnswer) -> ServiceReply | FirstVisit | NoVisit | None:
    """The answer in the words of our commands; None for places that are free again."""
    if body.reply is not None:
        return ServiceReply(body.reply, body.weeks, body.reason)
    if body.visited_on is not None:
        return FirstVisit(body.visited_on)
    return NoVisit(body.barrier) if body.barrier is not None else None


@router.post("/link/end", status_code=204)
async def end_link(request: Request, prescription_id: Reference, caller: OwnCaller) -> None:
    """Ends the service's one-tap link."""
    await features(request).links.end_link(RequestContext(caller), prescription_id)


@router.post("/link/send", status_code=204)
async def send_link(request: Request, prescription_id: Reference, caller: OwnCaller) -> None:
    """Mails the service a new link in place of an ended one."""
    await features(request).links.send_link(RequestContext(caller), prescription_id)


@contract_router.post(ASK_MAILBOX.path)
async def ask_mailbox(
    request: Request,
    service_id: Reference,
    caller: MailboxAsker,
    locality: Annotated[LocalitySlug, Query()],
) -> MailboxAsked:
    """Asks a service's mailbox to confirm, once a day at most. A sandbox sends no mail."""
    check_here(request, caller, ASK_MAILBOX, locality)
    return MailboxAsked(asked=await features(request).mailboxes.ask_service(locality, service_id))
