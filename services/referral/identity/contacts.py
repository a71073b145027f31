"""A person's telephone number and whether messages to it are safe, changed while a referral is open.

The practice that referred, the link worker and a colleague who covers the case may change them. The vault
keeps the old value with its author and time. A number that was reported as not safe is never texted about
that person again.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from services.referral.identity import commands
from services.referral.identity.blind_index import note_change
from services.referral.identity.context import ReferralContext
from services.referral.identity.find.index import replace_terms
from services.referral.identity.find.terms import TERM_FIELDS
from services.referral.identity.matching import NUMBER_NOT_SAFE
from services.referral.identity.vault import entries
from services.referral.identity.vault.persons import PastValue
from services.referral.referral_state.queries import find_in_localities, find_visible
from services.referral.referral_state.state import NotOpen, ReferralState
from services.referral.web.errors import ValidationFailed
from shared.contract.events import vocabulary as v
from shared.delivery.model.decision import Decision, DecisionContext
from shared.delivery.mongo.database import Row, Transaction
from shared.delivery.unit_of_work.commands import Idempotency
from shared.platform.people.refusals import NotAccepted
from shared.platform.people.telephone import can_be_texted, parse_telephone
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem
from shared.platform.web.service_client import ServiceUnavailable
from shared.platform.web.validation import FieldError

FIELDS = ("telephone", "safe_to_text")


@dataclass(frozen=True, slots=True)
class ContactChoice:
    """A telephone number in E.164, or none, and whether messages to it are safe."""

    telephone: str | None
    safe_to_text: v.SafeToText


@dataclass(frozen=True, slots=True)
class ContactDetails:
    """The contact of a referral's person. `unsafe`: numbers that are never texted about this person.

    `earlier` holds replaced values, latest first.
    """

    row: Row
    entry: entries.Entry
    name: str
    contact: ContactChoice
    unsafe: frozenset[str]
    earlier: list[PastValue]


async def read_contact(context: ReferralContext, caller: Principal, referral_id: str) -> ContactDetails:
    """The contact of a referral's person. Audited. 404 Problem, and 409 if a partner keeps the details.

    503 for a link worker while casework's owner does not say whose the case is.
    """
    row, purpose = await _readable(context, caller, referral_id)
    entry = await _entry(context, caller, row)
    mongo, person = context.mongo, entry.person
    await context.audits.reads(caller, "read_contact", [person], purpose)
    fields = [*FIELDS, "given_name", "family_name"]
    details = (await context.vault.details_of_referrals(mongo, [entry], fields)).get(referral_id, {})
    past = await context.vault.past(mongo, person, FIELDS)
    return ContactDetails(
        row=row,
        entry=entry,
        name=" ".join(details[part] for part in ("given_name", "family_name") if part in details),
        contact=_contact(details),
        unsafe=(await context.vault.unsafe(mongo, [person])).get(person, frozenset()),
        earlier=list(reversed(past)),
    )


def validate_contact(
    before: ContactDetails, telephone: str | None, safe: v.SafeToText | None
) -> ContactChoice:
    """The given values in normal form. Raises ValidationFailed with all errors at once."""
    errors: list[FieldError] = []
    number = None
    if telephone is not None:
        try:
            number = parse_telephone(telephone)
        except NotAccepted as refused:
            errors.append(FieldError("/telephone", refused.code, str(refused)))
    if safe is None:
        errors.append(FieldError("/safe_to_text", "missing", "Choose whether it is safe to text"))
    elif telephone is None and safe is not v.SafeToText.NOT_KNOWN:
        sentence = "Enter a telephone number; if there is none, choose “Not known” under “Safe to text?”"
        errors.append(FieldError("/telephone", "missing", sentence))
    elif number and safe is v.SafeToText.YES and not can_be_texted(number):
        sentence = "This number takes no texts: enter a mobile number or choose “No, ring”"
        errors.append(FieldError("/telephone", "telephone_no_texts", sentence))
    elif number and safe is v.SafeToText.YES and number in before.unsafe:
        errors.append(FieldError("/safe_to_text", "number_not_safe", NUMBER_NOT_SAFE))
    if errors or safe is None:
        raise ValidationFailed(errors)
    return ContactChoice(number, safe)


async def change_contact(
    context: ReferralContext,
    caller: Principal,
    before: ContactDetails,
    choice: ContactChoice,
    *,
    old_is_unsafe: bool,
    idempotency: Idempotency | None = None,
) -> None:
    """Changes the vault and publishes a code, in one transaction. 409 Problem if the referral has ended.

    Raises NotOwner if another owner of referral keeps the contact. A repeat is answered all the same.

    `old_is_unsafe` reports the previous number as not safe. “No, ring” reports the new number.
    """
    unsafe = {choice.telephone} if choice.safe_to_text is v.SafeToText.RING else set()
    if old_is_unsafe and before.contact.telephone != choice.telephone:
        unsafe.add(before.contact.telephone)

    def act(state: ReferralState, _: None, decision_context: DecisionContext) -> Decision:
        return commands.change_contact(choice.safe_to_text, state, decision_context)

    async def within(tx: Transaction, decision_context: DecisionContext) -> None:
        # A new number alone emits no fact by which the kernel would see whose part it is.
        context.require_ours(decision_context.locality)
        entry, by, at = before.entry, caller.subject, decision_context.now
        changes = {"telephone": choice.telephone, "safe_to_text": choice.safe_to_text.value}
        await context.vault.change(tx, entry, changes, by, at)
        await _index_anew(context, tx, entry)
        for number in sorted(number for number in unsafe if number is not None):
            await context.vault.report_unsafe(tx, entry.person, number, by, at)

    locality, referral = before.row["locality"], before.row["referral"]
    try:
        codes = [name for name in FIELDS if getattr(before.contact, name) != getattr(choice, name)]
        codes += ["old_number_unsafe"] if old_is_unsafe else []
        change = context.change(caller, "change_contact", locality, codes)
        await context.kernel.command(
            locality, referral, act, within=within, idempotency=idempotency, change=change
        )
    except NotOpen:
        raise Problem(409, code="already_ended", detail="This referral has ended already.") from None


async def _index_anew(context: ReferralContext, tx: Transaction, changed: entries.Entry) -> None:
    """Makes the person findable by the new telephone number, and no longer by the old one."""
    index = context.vault.index(changed.locality)
    held = await entries.entries(tx, changed.locality, [changed.referral])
    details = await context.vault.details_of_referrals(tx, held.values(), TERM_FIELDS)
    await replace_terms(tx, index, held[changed.referral], details[changed.referral])
    await note_change(tx, index, changed.person)


async def _readable(context: ReferralContext, caller: Principal, referral_id: str) -> tuple[Row, str]:
    """The referral, if the caller may read its contact, and the purpose of reading for the audit."""
    if caller.role != "link_worker":
        return await find_visible(context.mongo, caller, referral_id), "contact"
    row = await find_in_localities(context.mongo, caller, referral_id)
    try:
        cases = await context.opened_by(caller, row["locality"], [referral_id])
    except ServiceUnavailable:
        detail = "It cannot be checked whose case this is just now. Try again in a minute."
        raise Problem(503, code="casework_away", detail=detail) from None
    if referral_id in cases.own and row["view"]["link_worker"] == caller.link_worker:
        return row, "contact"
    if referral_id in cases.covered:
        return row, "cover"
    raise Problem(404, code="no_such_referral")


async def _entry(context: ReferralContext, caller: Principal, row: Row) -> entries.Entry:
    held = await entries.entries(context.mongo, row["locality"], [row["referral"]])
    entry = held.get(row["referral"])
    if entry is None or (caller.role == "referrer" and not caller.may_practice(entry.practice)):
        raise Problem(409, code="kept_by_partner", detail="The details of this referral are not kept here.")
    return entry


def _contact(details: Mapping[str, str]) -> ContactChoice:
    return ContactChoice(
        details.get("telephone"), v.SafeToText(details.get("safe_to_text", v.SafeToText.NOT_KNOWN.value))
    )
