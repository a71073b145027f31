"""What other services ask of the vault at the moment of use: people, and notes. Every read is audited."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Path, Query
from pydantic import BaseModel, Field

from services.referral.collections import Source
from services.referral.identity import erasure as erasing
from services.referral.identity.vault import entries
from services.referral.identity.vault.keys import PersonKey
from services.referral.identity.vault.persons import PERSON_FIELDS
from services.referral.intake.service import ReferralService
from services.referral.intake.validation import plain_text
from shared.contract.events import vocabulary as v
from shared.contract.events.models import Ref
from shared.delivery.model.errors import Conflict
from shared.delivery.mongo.database import Transaction
from shared.platform.web.auth import require_scope
from shared.platform.web.bodies import JsonBody
from shared.platform.web.caller import Principal
from shared.platform.web.problem import Problem

Claim = Literal[
    "name", "given_name", "family_name", "date_of_birth", "telephone", "email", "address", "postcode",
    "safe_to_text", "language", "interpreter", "reason", "risk", "sensitive_needs",
]  # fmt: skip
Purpose = Literal["caseload", "meeting", "message", "introduction", "plan", "directory"]
Person = dict[str, Any]

_FROM_NOTES = ("reason", "risk")
Locality = Annotated[str, Field(pattern=r"^[a-z-]{2,41}$")]
Subject = Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,120}$")]
"""Whom a service asks for: the subject of their token."""


class ClaimRequest(JsonBody):
    """Which fields of whom, and what for."""

    locality: Locality
    referrals: Annotated[list[Ref], Field(min_length=1, max_length=200)]
    fields: Annotated[list[Claim], Field(min_length=1)]
    purpose: Purpose
    on_behalf_of: Subject | None = None


class Claims(BaseModel):
    """Fields by referral; one that is not known is left out. `missing`: 404 never here, 410 erased."""

    people: dict[str, Person]
    missing: dict[str, Literal[404, 410]]


class NewNote(JsonBody):
    """Free text about a person, which belongs nowhere else."""

    locality: Locality
    kind: entries.NoteKind
    text: Annotated[str, Field(min_length=1, max_length=5000)]


class NoteKept(BaseModel):
    """Under which id a note is kept: what an event may carry."""

    note_id: str


class NotesRequest(JsonBody):
    """Which notes of which referral."""

    locality: Locality
    referral: Ref
    notes: Annotated[list[Ref], Field(min_length=1, max_length=200)]
    purpose: Purpose = "meeting"
    on_behalf_of: Subject | None = None


class Notes(BaseModel):
    """Texts by note id; one that is not of this referral is left out."""

    notes: dict[str, str]


Claimant = Annotated[Principal, Depends(require_scope("claims:read"))]
Writer = Annotated[Principal, Depends(require_scope("notes:write"))]
Reference = Annotated[Ref, Path()]


def claim_routes(desk: ReferralService) -> APIRouter:
    """The claim check and the notes, for services only."""
    router = APIRouter(prefix="/api/referral/v1", tags=["between services"])

    @router.post("/claims")
    async def claim(asked: ClaimRequest, caller: Claimant) -> Claims:
        """Fields of many people at once."""
        _allowed(caller, asked.locality)
        return await _claims(desk, caller, asked)

    @router.get("/claims/{referral_id}")
    async def claim_one(
        referral_id: Reference,
        caller: Claimant,
        locality: Annotated[Locality, Query()],
        fields: Annotated[list[Claim], Query(min_length=1)],
        purpose: Annotated[Purpose, Query()],
    ) -> Person:
        """Fields of one person: 404 where the referral is not known here, 410 where they were erased."""
        _allowed(caller, locality)
        whole = {"locality": locality, "referrals": [referral_id], "fields": fields, "purpose": purpose}
        asked = ClaimRequest.model_validate(whole)
        found = await _claims(desk, caller, asked)
        if referral_id in found.missing:
            raise _missing(found.missing[referral_id])
        return found.people[referral_id]

    @router.post("/referrals/{referral_id}/notes", status_code=201)
    async def keep_note(
        referral_id: Reference,
        note: NewNote,
        caller: Writer,
        key: Annotated[str | None, Header(alias="Idempotency-Key", pattern=r"^[\x21-\x7e]{1,200}$")] = None,
    ) -> NoteKept:
        """Keep a text under the person's key."""
        _allowed(caller, note.locality)
        repeat = f"{caller.subject}|{referral_id}|{key}" if key else None
        return NoteKept(note_id=await _keep(desk, referral_id, note, repeat))

    @router.post("/notes/read")
    async def read_notes(asked: NotesRequest, caller: Claimant) -> Notes:
        """The texts of notes."""
        _allowed(caller, asked.locality)
        entry, key = await _held(desk, desk.kernel.mongo, asked.locality, asked.referral)
        await desk.audits.reads(caller, "read_notes", [entry.person], asked.purpose, asked.on_behalf_of)
        found = await entries.notes(desk.kernel.mongo, asked.locality, [asked.referral], ids=asked.notes)
        mine = [note for note in found.get(asked.referral, []) if note.person == entry.person]
        return Notes(notes={note.id: entries.note_text(note, key) for note in mine})

    return router


