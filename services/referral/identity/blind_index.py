"""Finds a person again by NHS number or by likeness, without storing either."""

from dataclasses import dataclass

from pymongo import UpdateOne

from services.referral.collections import LOOKUPS, Source, session_of
from services.referral.identity.person import PersonDetails
from services.referral.identity.vault.keys import BlindIndex
from shared.delivery.mongo.database import Transaction


@dataclass(frozen=True, slots=True)
class IndexedPerson:
    """A person reference known under an NHS number, and a count of writes to that entry."""

    person: str
    version: int


async def find_by_number(source: Source, index: BlindIndex, nhs_number: str) -> IndexedPerson | None:
    """The person known under this NHS number in the index's locality."""
    row = await source[LOOKUPS].find_one({"_id": index.by_number(nhs_number)}, session=session_of(source))
    return IndexedPerson(row["person"], row["v"]) if row else None


async def find_by_likeness(source: Source, index: BlindIndex, person: PersonDetails) -> list[str]:
    """People with the same name, date of birth and postcode: perhaps, not surely, the same person."""
    digest = _likeness(index, person)
    found = source[LOOKUPS].find({"digest": digest}, session=session_of(source))
    return [row["person"] async for row in found]


async def index_person(tx: Transaction, index: BlindIndex, reference: str, person: PersonDetails) -> None:
    """Adds a person to the index.

    Each referral writes the entry of its NHS number, so only one of two simultaneous ones can commit.
    A second entry of one number violates its key. A second write of one entry is a conflict.
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
        by_number = UpdateOne(
            {"_id": index.by_number(person.nhs_number), "person": reference},
            {"$inc": {"v": 1}, "$setOnInsert": {"locality": index.locality}},
            upsert=True,
        )
        writes.append(by_number)
    await tx[LOOKUPS].bulk_write(writes, session=tx.session)


def _likeness(index: BlindIndex, person: PersonDetails) -> str:
    return index.by_likeness(
        person.given_name or "", person.family_name, person.date_of_birth, person.postcode
    )
