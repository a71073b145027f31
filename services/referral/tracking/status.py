"""Reading one referral: its status, its history and, for those who may know, who it is."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from services.referral.identity.vault import entries
from services.referral.identity.vault.persons import PERSON_FIELDS, person_of
from services.referral.intake.service import ReferralService
from services.referral.intake.validation import PersonDetails
from services.referral.tracking import queries as cases
from services.referral.tracking.history import HistoryEntry, history_of
from services.referral.tracking.plans import may_see_details
from shared.contract.events import vocabulary as v
from shared.delivery.mongo.database import Row
from shared.platform.localities import OWN_VAULT
from shared.platform.web.caller import Principal

DetailsLocation = Literal["here", "by_partner", "erased"]


@dataclass(frozen=True, slots=True)
class VisibleReferral:
    """A referral as its reader may see it."""

    row: Row
    person: PersonDetails | None
    kept: DetailsLocation
    needs: tuple[v.Need, ...]
    history: list[HistoryEntry]
    details_to_gp: v.Agreed
    returned: "ReturnDetails | None" = None


@dataclass(frozen=True, slots=True)
class ReturnDetails:
    """Why a referral was sent back, and what the link worker wrote to the practice, where it can be shown."""

    reason: v.ReturnReason
    at: datetime
    note: str | None


async def read_referral(
    desk: ReferralService, caller: Principal, referral_id: str, purpose: str = "status"
) -> VisibleReferral:
    """One referral. Audited where it shows who it is. 404 Problem where the caller may not see it."""
    row = await cases.find_visible(desk.kernel.mongo, caller, referral_id)
    locality = row["locality"]
    people = await read_names(desk, caller, [row], purpose)
    facts = desk.kernel.facts_of(row)
    place = desk.localities.by_slug[locality]
    created = desk.kernel.definition.fold(facts).story.created
    needs = created.needs if created else ()
    return VisibleReferral(
        row=row,
        person=people.get(referral_id),
        kept=details_location(desk, row),
        needs=tuple(need for need in v.Need if need in needs and need is not v.Need.SENSITIVE),
        history=history_of(facts, place.rank, details=may_see_details(caller, row)),
        details_to_gp=v.Agreed(row["view"]["details_to_gp"]),
        returned=await _returned(desk, caller, row),
    )


async def _returned(desk: ReferralService, caller: Principal, row: Row) -> ReturnDetails | None:
    back = row["view"]["returned"]
    if back is None:
        return None
    reason, at, note = v.ReturnReason(back["reason"]), back["at"], back["note"]
    return ReturnDetails(reason, at, await _note(desk, caller, row, note) if note else None)


async def _note(desk: ReferralService, caller: Principal, row: Row, note: str) -> str | None:
    """A note that was written to the practice. Audited."""
    mongo, locality, referral = desk.kernel.mongo, row["locality"], row["referral"]
    entry = (await entries.entries(mongo, locality, [referral])).get(referral)
    theirs = entry is not None and caller.role == "referrer" and caller.may_practice(entry.practice)
    key = await desk.persons.key(mongo, entry.person) if entry is not None and theirs else None
    if entry is None or key is None:
        return None
    await desk.audits.reads(caller, "read_notes", [entry.person], "status")
    found = await entries.notes(mongo, locality, [referral], ids=[note])
    texts = [each for each in found.get(referral, []) if each.person == entry.person]
    return entries.note_text(texts[0], key) if texts else None


def details_location(desk: ReferralService, row: Row) -> DetailsLocation:
    """Where the details of a referral's person are."""
    if row["view"]["stage"] == "erased":
        return "erased"
    vault = desk.localities.by_slug[row["locality"]].vault(row["view"]["source"] or "")
    return "here" if vault == OWN_VAULT else "by_partner"


async def read_names(
    desk: ReferralService, caller: Principal, rows: Collection[Row], purpose: str
) -> Mapping[str, PersonDetails]:
    """Who these referrals are about, by referral id, as far as the caller may know and we do. Audited.

    The vault's own record of the practice decides, not what somebody said on the bus.
    """
    if caller.role not in ("referrer", "link_worker"):
        return {}
    found: dict[str, entries.Entry] = {}
    for locality in {row["locality"] for row in rows}:
        referrals = [row["referral"] for row in rows if row["locality"] == locality]
        held = await entries.entries(desk.kernel.mongo, locality, referrals)
        found |= {
            referral: entry
            for referral, entry in held.items()
            if caller.role == "link_worker" or caller.may_practice(entry.practice)
        }
    persons = sorted({entry.person for entry in found.values()})
    await desk.audits.reads(caller, "read_person", persons, purpose)
    details = await desk.persons.details_of_referrals(desk.kernel.mongo, found.values(), PERSON_FIELDS)
    return {referral: person_of(known) for referral, known in details.items()}