async def _claims(desk: ReferralService, caller: Principal, asked: ClaimRequest) -> Claims:
    mongo, locality = desk.kernel.mongo, asked.locality
    held = await entries.entries(mongo, locality, asked.referrals)
    keys = await desk.persons.keys(mongo, {entry.person for entry in held.values()})
    held = {referral: entry for referral, entry in held.items() if entry.person in keys}
    absent = [referral for referral in asked.referrals if referral not in held]
    erased = await erasing.erased_among(mongo, locality, absent)
    # Written down before anything is opened: what cannot be audited is not shown.
    persons = sorted({entry.person for entry in held.values()})
    await desk.audits.reads(caller, "claim", persons, asked.purpose, asked.on_behalf_of)
    details = await desk.persons.details_of_referrals(mongo, held.values(), PERSON_FIELDS)
    unsafe = await desk.persons.unsafe(mongo, persons)
    kinds = [kind for kind in _FROM_NOTES if kind in asked.fields]
    texts = await entries.notes(mongo, locality, list(held), kinds=kinds) if kinds else {}
    people: dict[str, Person] = {}
    for referral, entry in held.items():
        key = keys[entry.person]
        known = _known(details.get(referral, {}))
        if known.get("telephone") in unsafe.get(entry.person, ()):
            known["safe_to_text"] = v.SafeToText.RING.value  # whatever was said since: never again
        known["sensitive_needs"] = entries.sensitive_needs(entry, key)
        known |= _latest(texts.get(referral, []), key)
        people[referral] = {field: known[field] for field in asked.fields if field in known}
    return Claims(people=people, missing={r: 410 if r in erased else 404 for r in absent})


def _known(details: Mapping[str, str]) -> dict[str, Any]:
    known: dict[str, Any] = dict(details)
    if "family_name" in known:
        names = (known.get("given_name"), known["family_name"])
        known["name"] = " ".join(name for name in names if name)
    if "house" in known:
        known["address"] = known["house"]
    if "interpreter" in known:
        known["interpreter"] = known["interpreter"] == "yes"
    return known


def _latest(notes: list[entries.Note], key: PersonKey) -> dict[str, str]:
    return {note.kind: entries.note_text(note, key) for note in notes}


async def _keep(desk: ReferralService, referral_id: str, note: NewNote, repeat: str | None) -> str:
    text, note_id, now = plain_text(note.text), desk.new_reference(), desk.kernel.clock()

    async def work(tx: Transaction) -> str:
        _, key = await _held(desk, tx, note.locality, referral_id)
        if repeat is not None and (kept := await _repeated(tx, repeat, key, text)):
            return kept
        await entries.insert_note(
            tx, key, (note.locality, referral_id), note_id, note.kind, text, now, repeat
        )
        return note_id

    try:
        return await desk.kernel.transact(work)
    except Conflict:
        return await desk.kernel.transact(work)  # the same request came twice at once: now it is kept


async def _repeated(tx: Transaction, repeat: str, key: PersonKey, text: str) -> str | None:
    kept = await entries.repeated_note(tx, repeat)
    if kept is None:
        return None
    if entries.note_text(kept, key) != text:
        raise Problem(
            422, code="idempotency_key", detail="This Idempotency-Key was used for another request."
        )
    return kept.id


async def _held(
    desk: ReferralService, source: Source, locality: str, referral_id: str
) -> tuple[entries.Entry, PersonKey]:
    entry = (await entries.entries(source, locality, [referral_id])).get(referral_id)
    key = await desk.persons.key(source, entry.person) if entry else None
    if entry is None or key is None:
        erased = await erasing.erased_among(source, locality, [referral_id])
        raise _missing(410 if referral_id in erased else 404)
    return entry, key


def _allowed(caller: Principal, locality: str) -> None:
    if not caller.may_locality(locality):
        raise Problem(403, code="locality", detail="Your token does not cover this locality.")


def _missing(status: int) -> Problem:
    return Problem(status, code="erased" if status == 410 else "no_such_referral")
