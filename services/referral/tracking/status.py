"""One referral for its reader: its stage, its history and, for those who may know, its person."""

from dataclasses import dataclass
from datetime import datetime

from services.referral.identity.context import ReferralContext
from services.referral.identity.people import DetailsLocation, details_location, read_people
from services.referral.identity.person import PersonDetails
from services.referral.identity.vault import entries
from services.referral.referral_state.queries import find_visible
from services.referral.tracking.history import HistoryEntry, history_of
from services.referral.tracking.plans import may_see_details
from shared.contract.events import vocabulary as v
from shared.delivery.mongo.database import Row
from shared.platform.web.principal import Principal


@dataclass(frozen=True, slots=True)
class ReturnDetails:
    """Reason and time of a return, and the link worker's note to the practice if the reader may see it."""

    reason: v.ReturnReason
    at: datetime
    note: str | None


@dataclass(frozen=True, slots=True)
class VisibleReferral:
    """A referral as its reader may see it."""

    row: Row
    person: PersonDetails | None
    kept: DetailsLocation
    needs: tuple[v.Need, ...]
    history: list[HistoryEntry]
    details_to_gp: v.Agreed
    returned: ReturnDetails | None = None


async def read_referral(
    context: ReferralContext, caller: Principal, referral_id: str, purpose: str = "status"
) -> VisibleReferral:
    """One referral. Audited if it shows the person. Raises a 404 Problem unless the caller may see it."""
    row = await find_visible(context.mongo, caller, referral_id)
    people = await read_people(context, caller, [row], purpose)
    facts = context.kernel.facts_of(row)
    locality = context.localities.by_slug[row["locality"]]
    created = context.kernel.definition.fold(facts).story.created
    needs = created.needs if created else ()
    return VisibleReferral(
        row=row,
        person=people.get(referral_id),
        kept=details_location(context, row),
        needs=tuple(need for need in v.Need if need in needs and need is not v.Need.SENSITIVE),
        history=history_of(facts, locality, details=may_see_details(caller, row)),
        details_to_gp=v.Agreed(row["view"]["details_to_gp"]),
        returned=await _return_details(context, caller, row),
    )


async def _return_details(context: ReferralContext, caller: Principal, row: Row) -> ReturnDetails | None:
    stored = row["view"]["returned"]
    if stored is None:
        return None
    reason, at, note = v.ReturnReason(stored["reason"]), stored["at"], stored["note"]
    return ReturnDetails(reason, at, await _note(context, caller, row, note) if note else None)


async def _note(context: ReferralContext, caller: Principal, row: Row, note: str) -> str | None:
    """The text of a note to the practice, if the caller is of that practice. Audited."""
    mongo, locality, referral = context.mongo, row["locality"], row["referral"]
    entry = (await entries.entries(mongo, locality, [referral])).get(referral)
    theirs = entry is not None and caller.role == "referrer" and caller.may_practice(entry.practice)
    key = await context.vault.key(mongo, entry.person) if entry is not None and theirs else None
    if entry is None or key is None:
        return None
    await context.audits.reads(caller, "read_notes", [entry.person], "status")
    found = await entries.notes(mongo, locality, [referral], ids=[note])
    texts = [each for each in found.get(referral, []) if each.person == entry.person]
    return entries.note_text(texts[0], key) if texts else None
