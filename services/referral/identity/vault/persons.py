"""Persons in the vault: ciphertexts in one collection, wrapped keys in another."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from services.referral.collections import Source, session_of
from services.referral.identity.vault import entries, versions
from services.referral.identity.vault.entries import Entry
from services.referral.identity.vault.keys import BlindIndex, MasterKey, PersonKey
from services.referral.identity.vault.versions import WrittenPerson
from services.referral.intake.validation import PersonDetails
from shared.contract.events import vocabulary as v
from shared.delivery.mongo.database import Row, Transaction

PEOPLE = "people"
KEYS = "keys"
_UNSAFE = "unsafe"

StoredFields = Mapping[str, str]
"""What is known of a person, by field; a field that is not known is not there."""


class NoSuchPerson(LookupError):
    """Nothing is kept of this person: they were erased, or never were here."""


@dataclass(frozen=True, slots=True)
class PastValue:
    """A value that no longer stands; `text` is None where nothing was known. UTC.

    `by` gave it at `at`, as far as that is known; it stood until `until`.
    """

    field: str
    text: str | None
    by: str | None
    at: datetime | None
    until: datetime


class PersonVault:
    """Reads and writes persons. Every write takes part in the transaction that it is given."""

    def __init__(self, master: MasterKey) -> None:
        self._master = master
        self._indexes: dict[str, BlindIndex] = {}

    def index(self, locality: str) -> BlindIndex:
        """How persons of a locality are found again."""
        if locality not in self._indexes:
            self._indexes[locality] = self._master.blind_index(locality)
        return self._indexes[locality]

    async def key(self, source: Source, person: str) -> PersonKey | None:
        """The key of a person, or None where it was erased or never was. Raises VaultLocked."""
        return (await self.keys(source, [person])).get(person)

    async def keys(self, source: Source, persons: Collection[str]) -> dict[str, PersonKey]:
        """The keys of these persons, as far as there are any. Raises VaultLocked."""
        found = source[KEYS].find({"_id": {"$in": list(persons)}}, session=session_of(source))
        return {
            row["_id"]: self._master.unwrap(row["_id"], row["master"], row["wrapped"]) async for row in found
        }

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
        """Writes what a referral says of a person; a new person gets a key. Nothing known is overwritten.

        A value that differs from the one that stands takes its place, and the old one joins the past. A field
        that `details` does not have is no longer known. `new`: nobody was ever kept under this reference.
        """
        key = None if new else await self.key(tx, person)
        if key is None:
            key, wrapped = self._master.new_key(person)
            key_row = {"_id": person, "master": self._master.id, "wrapped": wrapped}
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
        """Changes details while a referral is open: it shows the new values, earlier referrals the old ones.

        `changes` by field, None: no longer known. `by`: the subject of whoever says so. Raises NoSuchPerson.
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
        """Notes that this number is never texted about this person again. Raises NoSuchPerson."""
        key = await self.key(tx, person)
        if key is None:
            raise NoSuchPerson
        if telephone not in (await self.unsafe(tx, [person])).get(person, frozenset()):
            note = {"sealed": key.seal(_UNSAFE, telephone), "by": by, "at": at}
            await tx[PEOPLE].update_one({"_id": person}, {"$push": {"unsafe": note}}, session=tx.session)

    async def unsafe(self, source: Source, persons: Collection[str]) -> dict[str, frozenset[str]]:
        """The numbers that were reported as unsafe for these persons, whoever said what since."""
        keys = await self.keys(source, persons)
        rows = await _rows(source, keys)
        return {
            person: frozenset(keys[person].open(_UNSAFE, each["sealed"]) for each in row.get("unsafe", []))
            for person, row in rows.items()
        }

    async def details(
        self, source: Source, persons: Collection[str], fields: Collection[str]
    ) -> dict[str, StoredFields]:
        """These fields of these persons as they stand, as far as they are known. Raises VaultLocked."""
        keys = await self.keys(source, persons)
        rows = await _rows(source, keys)
        return {person: _opened(keys[person], row["sealed"], fields) for person, row in rows.items()}

    async def details_of_referrals(
        self, source: Source, held: Collection[Entry], fields: Collection[str]
    ) -> dict[str, StoredFields]:
        """These fields by referral id, as they are for that referral and not for a later one.

        A referral shows what it was made with, and what was changed while it was open. Raises VaultLocked.
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
        """The values of these fields that stand no longer, oldest first. Raises VaultLocked."""
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


def details_of(person: PersonDetails) -> dict[str, str]:
    """A person as the vault keeps them: text by field."""
    known = {
        "given_name": person.given_name,
        "family_name": person.family_name,
        "date_of_birth": person.date_of_birth.isoformat(),
        "nhs_number": person.nhs_number,
        "house": person.house,
        "postcode": person.postcode,
        "telephone": person.telephone,
        "email": person.email,
        "safe_to_text": person.safe_to_text.value,
        "language": person.language,
        "interpreter": "yes" if person.interpreter else "no",
    }
    return {field: text for field, text in known.items() if text is not None}


def person_of(details: StoredFields) -> PersonDetails:
    """The reverse of `details_of`."""
    return PersonDetails(
        given_name=details.get("given_name"),
        family_name=details["family_name"],
        date_of_birth=date.fromisoformat(details["date_of_birth"]),
        nhs_number=details.get("nhs_number"),
        house=details.get("house"),
        postcode=details.get("postcode"),
        telephone=details.get("telephone"),
        email=details.get("email"),
        safe_to_text=v.SafeToText(details["safe_to_text"]),
        language=details["language"],
        interpreter=details["interpreter"] == "yes",
    )


PERSON_FIELDS = frozenset(PersonDetails.__dataclass_fields__)
