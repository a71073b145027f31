"""HTTP routes about people: contacts, erasure, and the claim check and notes for other services."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from services.referral.identity import contacts, lookup
from services.referral.identity.context import Context, ReferralContext
from services.referral.identity.erasure import erase_person
from services.referral.identity.schemas import (
    ClaimRequest,
    ContactAnswer,
    ContactChange,
    EarlierAnswer,
    NewNote,
    NotesRequest,
)
from services.referral.web.errors import ValidationFailed
from services.referral.web.parameters import BASE, IdempotencyKey, ReferralId
from shared.contract.api import Operation
from shared.contract.api.referral import (
    CLAIM,
    CLAIMS,
    KEEP_NOTE,
    READ_NOTES,
    ClaimedFields,
    ClaimField,
    Claims,
    Locality,
    NoteKept,
    Notes,
    Purpose,
)
from shared.contract.events.models import Ref
from shared.platform.web.auth import require
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem
from shared.platform.web.seams import asked_by, check_asked
from shared.platform.web.step_up import require_recent

router = APIRouter(prefix=BASE, tags=["referrals"])
services_router = APIRouter(prefix=BASE, tags=["between services"])

Eraser = Annotated[Principal, Depends(require_recent("programme_admin"))]
Staff = Annotated[Principal, Depends(require("referrer", "link_worker"))]
Claimant = Annotated[Principal, Depends(asked_by(CLAIMS))]
ClaimantOfOne = Annotated[Principal, Depends(asked_by(CLAIM))]
NoteReader = Annotated[Principal, Depends(asked_by(READ_NOTES))]
Writer = Annotated[Principal, Depends(asked_by(KEEP_NOTE))]
Reference = Annotated[Ref, Path()]


@router.post("/referrals/{referral_id}/erase", status_code=204)
async def erase(referral_id: ReferralId, caller: Eraser, context: Context) -> None:
    """Erase the person behind a referral, and all that is kept of them.

    Asks for a recent sign-in (RFC 9470).
    """
    await erase_person(context, caller, referral_id)


@router.get("/referrals/{referral_id}/contact")
async def contact(referral_id: ReferralId, caller: Staff, context: Context) -> ContactAnswer:
    """The person's telephone and whether it is safe to text, with replaced values. Audited."""
    found = await contacts.read_contact(context, caller, referral_id)
    context.require_ours(found.row["locality"])
    return _contact_answer(found)


@router.post("/referrals/{referral_id}/contact")
async def change_contact(
    referral_id: ReferralId,
    change: ContactChange,
    caller: Staff,
    context: Context,
    key: IdempotencyKey = None,
) -> ContactAnswer:
    """Change them while the referral is open. Messages that have not been sent follow at once."""
    before = await contacts.read_contact(context, caller, referral_id)
    try:
        choice = contacts.validate_contact(before, change.telephone, change.safe_to_text)
    except ValidationFailed as refused:
        raise Problem(422, code="not_taken", errors=refused.errors) from None
    route, locality = f"contact/{referral_id}", before.row["locality"]
    idempotency = context.idempotency(caller, route, key, locality, change.model_dump_json())
    unsafe = change.old_number_unsafe
    await contacts.change_contact(
        context, caller, before, choice, old_is_unsafe=unsafe, idempotency=idempotency
    )
    return _contact_answer(await contacts.read_contact(context, caller, referral_id))


@services_router.post("/claims")
async def claim(request: ClaimRequest, caller: Claimant, context: Context) -> Claims:
    """Fields of many people at once."""
    _check(context, caller, CLAIMS, request.locality, request.purpose)
    return await lookup.read_claims(context, caller, request)


@services_router.get("/claims/{referral_id}")
async def claim_one(
    referral_id: Reference,
    caller: ClaimantOfOne,
    context: Context,
    locality: Annotated[Locality, Query()],
    fields: Annotated[list[ClaimField], Query(min_length=1)],
    purpose: Annotated[Purpose, Query()],
) -> ClaimedFields:
    """Fields of one person: 404 if the referral is not known here, 410 if the person was erased."""
    _check(context, caller, CLAIM, locality, purpose)
    whole = {"locality": locality, "referrals": [referral_id], "fields": fields, "purpose": purpose}
    found = await lookup.read_claims(context, caller, ClaimRequest.model_validate(whole))
    if referral_id in found.missing:
        raise lookup.missing(found.missing[referral_id])
    return found.people[referral_id]


@services_router.post("/referrals/{referral_id}/notes", status_code=201)
async def keep_note(
    referral_id: Reference,
    note: NewNote,
    caller: Writer,
    context: Context,
    key: IdempotencyKey = None,
) -> NoteKept:
    """Store a text under the person's key."""
    _check(context, caller, KEEP_NOTE, note.locality)
    return NoteKept(note_id=await lookup.store_note(context, caller, referral_id, note, key))


@services_router.post("/notes/read")
async def read_notes(request: NotesRequest, caller: NoteReader, context: Context) -> Notes:
    """The texts of notes."""
    _check(context, caller, READ_NOTES, request.locality, request.purpose)
    return Notes(notes=await lookup.read_notes(context, caller, request))


def _contact_answer(known: contacts.ContactDetails) -> ContactAnswer:
    return ContactAnswer(
        telephone=known.contact.telephone,
        safe_to_text=known.contact.safe_to_text,
        earlier=[
            EarlierAnswer(field=past.field, value=past.text, by=past.by, at=past.at, until=past.until)
            for past in known.earlier
        ],
    )


def _check(
    context: ReferralContext,
    caller: Principal,
    operation: Operation,
    locality: str,
    purpose: str | None = None,
) -> None:
    check_asked(caller, operation, locality, context.localities, purpose)
