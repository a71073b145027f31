"""Rotation of the index keys: digests of each person under all keys that are listed, and under no other.

The digests of a person are made from their details. Each person is one transaction, which conflicts with a
referral about the same person and with their erasure.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Final

from pymongo import UpdateOne

from services.referral.collections import KEYS, LOOKUPS, PEOPLE, TERMS
from services.referral.identity.blind_index import likeness_writes, number_writes
from services.referral.identity.find.index import replace_terms
from services.referral.identity.find.terms import TERM_FIELDS, TERMS_VERSION
from services.referral.identity.vault import versions
from services.referral.identity.vault.entries import entries_of_person
from services.referral.identity.vault.keys import BlindIndex, PersonKey, VaultLocked
from services.referral.identity.vault.persons import PersonVault
from services.referral.identity.vault.rotation import Rotated
from shared.delivery.model.errors import Conflict, Transient
from shared.delivery.mongo.database import Document, Mongo, Row, Transaction

_BATCH: Final = 200
# Of a person's details, those that make digests.
_FIELDS: Final = ("nhs_number", "given_name", "family_name", "date_of_birth", "postcode")


class _HeldTwice(Exception):
    """Two people have one NHS number, each under another key. Nothing was written."""


@dataclass(frozen=True)
class IndexRotation:
    """Moves people to the index keys that are listed."""

    mongo: Mongo
    vault: PersonVault

    async def reindex(self, limit: int) -> Rotated:
        """Stores digests under every listed key for at most `limit` people."""
        without_digests: Document = {"indexed": {"$not": {"$all": list(self.vault.index_keys.ids)}}}
        lacking: Document = {"$or": [without_digests, {"terms": {"$ne": TERMS_VERSION}}]}
        return await self._each(lacking, self._index, limit)

    async def drop(self, limit: int) -> Rotated:
        """Drops digests of keys that are no longer listed, of people who have all others."""
        ids = list(self.vault.index_keys.ids)
        removed: Document = {"$and": [{"indexed": {"$all": ids}}, {"indexed": {"$elemMatch": {"$nin": ids}}}]}
        return await self._each(removed, self._drop, limit)

    async def _each(
        self, wanted: Document, work: Callable[[str, Transaction], Awaitable[bool]], limit: int
    ) -> Rotated:
        rotated, after = Rotated(), ""
        while rotated.done < limit:
            found = self.mongo[KEYS].find({**wanted, "_id": {"$gt": after}}, {"_id": 1})
            rows = await found.sort("_id", 1).limit(min(_BATCH, limit - rotated.done)).to_list(None)
            if not rows:
                break
            after = rows[-1]["_id"]
            for row in rows:
                try:
                    rotated.done += int(await self.mongo.transact(partial(work, row["_id"])))
                except VaultLocked:
                    rotated.locked += 1
                except _HeldTwice:
                    rotated.twice += 1
                except (Conflict, Transient):
                    rotated.busy += 1
        return rotated

    async def _index(self, person: str, tx: Transaction) -> bool:
        row = await tx[KEYS].find_one({"_id": person}, session=tx.session)
        if row is None:
            return False  # Erased meanwhile.
        stored = await tx[PEOPLE].find_one({"_id": person}, session=tx.session)
        if stored is not None:
            key = await self.vault.masters.unwrap(person, row["master"], row["wrapped"])
            await self._write(tx, self.vault.index(stored["locality"]), key, stored)
            await self._write_terms(tx, person)
        # The count makes this a write in any case, so that it conflicts with an erasure.
        written = {"indexed": list(self.vault.index_keys.ids), "terms": TERMS_VERSION}
        change = {"$set": written, "$inc": {"indexings": 1}}
        await tx[KEYS].update_one({"_id": person}, change, session=tx.session)
        return True

    async def _write_terms(self, tx: Transaction, person: str) -> None:
        """Writes the search terms of each referral, from the details that it shows."""
        held = await entries_of_person(tx, person)
        details = await self.vault.details_of_referrals(tx, held, TERM_FIELDS)
        for entry in held:
            await replace_terms(tx, self.vault.index(entry.locality), entry, details[entry.referral])

    async def _write(self, tx: Transaction, index: BlindIndex, key: PersonKey, stored: Row) -> None:
        person = key.person
        found = tx[LOOKUPS].find({"person": person}, {"_id": 1}, session=tx.session)
        held = {row["_id"].removesuffix(f"/{person}") async for row in found}
        writes: list[UpdateOne] = []
        numbers: set[str] = set()
        likenesses = []
        for version in range(versions.FIRST, versions.version_of(stored) + 1):
            sealed = versions.as_of(stored, version)
            details: dict[str, str] = {n: key.open(n, sealed[n]) for n in _FIELDS if n in sealed}
            if number := details.get("nhs_number"):
                numbers.add(number)
            likeness = _likeness(index, details)
            if likeness not in likenesses:
                likenesses.append(likeness)
        for number in sorted(numbers):
            digests = index.number_by_key(number)
            of_others = {"_id": {"$in": list(digests.values())}, "person": {"$ne": person}}
            if await tx[LOOKUPS].find_one(of_others, {"_id": 1}, session=tx.session) is not None:
                raise _HeldTwice
            writes += number_writes(index.locality, person, digests, 0)
        # A change of details alone gives no entry: those of referrals are told by what is held.
        known = [each for each in likenesses if held & set(each.values())] or likenesses[-1:]
        for likeness in known:
            writes += likeness_writes(index.locality, person, likeness)
        if writes:
            await tx[LOOKUPS].bulk_write(writes, session=tx.session)

    async def _drop(self, person: str, tx: Transaction) -> bool:
        ids = list(self.vault.index_keys.ids)
        change = {"$set": {"indexed": ids}, "$inc": {"indexings": 1}}
        done = await tx[KEYS].update_one(
            {"_id": person, "indexed": {"$all": ids}}, change, session=tx.session
        )
        if done.matched_count:
            removed = {"person": person, "key": {"$nin": ids}}
            await tx[LOOKUPS].delete_many(removed, session=tx.session)
            await tx[TERMS].delete_many(removed, session=tx.session)
        return bool(done.matched_count)


def _likeness(index: BlindIndex, details: Mapping[str, str]) -> dict[str, str]:
    born = date.fromisoformat(details["date_of_birth"])
    given = details.get("given_name", "")
    return index.likeness_by_key(given, details["family_name"], born, details.get("postcode"))
