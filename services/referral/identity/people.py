"""Names and details of the people behind referrals, for readers who may see them."""

from collections.abc import Collection, Mapping
from typing import Literal

from services.referral.identity.context import ReferralContext
from services.referral.identity.person import PERSON_FIELDS, PersonDetails, person_of
from services.referral.identity.vault import entries
from shared.delivery.mongo.database import Row
from shared.platform.localities import OWN_VAULT
from shared.platform.web.principal import Principal
from shared.platform.web.service_client import ServiceUnavailable

DetailsLocation = Literal["here", "by_partner", "erased"]
_WITHOUT_NAME: Mapping[DetailsLocation, str] = {
    "here": "Name cannot be shown",
    "by_partner": "Name kept by the partner",
    "erased": "Details erased",
}


def details_location(context: ReferralContext, row: Row) -> DetailsLocation:
    """The vault that holds the details of a referral's person: ours or a partner's; or none any more."""
    if row["view"]["stage"] == "erased":
        return "erased"
    vault = context.localities.by_slug[row["locality"]].vault(row["view"]["source"] or "")
    return "here" if vault == OWN_VAULT else "by_partner"


async def read_people(
    context: ReferralContext, caller: Principal, rows: Collection[Row], purpose: str
) -> Mapping[str, PersonDetails]:
    """The people behind these referrals, by referral id. Audited.

    Referrals are left out if the caller may not know the person, or if the vault holds no details. The
    vault's own entry decides which practice made a referral, and casework's owner who the link worker is: an
    event decides neither. While casework's owner does not answer, a link worker reads no names.
    """
    if caller.role not in ("referrer", "link_worker"):
        return {}
    readable: dict[str, entries.Entry] = {}
    for locality in {row["locality"] for row in rows}:
        referrals = [row["referral"] for row in rows if row["locality"] == locality]
        found = await entries.entries(context.mongo, locality, referrals)
        theirs = await _theirs(context, caller, locality, found)
        readable |= {referral: found[referral] for referral in theirs}
    persons = sorted({entry.person for entry in readable.values()})
    await context.audits.reads(caller, "read_person", persons, purpose)
    details = await context.vault.details_of_referrals(context.mongo, readable.values(), PERSON_FIELDS)
    return {referral: person_of(known) for referral, known in details.items()}


async def _theirs(
    context: ReferralContext, caller: Principal, locality: str, found: Mapping[str, entries.Entry]
) -> Collection[str]:
    """Those of these referrals whose person the caller may know."""
    if caller.role == "referrer":
        return [referral for referral, entry in found.items() if caller.may_practice(entry.practice)]
    try:
        return (await context.opened_by(caller, locality, list(found))).own
    except ServiceUnavailable:
        return ()


async def name_for_page(context: ReferralContext, caller: Principal, row: Row) -> str:
    """The name of a referral's person, or the reason why the page cannot show it. Audited."""
    people = await read_people(context, caller, [row], "status")
    person = people.get(row["referral"])
    return person.name if person else _WITHOUT_NAME[details_location(context, row)]
