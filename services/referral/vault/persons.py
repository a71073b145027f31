"""Persons in the vault: ciphertexts in one collection, wrapped keys in another."""

from collections.abc import Collection, Mapping
from datetime import date, datetime

from services.referral.checks import Person
from services.referral.store import Source, session_of
from services.referral.vault.keys import BlindIndex, MasterKey, PersonKey
from shared.delivery.mongo import Transaction
from shared.events import vocabulary as v

PEOPLE = "people"
KEYS = "keys"

Details = Mapping[str, str]
"""What is known of a person, by field; a field that is not known is not there."""


class Persons:
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
        self, tx: Transaction, locality: str, person: str, details: Details, now: datetime, *, new: bool
    ) -> PersonKey:
        """Writes what is known of a person, in place of what was known before; a new person gets a key.

        `new`: nobody was ever kept under this reference.
        """
        key = None if new else await self.key(tx, person)
        if key is None:
            key, wrapped = self._master.new_key(person)
            row = {"_id": person, "master": self._master.id, "wrapped": wrapped}
            await tx[KEYS].insert_one(row, session=tx.session)
        sealed = {field: key.seal(field, text) for field, text in details.items()}
        await tx[PEOPLE].replace_one(
            {"_id": person},
            {"locality": locality, "changed": now, "sealed": sealed},
            upsert=True,
            session=tx.session,
        )
        return key

    async def details(
        self, source: Source, persons: Collection[str], fields: Collection[str]
    ) -> dict[str, Details]:
        """These fields of these persons, as far as they are known. Raises VaultLocked."""
        keys = await self.keys(source, persons)
        found = source[PEOPLE].find({"_id": {"$in": list(keys)}}, session=session_of(source))
        return {
            row["_id"]: {
                field: keys[row["_id"]].open(field, sealed)
                for field, sealed in row["sealed"].items()
                if field in fields
            }
            async for row in found
        }


def details_of(person: Person) -> dict[str, str]:
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


def person_of(details: Details) -> Person:
    """The reverse of `details_of`."""
    return Person(
        given_name=details["given_name"],
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


PERSON_FIELDS = frozenset(Person.__dataclass_fields__)
