"""Erasing a person is erasing their key; everything that could lead to them goes with it."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from services.referral.collections import Source, session_of
from services.referral.identity.blind_index import LOOKUPS
from services.referral.identity.vault.entries import ENTRIES, NOTES, entries_of_person, entry_id
from services.referral.identity.vault.persons import KEYS, PEOPLE
from shared.delivery.mongo.database import Mongo, Row, Transaction
from shared.delivery.unit_of_work.commands import IDEMPOTENCY

ERASED = "erased"


@dataclass(frozen=True, slots=True)
class Tombstone:
    """That a person was erased: random references only. `untold`: referrals of which no event said so yet."""

    person: str
    locality: str
    referrals: tuple[str, ...]
    untold: tuple[str, ...]


async def erase(tx: Transaction, locality: str, person: str, now: datetime, by: str) -> Tombstone:
    """Deletes what is kept of a person and leaves a tombstone. Done twice it does nothing more."""
    standing = await tx[ERASED].find_one({"_id": person}, session=tx.session)
    if standing is not None:
        return _tombstone(standing)
    referrals = sorted(entry.referral for entry in await entries_of_person(tx, person))
    row = {
        "_id": person,
        "locality": locality,
        "referrals": referrals,
        "untold": referrals,
        "at": now,
        "by": by,
    }
    await tx[ERASED].insert_one(row, session=tx.session)
    stone = _tombstone(row)
    await _delete(tx, stone)
    return stone


async def mark_published(tx: Transaction, person: str, referral: str) -> None:
    """Notes that the event about this referral was said."""
    await tx[ERASED].update_one({"_id": person}, {"$pull": {"untold": referral}}, session=tx.session)


async def erased_among(source: Source, locality: str, referrals: list[str]) -> set[str]:
    """Which of these referrals are of an erased person."""
    wanted = {"locality": locality, "referrals": {"$in": referrals}}
    found = source[ERASED].find(wanted, session=session_of(source))
    return {referral async for row in found for referral in row["referrals"]} & set(referrals)


async def unfinished_erasures(mongo: Mongo) -> list[Tombstone]:
    """Erasures of which not every referral was told."""
    return [_tombstone(row) async for row in mongo[ERASED].find({"untold": {"$ne": []}})]


async def replay(mongo: Mongo) -> int:
    """After a restore: erases again whom the tombstones name. Gives how many had come back."""
    again = 0
    async for row in mongo[ERASED].find({}):
        stone = _tombstone(row)
        if await _came_back(mongo, stone.person):
            again += 1
            await mongo.transact(partial(_delete, stone=stone))
    return again


async def _came_back(mongo: Mongo, person: str) -> bool:
    wanted = [(KEYS, "_id"), (PEOPLE, "_id"), (LOOKUPS, "person"), (NOTES, "person"), (ENTRIES, "person")]
    found = [await mongo[collection].find_one({field: person}, {"_id": 1}) for collection, field in wanted]
    return any(row is not None for row in found)


async def _delete(tx: Transaction, stone: Tombstone) -> None:
    person = stone.person
    cases = [entry_id(stone.locality, referral) for referral in stone.referrals]
    await tx[KEYS].delete_one({"_id": person}, session=tx.session)
    await tx[PEOPLE].delete_one({"_id": person}, session=tx.session)
    await tx[LOOKUPS].delete_many({"person": person}, session=tx.session)
    await tx[NOTES].delete_many({"person": person}, session=tx.session)
    await tx[ENTRIES].delete_many({"person": person}, session=tx.session)
    # Stored replies hold the digest of what was sent.
    await tx[IDEMPOTENCY].delete_many({"referral": {"$in": cases}}, session=tx.session)


def _tombstone(row: Row) -> Tombstone:
    return Tombstone(str(row["_id"]), str(row["locality"]), _texts(row["referrals"]), _texts(row["untold"]))


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(each) for each in value) if isinstance(value, (list, tuple)) else ()
