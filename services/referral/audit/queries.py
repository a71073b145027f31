"""Collects the audit of a record from all services."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.referral.audit.record import PAGE, Line, RecordAudit, merged
from services.referral.clients.audit import AuditClient
from services.referral.identity.blind_index import find_by_number
from services.referral.identity.context import ReferralContext
from services.referral.referral_state.queries import find_visible, visible
from shared.delivery.audit.api import AuditAsked, entries_about
from shared.delivery.mongo.database import Row
from shared.delivery.unit_of_work.unit_of_work import REFERRALS
from shared.platform.people.nhs_number import parse_nhs_number
from shared.platform.people.refusals import NotAccepted
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem

PERSON: Final = "view.person"
_MAX_REFERRALS: Final = 100
_MAX_EXPORTED: Final = 20_000


@dataclass(frozen=True, slots=True)
class AskedRecord:
    """The record that a guardian asks about: a referral, or all referrals of its person."""

    row: Row
    referrals: tuple[str, ...]
    of_person: int

    @property
    def locality(self) -> str:
        """The locality of the record."""
        return str(self.row["locality"])


async def find_record(
    context: ReferralContext, caller: Principal, referral_id: str, *, whole_person: bool
) -> AskedRecord:
    """The record, if the caller may see it. Raises a 404 Problem."""
    row = await find_visible(context.mongo, caller, referral_id)
    which = visible(caller) | {"locality": row["locality"], PERSON: row["view"]["person"]}
    found = context.mongo[REFERRALS].find(which, {"referral": 1}).sort("view.created", -1)
    theirs = [str(each["referral"]) async for each in found.limit(_MAX_REFERRALS)]
    return AskedRecord(row, tuple(theirs) if whole_person else (referral_id,), len(theirs))


async def find_by_text(
    context: ReferralContext, caller: Principal, text: str, purpose: str
) -> tuple[str, bool] | None:
    """The referral of a reference, or the latest of the person with an NHS number, and which of both it was.

    Finding a person by number is audited before the answer.
    """
    try:
        number = parse_nhs_number(text)
    except NotAccepted:
        number = ""
    if not number:
        try:
            row = await find_visible(context.mongo, caller, text.lower())
        except Problem:
            return None
        return str(row["referral"]), False
    for locality in sorted(caller.localities):
        if locality not in context.localities.by_slug:
            continue
        found = await find_by_number(context.mongo, context.vault.index(locality), number)
        if found is None:
            continue
        await context.audits.reads(caller, "find_person", [found.person], purpose)
        which = visible(caller) | {"locality": locality, PERSON: found.person}
        rows = await context.mongo[REFERRALS].find(which).sort("view.created", -1).limit(1).to_list(None)
        if rows:
            return str(rows[0]["referral"]), True
    return None


async def read_page(
    context: ReferralContext,
    others: AuditClient,
    caller: Principal,
    record: AskedRecord,
    purpose: str,
    before: datetime | None = None,
    page: int = PAGE,
) -> RecordAudit:
    """A page of entries. Every service audits this reading before it answers."""
    asked = AuditAsked.model_validate(
        {
            "locality": record.locality,
            "referrals": record.referrals,
            "purpose": purpose,
            "before": before,
            "limit": page + 1,
        }
    )
    own, collected = await asyncio.gather(
        entries_about(context.kernel, caller, asked, PERSON),
        others.collect(asked.model_copy(update={"on_behalf_of": caller.subject})),
    )
    return merged({"referral": own.entries, **collected.entries}, collected.silent, page)


async def read_all(
    context: ReferralContext, others: AuditClient, caller: Principal, record: AskedRecord, purpose: str
) -> list[Line]:
    """Every entry, for an export. Raises a 503 Problem if a service does not answer."""
    await context.audits.reads(caller, "export_audit", record.referrals, purpose)
    lines: list[Line] = []
    before: datetime | None = context.kernel.clock()
    while before is not None and len(lines) < _MAX_EXPORTED:
        found = await read_page(context, others, caller, record, purpose, before, 400)
        if found.silent:
            raise Problem(
                503,
                code="audit_incomplete",
                detail="A service does not answer, so the list would not be whole. Try again in a minute.",
            )
        lines += found.lines
        before = found.before
    if before is not None:
        raise Problem(413, code="audit_too_long", detail="Ask for one referral at a time.")
    return lines
