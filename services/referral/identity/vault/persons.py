"""People in the vault: ciphertexts in one collection, wrapped keys in another."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from services.referral.collections import KEYS, PEOPLE, Source, session_of
from services.referral.identity.find.terms import TERMS_VERSION
from services.referral.identity.person import StoredFields
from services.referral.identity.vault import entries, versions
from services.referral.identity.vault.entries import Entry
from services.referral.identity.vault.keys import BlindIndex, IndexKeys, PersonKey, VaultClosed
from services.referral.identity.vault.masters import MasterKeys
from services.referral.identity.vault.versions import WrittenPerson
from shared.delivery.mongo.database import Row, Transaction

_UNSAFE = "unsafe"


class NoSuchPerson(LookupError):
    """The vault holds nothing of this person: they were erased, or never were here."""


@dataclass(frozen=True, slots=True)
class PastValue:
    """A replaced value. `text` is None if no value was known.

    `by` is the subject who gave the value at `at`, or None. It stood until `until`. Times are in UTC.
    """

    field: str
    text: str | None
    by: str | None
    at: datetime | None
    until: datetime


class PersonVault:
    """Reads and writes people. Every write is part of the caller's transaction.

    Attributes:
        is_open: false from a service's start until everybody is erased whom the log says to be erased.
    """

    def __init__(self, masters: MasterKeys, index_keys: IndexKeys) -> None:
        self.masters = masters
        self.index_keys = index_keys
        self.is_open = True
        self._indexes: dict[str, BlindIndex] = {}

    def index(self, locality: str) -> BlindIndex:
        """The blind index of a locality. Raises VaultClosed."""
        self._require_open()
        if locality not in self._indexes:
            self._indexes[locality] = self.index_keys.of(locality)
        return self._indexes[locality]

    def _require_open(self) -> None:
        if not self.is_open:
            raise VaultClosed

    async def key(self, source: Source, person: str) -> PersonKey | None:
        """The key of a person, or None if it was erased or never existed. Raises VaultLocked."""
        return (await self.keys(source, [person])).get(person)

    async def keys(self, source: Source, persons: Collection[str]) -> dict[str, PersonKey]:
        """The keys of these people that exist. Raises VaultLocked and VaultClosed."""
        self._require_open()
        found = source[KEYS].find({"_id": {"$in": list(persons)}}, session=session_of(source))
        opened = await self.masters.unwrap_all(
            [(row["_id"], row["master"], row["wrapped"]) async for row in found]
        )
        return {key.person: key for key in opened}

    async def keep(
        self,
        tx: Transaction,
        locality: str,
        person: str,
        details: StoredFields,
        by: str,
        now: datetime,
        *,
        new: bool,
    ) -> WrittenPerson:
        """Writes a person's details from a referral. A new person gets a key.

        A different value replaces the current one, and the old value joins the past. A field that `details`
        lacks is no longer known. `new`: the vault has never used this reference.
        """
        key = None if new else await self.key(tx, person)
        if key is None:
            key, wrapped = await self.masters.new_key(person)
            key_row = {
                "_id": person,
                "master": self.masters.newest,
                "wrapped": wrapped,
                # The index keys under which all digests of the person are stored.
                "indexed": list(self.index_keys.ids),
                # The version of the search terms of all of the person's referrals.
                "terms": TERMS_VERSION,
            }
            await tx[KEYS].insert_one(key_row, session=tx.session)
        row: Row | None = None if new else await tx[PEOPLE].find_one({"_id": person}, session=tx.session)
        if row is None:
            sealed = {field: key.seal(field, text) for field, text in details.items()}
            written = versions.first_version(locality, sealed, by, now)
        else:
            changes = {field: details.get(field) for field in {*row["sealed"], *details}}
            written = _written(row, key, changes, by, now)
        await tx[PEOPLE].replace_one({"_id": person}, written, upsert=True, session=tx.session)
        return WrittenPerson(key, versions.version_of(written))

    async def change(
        self, tx: Transaction, entry: Entry, changes: Mapping[str, str | None], by: str, at: datetime
    ) -> None:
        """Changes details while a referral is open. Earlier referrals still show the old values.

        `changes` holds values by field; None means no longer known. `by` is the author's subject.
        Raises NoSuchPerson.
        """
        key = await self.key(tx, entry.person)
        row: Row | None = await tx[PEOPLE].find_one({"_id": entry.person}, session=tx.session)
        if key is None or row is None:
            raise NoSuchPerson
        written = _written(row, key, changes, by, at)
        await tx[PEOPLE].replace_one({"_id": entry.person}, written, session=tx.session)
        await entries.show_version(tx, entry, versions.version_of(written))

    async def report_unsafe(
        self, tx: Transaction, person: str, telephone: str, by: str, at: datetime
    ) -> None:
        """Records that this number is never texted about this person again. Raises NoSuchPerson."""
        key = await self.key(tx, person)
        if key is None:
            raise NoSuchPerson
        if telephone not in (await self.unsafe(tx, [person])).get(person, frozenset()):
            note = {"sealed": key.seal(_UNSAFE, telephone), "by": by, "at": at}
            await tx[PEOPLE].update_one({"_id": person}, {"$push": {"unsafe": note}}, session=tx.session)

    async def unsafe(self, source: Source, persons: Collection[str]) -> dict[str, frozenset[str]]:
        """Numbers reported as unsafe for these people. A later report does not remove them."""
        keys = await self.keys(source, persons)
        rows = await _rows(source, keys)
        return {
            person: frozenset(keys[person].open(_UNSAFE, each["sealed"]) for each in row.get("unsafe", []))
            for person, row in rows.items()
        }

    async def details(
        self, source: Source, persons: Collection[str], fields: Collection[str]
    ) -> dict[str, StoredFields]:
        """Current values of these fields, by person, as far as they are known. Raises VaultLocked."""
        keys = await self.keys(source, persons)
        rows = await _rows(source, keys)
        return {person: _opened(keys[person], row["sealed"], fields) for person, row in rows.items()}

    async def details_of_referrals(
        self, source: Source, held: Collection[Entry], fields: Collection[str]
    ) -> dict[str, StoredFields]:
        """These fields by referral id, as they are for that referral and not for a later one.

        A referral shows the values it was made with and the changes made while it was open. Raises
        VaultLocked.
        """
        keys = await self.keys(source, {entry.person for entry in held})
        rows = await _rows(source, keys)
        return {
            entry.referral: _opened(
                keys[entry.person], versions.as_of(rows[entry.person], entry.version), fields
            )
            for entry in held
            if entry.person in rows
        }

    async def past(self, source: Source, person: str, fields: Collection[str]) -> list[PastValue]:
        """Replaced values of these fields, oldest first. Raises VaultLocked."""
        keys = await self.keys(source, [person])
        rows = await _rows(source, keys)
        return [
            PastValue(
                field=old["field"],
                text=keys[person].open(old["field"], old["sealed"]) if old["sealed"] is not None else None,
                by=old["by"],
                at=old["at"],
                until=old["until"],
            )
            for row in rows.values()
            for old in row.get("past", [])
            if old["field"] in fields
        ]


async def _rows(source: Source, persons: Collection[str]) -> dict[str, Row]:
    found = source[PEOPLE].find({"_id": {"$in": list(persons)}}, session=session_of(source))
    return {row["_id"]: row async for row in found}


def _opened(key: PersonKey, sealed: Mapping[str, bytes], fields: Collection[str]) -> dict[str, str]:
    return {field: key.open(field, value) for field, value in sealed.items() if field in fields}


def _written(
    row: Row, key: PersonKey, changes: Mapping[str, str | None], by: str, at: datetime
) -> dict[str, object]:
    standing = _opened(key, row["sealed"], changes)
    sealed = {
        field: key.seal(field, text) if text is not None else None
        for field, text in sorted(changes.items())
        if text != standing.get(field)
    }
    return versions.next_version(row, sealed, by, at)
