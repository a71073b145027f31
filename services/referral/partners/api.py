"""HTTP routes of partners: say an event, try one without effect, and learn what became of one."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query, Response

from services.referral.partners.checks import Refusal
from services.referral.partners.inputs import inbox_record
from services.referral.partners.schemas import (
    EventReceived,
    EventSent,
    EventVerdict,
    HandOver,
    InboxEnded,
    PartOwned,
    Parts,
    PartStopped,
    SourceListed,
    Sources,
)
from services.referral.partners.use_cases import AnotherBody, Events
from services.referral.web.parameters import ReferralId
from shared.contract.events.inbox_end import InboxEnd
from shared.contract.events.models import Ref
from shared.contract.events.notices import DETAIL, NOT_YET, POINTERS, NotCounted
from shared.contract.events.refusals import SENTENCES
from shared.contract.events.topics import SOURCE_PARTS, SourcePart, inbox_topic, partner_source
from shared.platform.ids import new_id
from shared.platform.localities import Locality
from shared.platform.web.auth import require
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem
from shared.platform.web.validation import FieldError

BASE: Final = "/api/contract/v1"
router = APIRouter(prefix=BASE, tags=["partners"])

Partner = Annotated[Principal, Depends(require("partner"))]
EventId = Annotated[Ref, Path()]
InLocality = Annotated[str, Query(max_length=60, description="The locality's slug.")]


@router.post("/events", status_code=202)
async def say(event: EventSent, caller: Partner, events: Events, response: Response) -> EventReceived:
    """Put an event into the caller's inbox. To send it again is harmless. The answer to a refusal is 422."""
    try:
        found = await events.post(caller, event.source, inbox_record(event))
    except AnotherBody:
        detail = "This source has said something else under this id. A new event needs a new id."
        raise Problem(409, code="another_body", detail=detail) from None
    if isinstance(found, Refusal):
        raise _problem(found)
    referral = found.body.referral_id
    response.headers["location"] = f"{BASE}/referrals/{referral}/events/{found.id}"
    return EventReceived(referral=referral, id=found.id, inbox=inbox_topic(found.source))


@router.post("/validate")
async def validate(event: EventSent, caller: Partner, events: Events) -> EventVerdict:
    """The same checks and the same answer to a refusal, without effect."""
    found = await events.judge(caller, event.source, inbox_record(event))
    if isinstance(found, Refusal):
        raise _problem(found)
    return EventVerdict(verdict="accepted")


@router.get("/sources")
async def sources(caller: Partner, events: Events) -> Sources:
    """The sources of the caller's localities with their priorities, by which a fold decides."""
    table, found = events.sources(caller)
    listed = [SourceListed(source=each.source, part=each.part, priority=each.rank) for each in found]
    return Sources(table=table, sources=sorted(listed, key=lambda each: each.source))


@router.get("/parts")
async def parts(caller: Partner, events: Events, locality: InLocality) -> Parts:
    """The owner, the epoch and the hand-over of each part of a locality. Follow it every few seconds."""
    table, there = events.locality(caller, locality)
    if there is None:
        raise Problem(403, code="locality", detail="Your token does not cover this locality.")
    return Parts(table=table, locality=there.slug, parts=[_owned(there, part) for part in SOURCE_PARTS])


@router.post("/parts/{part}/stopped", status_code=202)
async def stopped(part: SourcePart, body: PartStopped, caller: Partner, events: Events) -> InboxEnded:
    """Say that the caller has stopped for a hand-over: all that it has said lies in its inbox.

    Writes the end of the inbox, as the caller's own client may. Admission copies nothing behind it. To say it
    again is harmless.
    """
    source = partner_source(body.locality, caller.partner or "")
    _, there = events.locality(caller, body.locality)
    if there is None:
        raise Problem(403, code="locality", detail="Your token does not cover this locality.")
    end = InboxEnd(locality=body.locality, part=part, epoch=body.epoch)
    refused = await events.stop(source, end, new_id())
    if refused is not None:
        owner, epoch = there.owner(part), there.epoch(part)
        detail = SENTENCES[refused]
        raise Problem(409, code=refused.value, detail=detail, part=part, owner=owner, epoch=epoch)
    return InboxEnded(inbox=inbox_topic(source), part=part, epoch=body.epoch)


@router.get("/referrals/{referral_id}/events/{event_id}")
async def verdict(
    referral_id: ReferralId, event_id: EventId, caller: Partner, events: Events
) -> EventVerdict:
    """The result of an event that the caller's own source published, by Kafka or here."""
    found = await events.verdict(caller, referral_id, event_id)
    if found is None:
        return EventVerdict(verdict="not_seen")
    if found.refusal is None:
        return _accepted(found.uncounted)
    return EventVerdict(
        verdict="refused",
        code=found.refusal.code,
        detail=SENTENCES[found.refusal.code],
        pointer=found.refusal.pointer,
        problem=found.refusal.problem,
        at=found.at,
    )


def _owned(there: Locality, part: SourcePart) -> PartOwned:
    claim = there.claim(part)
    return PartOwned(
        part=part,
        owner=there.owner(part),
        epoch=there.epoch(part),
        address=there.address(part),
        handing_over=HandOver(to=claim.to, since=claim.since) if claim else None,
    )


def _accepted(uncounted: NotCounted | None) -> EventVerdict:
    if uncounted is None:
        return EventVerdict(verdict="accepted")
    return EventVerdict(
        verdict="accepted",
        code=NOT_YET,
        detail=DETAIL,
        pointer=POINTERS[uncounted],
        problem=uncounted.value,
    )


def _problem(refusal: Refusal) -> Problem:
    detail = SENTENCES[refusal.code]
    error = FieldError(refusal.pointer, refusal.problem or refusal.code.value, detail)
    return Problem(422, code=refusal.code.value, detail=detail, errors=[error])
