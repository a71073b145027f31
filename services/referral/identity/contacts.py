"""A person's telephone number and whether it is safe to text, changed while a referral is open.

Whoever has the case may say so: the practice that referred, or the link worker. The old value stays in the
vault with its author and time. A number that is reported as not safe is never texted about that person again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.referral.identity.matching import NUMBER_NOT_SAFE
from services.referral.identity.vault import entries
from services.referral.intake import commands as decisions
from services.referral.intake.service import ReferralService
from services.referral.intake.validation import ValidationFailed
from services.referral.referral_state.state import ReferralState
from services.referral.tracking import queries as cases
from shared.contract.events import vocabulary as v
from shared.delivery.model.decision import Decision, DecisionContext
from shared.delivery.mongo.database import Row, Transaction
from shared.delivery.unit_of_work.commands import Idempotency
from shared.platform.people.refusals import NotAccepted
from shared.platform.people.telephone import can_be_texted, parse_telephone
from shared.platform.web.caller import Principal
from shared.platform.web.problem import Problem
from shared.platform.web.validation import FieldError

FIELDS = ("telephone", "safe_to_text")


@dataclass(frozen=True, slots=True)
class ContactChoice:
    """A telephone number in E.164, or none, and whether it is safe to text it."""

    telephone: str | None
    safe_to_text: v.SafeToText


@dataclass(frozen=True, slots=True)
class PastContact:
    """A value that stood until then: `field` is telephone or safe_to_text. `by`, `at`: who gave it, when."""

    field: str
    text: str | None
    by: str | None
    at: datetime | None
    until: datetime


@dataclass(frozen=True, slots=True)
class ContactDetails:
    """What is known of how to reach the person of a referral."""

    row: Row
    entry: entries.Entry
    name: str
    contact: ContactChoice
    unsafe: frozenset[str]
    """Numbers that are never texted about this person."""
    earlier: list[PastContact]


async def read_contact(desk: ReferralService, caller: Principal, referral_id: str) -> ContactDetails:
    """How the person is reached. Audited. 404, and 409 where the details are not kept here."""
    row = await cases.find_visible(desk.kernel.mongo, caller, referral_id)
    entry = await _entry(desk, caller, row)
    mongo, person = desk.kernel.mongo, entry.person
    await desk.audits.reads(caller, "read_contact", [person], "contact")
    fields = [*FIELDS, "given_name", "family_name"]
    details = (await desk.persons.details_of_referrals(mongo, [entry], fields)).get(referral_id, {})
    past = await desk.persons.past(mongo, person, FIELDS)
    return ContactDetails(
        row=row,
        entry=entry,
        name=" ".join(details[part] for part in ("given_name", "family_name") if part in details),
        contact=_contact(details),
        unsafe=(await desk.persons.unsafe(mongo, [person])).get(person, frozenset()),
        earlier=[PastContact(old.field, old.text, old.by, old.at, old.until) for old in reversed(past)],
    )


def validate_contact(
    before: ContactDetails, telephone: str | None, safe: v.SafeToText | None
) -> ContactChoice:
    """What was typed, in normal forms. Raises NotTaken with all that is wrong with it at once."""
    wrong: list[FieldError] = []
    number = None
    if telephone is not None:
        try:
            number = parse_telephone(telephone)
        except NotAccepted as refused:
            wrong.append(FieldError("/telephone", refused.code, str(refused)))
    if safe is None:
        wrong.append(FieldError("/safe_to_text", "missing", "Choose whether it is safe to text"))
    elif telephone is None and safe is not v.SafeToText.NOT_KNOWN:
        sentence = "Enter a telephone number; if there is none, choose “Not known” under “Safe to text?”"
        wrong.append(FieldError("/telephone", "missing", sentence))
    elif number and safe is v.SafeToText.YES and not can_be_texted(number):
        sentence = "This number takes no texts: enter a mobile number or choose “No, ring”"
        wrong.append(FieldError("/telephone", "telephone_no_texts", sentence))
    elif number and safe is v.SafeToText.YES and number in before.unsafe:
        wrong.append(FieldError("/safe_to_text", "number_not_safe", NUMBER_NOT_SAFE))
    if wrong or safe is None:
        raise ValidationFailed(wrong)
    return ContactChoice(number, safe)


async def change_contact(
    desk: ReferralService,
    caller: Principal,
    before: ContactDetails,
    now: ContactChoice,
    *,
    old_is_unsafe: bool,
    idempotency: Idempotency | None = None,
) -> None:
    """Changes it, in one transaction with what everyone is told of it: a code. 409 where it has ended.

    `old_is_unsafe`: the number that stood until now is not safe. "No, ring" says so of the number it is for.
    """
    unsafe = {now.telephone} if now.safe_to_text is v.SafeToText.RING else set()
    if old_is_unsafe and before.contact.telephone != now.telephone:
        unsafe.add(before.contact.telephone)

    def act(view: ReferralState, _: None, context: DecisionContext) -> Decision:
        return decisions.change_contact(now.safe_to_text, view, context)

    async def within(tx: Transaction, context: DecisionContext) -> None:
        entry, by, at = before.entry, caller.subject, context.now
        changes = {"telephone": now.telephone, "safe_to_text": now.safe_to_text.value}
        await desk.persons.change(tx, entry, changes, by, at)
        for number in sorted(number for number in unsafe if number is not None):
            await desk.persons.report_unsafe(tx, entry.person, number, by, at)

    await desk.audits.reads(caller, "change_contact", [before.entry.person], "contact")
    locality, referral = before.row["locality"], before.row["referral"]
    try:
        await desk.kernel.command(locality, referral, act, within=within, idempotency=idempotency)
    except decisions.NotOpen:
        raise Problem(409, code="already_ended", detail="This referral has ended already.") from None


async def _entry(desk: ReferralService, caller: Principal, row: Row) -> entries.Entry:
    held = await entries.entries(desk.kernel.mongo, row["locality"], [row["referral"]])
    entry = held.get(row["referral"])
    if entry is None or (caller.role == "referrer" and not caller.may_practice(entry.practice)):
        raise Problem(409, code="kept_by_partner", detail="The details of this referral are not kept here.")
    return entry


def _contact(details: Mapping[str, str]) -> ContactChoice:
    return ContactChoice(
        details.get("telephone"), v.SafeToText(details.get("safe_to_text", v.SafeToText.NOT_KNOWN.value))
    )
