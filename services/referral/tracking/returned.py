"""Referrals that were sent back to a practice: which still wait for its answer, and which need none."""

from dataclasses import dataclass
from datetime import datetime

from services.referral.collections import FILED
from services.referral.identity.vault import entries
from services.referral.identity.vault.entries import entry_id
from services.referral.identity.vault.persons import PERSON_FIELDS, person_of
from services.referral.intake.schemas import ReferralRequest
from services.referral.intake.service import ReferralService
from services.referral.intake.validation import PersonDetails, ValidationFailed, check_route
from services.referral.tracking import queries as cases
from shared.contract.events import vocabulary as v
from shared.contract.events.models import ReferralCreated
from shared.contract.history import Stage
from shared.delivery.mongo.database import Mongo, Row
from shared.platform.web.caller import Principal
from shared.platform.web.problem import Problem


async def waiting(mongo: Mongo, caller: Principal) -> frozenset[str]:
    """Those of the caller's practices that were neither sent again nor filed, by referral id.

    A later referral of the same person is an answer too, whichever form it was made with.
    """
    seen, shown = cases.visible(caller), {"locality": 1, "referral": 1, "view.person": 1, "view.created": 1}
    back: list[Row] = (
        await mongo["referrals"].find(seen | {"view.stage": Stage.RETURNED}, shown).to_list(None)
    )
    if not back:
        return frozenset()
    ids = [row["referral"] for row in back]
    people = sorted({row["view"]["person"] for row in back})
    later = {"$or": [{"view.resends": {"$in": ids}}, {"view.person": {"$in": people}}]}
    others = await mongo["referrals"].find(seen | later, shown | {"view.resends": 1}).to_list(None)
    again = {row["view"]["resends"] for row in others}
    last = {row["view"]["person"]: row["view"]["created"] for row in sorted(others, key=_made)}
    names = [entry_id(row["locality"], row["referral"]) for row in back]
    filed = {row["_id"] async for row in mongo[FILED].find({"_id": {"$in": names}}, {"_id": 1})}
    return frozenset(
        row["referral"]
        for row, name in zip(back, names, strict=True)
        if row["referral"] not in again
        and name not in filed
        and last.get(row["view"]["person"], row["view"]["created"]) <= row["view"]["created"]
    )


async def sent_again(desk: ReferralService, caller: Principal, referral_id: str) -> bool:
    """Whether another referral answers this one."""
    wanted = cases.visible(caller) | {"view.resends": referral_id}
    return await desk.kernel.mongo["referrals"].find_one(wanted, {"_id": 1}) is not None


async def file(desk: ReferralService, caller: Principal, referral_id: str) -> None:
    """The practice has nothing to send again. Done twice it does nothing more. 404 and 409 Problems."""
    row = await returned(desk.kernel.mongo, caller, referral_id)
    name = entry_id(row["locality"], referral_id)
    filed = {"$setOnInsert": {"by": caller.subject, "at": desk.kernel.clock()}}
    await desk.kernel.mongo[FILED].update_one({"_id": name}, filed, upsert=True)


async def returned(mongo: Mongo, caller: Principal, referral_id: str) -> Row:
    """The document of a referral that was sent back. 404 where it is not there, 409 where it was not."""
    row = await cases.find_visible(mongo, caller, referral_id)
    if row["view"]["stage"] != Stage.RETURNED:
        raise Problem(409, code="not_sent_back", detail="This referral was not sent back, or is open again.")
    return row


def _made(row: Row) -> datetime:
    made: datetime = row["view"]["created"]
    return made


@dataclass(frozen=True, slots=True)
class Before:
    """What was typed on a referral that was sent back, as far as it is kept here."""

    person: PersonDetails
    created: ReferralCreated
    sensitive: tuple[v.SensitiveNeed, ...]
    reason: str | None
    risk_line: str | None


async def before(desk: ReferralService, caller: Principal, row: Row) -> Before:
    """All that was typed, to be sent again. Audited. 409 where it is kept by a partner, or erased."""
    mongo, locality, referral = desk.kernel.mongo, row["locality"], row["referral"]
    entry = (await entries.entries(mongo, locality, [referral])).get(referral)
    key = await desk.persons.key(mongo, entry.person) if entry else None
    created = desk.kernel.definition.fold(desk.kernel.facts_of(row)).story.created
    if entry is None or key is None or created is None or not caller.may_practice(entry.practice):
        raise Problem(409, code="kept_by_partner", detail="The details of this referral are not kept here.")
    await desk.audits.reads(caller, "read_person", [entry.person], "referring")
    await desk.audits.reads(caller, "read_notes", [entry.person], "referring")
    details = await desk.persons.details_of_referrals(mongo, [entry], PERSON_FIELDS)
    found = await entries.notes(mongo, locality, [referral], kinds=["reason", "risk"])
    texts = {note.kind: entries.note_text(note, key) for note in found.get(referral, [])}
    sensitive = tuple(v.SensitiveNeed(need) for need in entries.sensitive_needs(entry, key))
    return Before(person_of(details[referral]), created, sensitive, texts.get("reason"), texts.get("risk"))


async def whole(desk: ReferralService, caller: Principal, asked: ReferralRequest) -> ReferralRequest:
    """What a form sends again, with what the form does not show of the referral that it answers."""
    if asked.resends is None:
        return asked
    row = await returned(desk.kernel.mongo, caller, asked.resends)
    then = await before(desk, caller, row)
    kept = {
        "sensitive_needs": list(then.sensitive),
        "email": then.person.email,
        "route": _route(caller, then),
    }
    return asked.model_copy(update=kept)


def _route(caller: Principal, then: Before) -> v.Route:
    """As it came the first time, where whoever sends it again may say so."""
    try:
        check_route(caller.role, then.created.route)
    except ValidationFailed:
        return v.Route.PRACTICE
    return then.created.route
