"""Counts of what the vault's keys hold, and rotation of its master keys while the service runs.

Each step looks for what is left, so that a run that was stopped goes on, and two runs do no harm. Each write
compares with what was read.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from services.referral.collections import KEYS, LOOKUPS
from services.referral.identity.find.terms import TERMS_VERSION
from services.referral.identity.vault.keys import VaultLocked
from services.referral.identity.vault.persons import PersonVault
from shared.delivery.mongo.database import Document, Mongo

_BATCH: Final = 200


@dataclass
class VaultKeyCounts:
    """Contents of the vault's keys: people by master key and by index key, and digests by key.

    `indexed`: people by the index key that finds them. `unfound`: people who lack a digest under the newest
    index key, or search terms. The key "" of digests is not known.
    """

    masters: Counter[str] = field(default_factory=Counter)
    indexed: Counter[str] = field(default_factory=Counter)
    digests: Counter[str] = field(default_factory=Counter)
    unfound: int = 0


@dataclass
class Rotated:
    """The outcome of a rotation, in people.

    `locked`: under a master key that is not here. `twice`: their NHS number is held of two people. `busy`: a
    referral or an erasure came first, so the next run sees to them.
    """

    done: int = 0
    locked: int = 0
    twice: int = 0
    busy: int = 0


@dataclass(frozen=True)
class VaultRotation:
    """Counts what each key holds, and moves people to the newest master key."""

    mongo: Mongo
    vault: PersonVault

    async def counts(self) -> VaultKeyCounts:
        """The present contents of each key."""
        found = VaultKeyCounts()
        found.masters = await self._counted(KEYS, "$master")
        found.digests = await self._counted(LOOKUPS, "$key")
        pipeline: list[Document] = [
            {"$unwind": "$indexed"},
            {"$group": {"_id": "$indexed", "n": {"$sum": 1}}},
        ]
        found.indexed.update({row["_id"]: row["n"] async for row in self.mongo[KEYS].aggregate(pipeline)})
        without_newest: Document = {"indexed": {"$ne": self.vault.index_keys.newest}}
        lacking: Document = {"$or": [without_newest, {"terms": {"$ne": TERMS_VERSION}}]}
        found.unfound = await self.mongo[KEYS].count_documents(lacking)
        return found

    async def rewrap(self, limit: int) -> Rotated:
        """Wraps the keys of at most `limit` people by the newest master key."""
        rotated, after, masters = Rotated(), "", self.vault.masters
        while rotated.done < limit:
            wanted = {"_id": {"$gt": after}, "master": {"$ne": masters.newest}}
            rows = await self.mongo[KEYS].find(wanted).sort("_id", 1).limit(_BATCH).to_list(None)
            if not rows:
                break
            after = rows[-1]["_id"]
            for row in rows[: limit - rotated.done]:
                try:
                    wrapped = await masters.wrapped_anew(row["_id"], row["master"], row["wrapped"])
                except VaultLocked:
                    rotated.locked += 1
                    continue
                as_read = {"_id": row["_id"], "master": row["master"], "wrapped": row["wrapped"]}
                change = {"$set": {"master": masters.newest, "wrapped": wrapped}}
                done = await self.mongo[KEYS].update_one(as_read, change)
                rotated.done += done.modified_count
        return rotated

    async def _counted(self, collection: str, key: str) -> Counter[str]:
        rows = self.mongo[collection].aggregate([{"$group": {"_id": key, "n": {"$sum": 1}}}])
        return Counter({row["_id"] or "": row["n"] async for row in rows})
