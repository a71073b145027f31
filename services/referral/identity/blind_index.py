"""Finds a person again by NHS number or by likeness, without storing either."""

from collections.abc import Mapping
from dataclasses import dataclass

from pymongo import UpdateOne

from services.referral.collections import KEYS, LOOKUPS, Source, session_of
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
    digests = list(index.number_by_key(nhs_number).values())
    found = source[LOOKUPS].find({"_id": {"$in": digests}}, session=session_of(source))
    rows = {row["_id"]: row async for row in found}
    held = [rows[digest] for digest in digests if digest in rows]
    if not held:
        return None
    person = held[0]["person"]
    return IndexedPerson(person, sum(row["v"] for row in held if row["person"] == person))


async def find_by_likeness(source: Source, index: BlindIndex, person: PersonDetails) -> list[str]:
    """People with the same name, date of birth and postcode: perhaps, not surely, the same person."""
    digests = list(_likeness(index, person).values())
    found = source[LOOKUPS].find({"digest": {"$in": digests}}, session=session_of(source))
    return list(dict.fromkeys([row["person"] async for row in found]))


async def index_person(
    tx: Transaction, index: BlindIndex, reference: str, person: PersonDetails, *, new: bool
) -> None:
    """Adds a person to the index, under each of its keys. `new`: the vault has just made their key.

    Each referral writes the entries of its NHS number, so only one of two simultaneous ones can commit.
    A second entry of one number violates its key. A second write of one entry is a conflict. Processes of
    which one has an index key more than the other share the other keys, and so conflict all the same.
    """
    writes = likeness_writes(index.locality, reference, _likeness(index, person))
    if person.nhs_number is not None:
        writes += number_writes(index.locality, reference, index.number_by_key(person.nhs_number), 1)
    await tx[LOOKUPS].bulk_write(writes, session=tx.session)
    if not new:
        await note_change(tx, index, reference)


async def note_change(tx: Transaction, index: BlindIndex, reference: str) -> None:
    """Notes that a person's digests were written under the keys that this process has, and no others.

    Earlier digests may lack a key that this process has, and these lack one that it has not. The count makes
    this a conflict with a rotation that has read the digests before.
    """
    change = {"$inc": {"indexings": 1}, "$pull": {"indexed": {"$nin": list(index.ids)}}}
    await tx[KEYS].update_one({"_id": reference}, change, session=tx.session)


def likeness_writes(locality: str, reference: str, digests: Mapping[str, str]) -> list[UpdateOne]:
    """Writes of a person's entries by likeness, a digest for each key's id."""
    return [
        UpdateOne(
            {"_id": f"{digest}/{reference}"},
            {"$set": {"digest": digest, "person": reference, "locality": locality, "key": key}},
            upsert=True,
        )
        for key, digest in digests.items()
    ]


def number_writes(locality: str, reference: str, digests: Mapping[str, str], count: int) -> list[UpdateOne]:
    """Writes of a person's entries by NHS number, a digest for each key's id. `count` joins their counts."""
    return [
        UpdateOne(
            {"_id": digest, "person": reference},
            {"$inc": {"v": count}, "$set": {"locality": locality, "key": key}},
            upsert=True,
        )
        for key, digest in digests.items()
    ]


def _likeness(index: BlindIndex, person: PersonDetails) -> dict[str, str]:
    return index.likeness_by_key(
        person.given_name or "", person.family_name, person.date_of_birth, person.postcode
    )
