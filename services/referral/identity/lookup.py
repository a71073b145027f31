"""Reads of the vault by other services at the moment of use: people and notes. Every read is audited."""

from collections.abc import Mapping
from typing import Any

from services.referral.collections import Source
from services.referral.identity.context import ReferralContext
from services.referral.identity.erasure import erased_among
from services.referral.identity.person import PERSON_FIELDS, plain_text
from services.referral.identity.schemas import ClaimRequest, NewNote, NotesRequest
from services.referral.identity.vault import entries
from services.referral.identity.vault.keys import PersonKey
from shared.contract.api.referral import ClaimedFields, Claims
from shared.contract.events import vocabulary as v
from shared.delivery.model.errors import Conflict
from shared.delivery.mongo.database import Transaction
from shared.platform.web.audit import Change
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem

_FROM_NOTES = ("reason", "risk")


async def read_claims(context: ReferralContext, caller: Principal, request: ClaimRequest) -> Claims:
    """Fields of the people behind these referrals. Audited before anything is decrypted."""
    mongo, locality = context.mongo, request.locality
    found = await entries.entries(mongo, locality, request.referrals)
    keys = await context.vault.keys(mongo, {entry.person for entry in found.values()})
    held = {referral: entry for referral, entry in found.items() if entry.person in keys}
    absent = [referral for referral in request.referrals if referral not in held]
    erased = await erased_among(mongo, locality, absent)
    persons = sorted({entry.person for entry in held.values()})
    await context.audits.reads(caller, "claim", persons, request.purpose, request.on_behalf_of)
    details = await context.vault.details_of_referrals(mongo, held.values(), PERSON_FIELDS)
    unsafe = await context.vault.unsafe(mongo, persons)
    kinds = [kind for kind in _FROM_NOTES if kind in request.fields]
    texts = await entries.notes(mongo, locality, list(held), kinds=kinds) if kinds else {}
    people: dict[str, ClaimedFields] = {}
    for referral, entry in held.items():
        key = keys[entry.person]
        known = _claimable(details.get(referral, {}))
        if known.get("telephone") in unsafe.get(entry.person, ()):
            # A later statement does not make a reported number safe again.
            known["safe_to_text"] = v.SafeToText.RING.value
        known["sensitive_needs"] = entries.sensitive_needs(entry, key)
        known |= _latest_texts(texts.get(referral, []), key)
        people[referral] = {field: known[field] for field in request.fields if field in known}
    return Claims(people=people, missing={r: 410 if r in erased else 404 for r in absent})


async def store_note(
    context: ReferralContext, caller: Principal, referral_id: str, note: NewNote, key: str | None
) -> str:
    """Stores a text under the person's key and gives the note's id. A repeated request gives the same id."""
    text, note_id, now = plain_text(note.text), context.new_reference(), context.kernel.clock()
    repeat = f"{caller.subject}|{referral_id}|{key}" if key else None

    codes = (f"kind={note.kind}",)
    author = Change(caller, "store_note", "", codes, note.locality, referral_id)

    async def work(tx: Transaction) -> str:
        _, person_key = await _entry_and_key(context, tx, note.locality, referral_id)
        if repeat is not None and (stored := await _repeated(tx, repeat, person_key, text)):
            return stored
        where = (note.locality, referral_id)
        await entries.insert_note(tx, person_key, where, note_id, note.kind, text, now, repeat)
        await context.kernel.audit.write(tx, author)
        return note_id

    try:
        return await context.kernel.transact(work)
    except Conflict:
        return await context.kernel.transact(work)  # Two equal requests at once: one of them stored it.


async def read_notes(context: ReferralContext, caller: Principal, request: NotesRequest) -> dict[str, str]:
    """Texts of a referral's notes, by note id. Audited."""
    entry, key = await _entry_and_key(context, context.mongo, request.locality, request.referral)
    await context.audits.reads(caller, "read_notes", [entry.person], request.purpose, request.on_behalf_of)
    found = await entries.notes(context.mongo, request.locality, [request.referral], ids=request.notes)
    own = [note for note in found.get(request.referral, []) if note.person == entry.person]
    return {note.id: entries.note_text(note, key) for note in own}


def missing(status: int) -> Problem:
    """The 410 Problem of an erased person, or the 404 Problem of an unknown referral."""
    return Problem(status, code="erased" if status == 410 else "no_such_referral")


def _claimable(details: Mapping[str, str]) -> ClaimedFields:
    known: dict[str, Any] = dict(details)
    if "family_name" in known:
        names = (known.get("given_name"), known["family_name"])
        known["name"] = " ".join(name for name in names if name)
    if "house" in known:
        known["address"] = known["house"]
    if "interpreter" in known:
        known["interpreter"] = known["interpreter"] == "yes"
    return known


def _latest_texts(notes: list[entries.Note], key: PersonKey) -> dict[str, str]:
    return {note.kind: entries.note_text(note, key) for note in notes}


async def _repeated(tx: Transaction, repeat: str, key: PersonKey, text: str) -> str | None:
    stored = await entries.repeated_note(tx, repeat)
    if stored is None:
        return None
    if entries.note_text(stored, key) != text:
        detail = "This Idempotency-Key was used for another request."
        raise Problem(422, code="idempotency_key", detail=detail)
    return stored.id


async def _entry_and_key(
    context: ReferralContext, source: Source, locality: str, referral_id: str
) -> tuple[entries.Entry, PersonKey]:
    entry = (await entries.entries(source, locality, [referral_id])).get(referral_id)
    key = await context.vault.key(source, entry.person) if entry else None
    if entry is None or key is None:
        erased = await erased_among(source, locality, [referral_id])
        raise missing(410 if referral_id in erased else 404)
    return entry, key
