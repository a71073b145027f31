"""A vault on a database of its own, with whatever keys a test lists."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime

from services.referral.collections import KEYS, LOOKUPS, PEOPLE, ensure_indexes
from services.referral.identity.blind_index import find_by_number, index_person
from services.referral.identity.find.index import insert_terms
from services.referral.identity.person import PersonDetails, details_of
from services.referral.identity.vault import entries
from services.referral.identity.vault.keys import IndexKeys
from services.referral.identity.vault.masters import LocalMasterKey, MasterKeys
from services.referral.identity.vault.persons import PersonVault
from shared.contract.events import vocabulary as v
from shared.delivery.mongo.database import Mongo, Transaction
from shared.platform.ids import new_id
from shared.platform.key_ring import KeyRing

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
K1, K2 = b"1" * 32, b"2" * 32


def vault(*secrets: bytes) -> PersonVault:
    """A vault whose master and index keys are these, newest first."""
    return PersonVault(MasterKeys([LocalMasterKey(each) for each in secrets]), IndexKeys(KeyRing(secrets)))


def details(number: str, name: str = "Quillfeather") -> PersonDetails:
    """An invented person."""
    return PersonDetails(
        given_name="Ottoline",
        family_name=name,
        date_of_birth=date(1951, 3, 29),
        nhs_number=number,
        house=None,
        postcode="ST3 6AB",
        telephone=None,
        email=None,
        safe_to_text=v.SafeToText.RING,
        language="en",
        interpreter=False,
    )


async def refer(mongo: Mongo, by: PersonVault, person: PersonDetails, reference: str = "") -> str:
    """Stores a person as a referral does; returns the reference, which is an earlier one if they are known.

    Raises:
        Conflict, Held: another referral about the same person came first.
    """

    async def work(tx: Transaction) -> str:
        index = by.index("meir")
        known = await find_by_number(tx, index, person.nhs_number or "")
        whom = known.person if known else reference or new_id()
        await by.keep(tx, "meir", whom, details_of(person), "tester", NOW, new=known is None)
        await index_person(tx, index, whom, person, new=known is None)
        return whom

    return await mongo.transact(work)


async def refer_findable(mongo: Mongo, by: PersonVault, person: PersonDetails, practice: str) -> str:
    """Stores a new person with a referral, and the terms that find it. Returns the referral."""
    referral, whom = new_id(), new_id()

    async def work(tx: Transaction) -> str:
        index, known = by.index("meir"), details_of(person)
        written = await by.keep(tx, "meir", whom, known, "tester", NOW, new=True)
        await index_person(tx, index, whom, person, new=True)
        entry = await entries.insert_entry(tx, written, "meir", referral, practice, (), NOW)
        await insert_terms(tx, index, entry, known)
        return referral

    return await mongo.transact(work)


@asynccontextmanager
async def vault_database(mongo_url: str) -> AsyncIterator[Mongo]:
    """A database with the vault's collections, dropped in the end."""
    mongo = Mongo(mongo_url, f"vault_{new_id().replace('-', '')[-12:]}")
    await ensure_indexes(mongo)
    try:
        yield mongo
    finally:
        await mongo.client.drop_database(mongo.database.name)
        await mongo.close()


async def stored_of(mongo: Mongo, person: str) -> int:
    """The number of documents that are stored of a person."""
    keys = [(KEYS, "_id"), (PEOPLE, "_id"), (LOOKUPS, "person")]
    return sum([await mongo[collection].count_documents({field: person}) for collection, field in keys])
