"""A returned referral as its practice first sent it, to be answered and sent again."""

from dataclasses import dataclass

from services.referral.identity.context import ReferralContext
from services.referral.identity.person import PERSON_FIELDS, PersonDetails, person_of
from services.referral.identity.vault import entries
from services.referral.intake.schemas import ReferralRequest
from services.referral.intake.validation import check_route
from services.referral.tracking.returned import find_returned
from services.referral.web.errors import ValidationFailed
from shared.contract.events import vocabulary as v
from shared.contract.events.models import ReferralCreated
from shared.delivery.mongo.database import Row
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem


@dataclass(frozen=True, slots=True)
class OriginalReferral:
    """The content of a returned referral, as far as our vault holds it."""

    person: PersonDetails
    created: ReferralCreated
    sensitive: tuple[v.SensitiveNeed, ...]
    reason: str | None
    risk_line: str | None


async def read_original(context: ReferralContext, caller: Principal, row: Row) -> OriginalReferral:
    """The content of a returned referral. Audited. 409 Problem if a partner keeps it or it was erased.

    Raises NotOwner if the referral could not be sent again from here.
    """
    mongo, locality, referral = context.mongo, row["locality"], row["referral"]
    context.require_ours(locality)
    entry = (await entries.entries(mongo, locality, [referral])).get(referral)
    key = await context.vault.key(mongo, entry.person) if entry else None
    created = context.kernel.definition.fold(context.kernel.facts_of(row)).story.created
    if entry is None or key is None or created is None or not caller.may_practice(entry.practice):
        raise Problem(409, code="kept_by_partner", detail="The details of this referral are not kept here.")
    await context.audits.reads(caller, "read_person", [entry.person], "referring")
    await context.audits.reads(caller, "read_notes", [entry.person], "referring")
    details = await context.vault.details_of_referrals(mongo, [entry], PERSON_FIELDS)
    found = await entries.notes(mongo, locality, [referral], kinds=["reason", "risk"])
    texts = {note.kind: entries.note_text(note, key) for note in found.get(referral, [])}
    return OriginalReferral(
        person=person_of(details[referral]),
        created=created,
        sensitive=tuple(v.SensitiveNeed(need) for need in entries.sensitive_needs(entry, key)),
        reason=texts.get("reason"),
        risk_line=texts.get("risk"),
    )


async def complete(context: ReferralContext, caller: Principal, request: ReferralRequest) -> ReferralRequest:
    """The request with the fields of the returned referral that the form does not show."""
    if request.resends is None:
        return request
    row = await find_returned(context.mongo, caller, request.resends)
    original = await read_original(context, caller, row)
    hidden = {
        "sensitive_needs": list(original.sensitive),
        "email": original.person.email,
        "route": _route(caller, original),
    }
    return request.model_copy(update=hidden)


def _route(caller: Principal, original: OriginalReferral) -> v.Route:
    """The route of the returned referral, if the caller may use it."""
    try:
        check_route(caller.role, original.created.route)
    except ValidationFailed:
        return v.Route.PRACTICE
    return original.created.route
