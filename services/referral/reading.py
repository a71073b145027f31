"""Reading one referral: its status, its history and, for those who may know, who it is."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from services.referral import cases
from services.referral.checks import Person
from services.referral.desk import Desk
from services.referral.history import Happening, history
from services.referral.vault import entries
from services.referral.vault.persons import PERSON_FIELDS, person_of
from shared.delivery.mongo import Row
from shared.events import vocabulary as v
from shared.localities import OWN_VAULT
from shared.web.caller import Caller

Kept = Literal["here", "by_partner", "erased"]


@dataclass(frozen=True, slots=True)
class Shown:
    """A referral as its reader may see it."""

    row: Row
    person: Person | None
    kept: Kept
    needs: tuple[v.Need, ...]
    history: list[Happening]


async def read(desk: Desk, caller: Caller, referral_id: str, purpose: str = "status") -> Shown:
    """One referral. Audited where it shows who it is. 404 Problem where the caller may not see it."""
    row = await cases.one(desk.kernel.mongo, caller, referral_id)
    locality = row["locality"]
    people = await names(desk, caller, [row], purpose)
    facts = desk.kernel.facts_of(row)
    place = desk.localities.by_slug[locality]
    created = desk.kernel.part.fold(facts).story.created
    needs = created.needs if created else ()
    return Shown(
        row=row,
        person=people.get(referral_id),
        kept=kept(desk, row),
        needs=tuple(need for need in v.Need if need in needs and need is not v.Need.SENSITIVE),
        history=history(facts, place.rank),
    )


def kept(desk: Desk, row: Row) -> Kept:
    """Where the details of a referral's person are."""
    if row["view"]["stage"] == "erased":
        return "erased"
    vault = desk.localities.by_slug[row["locality"]].vault(row["view"]["source"] or "")
    return "here" if vault == OWN_VAULT else "by_partner"


async def names(desk: Desk, caller: Caller, rows: Collection[Row], purpose: str) -> Mapping[str, Person]:
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
