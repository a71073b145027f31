"""Finding the same person again without keeping who they are."""

from dataclasses import dataclass

from pymongo import UpdateOne

from services.referral.collections import Source, session_of
from services.referral.identity.vault.keys import BlindIndex
from services.referral.intake.validation import PersonDetails
from shared.delivery.mongo.database import Transaction

LOOKUPS = "lookups"


@dataclass(frozen=True, slots=True)
class IndexedPerson:
    """A person known under an NHS number, and how often that entry was written."""

    person: str
    version: int


async def find_by_number(source: Source, index: BlindIndex, nhs_number: str) -> IndexedPerson | None:
    """Who is known under this NHS number in the index's locality."""
    row = await source[LOOKUPS].find_one({"_id": index.by_number(nhs_number)}, session=session_of(source))
    return IndexedPerson(row["person"], row["v"]) if row else None


async def find_by_likeness(source: Source, index: BlindIndex, person: PersonDetails) -> list[str]:
    """Who has the same name, date of birth and postcode: perhaps, not surely, the same person."""
    digest = _likeness(index, person)
    found = source[LOOKUPS].find({"digest": digest}, session=session_of(source))
    return [row["person"] async for row in found]


async def index_person(tx: Transaction, index: BlindIndex, reference: str, person: PersonDetails) -> None:
    """Lets the person be found again.

    The entry of an NHS number is written each time, so that of two transactions which refer one person at
    once only one can commit: a second entry of the same number is refused by its key, a second write of one
    entry is a conflict.
    """
    digest = _likeness(index, person)
    writes = [
        UpdateOne(
            {"_id": f"{digest}/{reference}"},
            {"$set": {"digest": digest, "person": reference, "locality": index.locality}},
            upsert=True,
        )
    ]
    if person.nhs_number is not None:
        find_by_number = UpdateOne(
            {"_id": index.by_number(person.nhs_number), "person": reference},
            {"$inc": {"v": 1}, "$setOnInsert": {"locality": index.locality}},
            upsert=True,
        )
        writes.append(find_by_number)
    await tx[LOOKUPS].bulk_write(writes, session=tx.session)


def _likeness(index: BlindIndex, person: PersonDetails) -> str:
    return index.by_likeness(
        person.given_name or "", person.family_name, person.date_of_birth, person.postcode
    )
