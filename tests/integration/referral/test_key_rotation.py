"""Rotation of the vault's keys: nobody is lost or doubled, whatever happens beside it."""

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest
import pytest_asyncio

from services.referral.collections import KEYS, LOOKUPS, TERMS
from services.referral.identity.blind_index import find_by_likeness, find_by_number
from services.referral.identity.erasure import delete_person
from services.referral.identity.find.index import Place, candidates
from services.referral.identity.find.query import PersonQuery
from services.referral.identity.find.terms import criteria_of
from services.referral.identity.vault.keys import VaultLocked
from services.referral.identity.vault.masters import LocalMasterKey
from services.referral.identity.vault.reindexing import IndexRotation
from services.referral.identity.vault.rotation import VaultRotation
from shared.delivery.model.errors import Conflict, Transient
from shared.delivery.mongo.database import Mongo, Transaction
from shared.platform.key_ring import RingKey
from tests.harness.referral.people import nhs_number
from tests.harness.referral.vaults import (
    K1,
    K2,
    NOW,
    details,
    refer,
    refer_findable,
    stored_of,
    vault,
    vault_database,
)

# The lists of one rotation. Processes of neighbouring steps run side by side.
STEPS = ((K1,), (K1, K2), (K2, K1), (K2,))
ALL = 1_000_000


@pytest_asyncio.fixture
async def mongo(mongo_url: str) -> AsyncIterator[Mongo]:
    async with vault_database(mongo_url) as made:
        yield made


async def test_rewrapped_people_open_by_the_newest_key_alone(mongo: Mongo) -> None:
    old, both, new = vault(K1), vault(K2, K1), vault(K2)
    people = [await refer(mongo, old, details(nhs_number())) for _ in range(5)]
    before = {row["_id"]: row async for row in mongo[KEYS].find({})}
    assert (await VaultRotation(mongo, both).rewrap(2)).done == 2
    counts = (await VaultRotation(mongo, both).counts()).masters
    assert counts == {new.masters.newest: 2, old.masters.newest: 3}
    assert len(await both.details(mongo, people, ["family_name"])) == 5  # Half-way, all are readable.
    assert (await VaultRotation(mongo, both).rewrap(ALL)).done == 3
    assert (await VaultRotation(mongo, both).rewrap(ALL)).done == 0
    opened = await new.details(mongo, people, ["family_name"])
    assert [opened[each] for each in people] == [{"family_name": "Quillfeather"}] * 5
    for person, row in before.items():  # What a back-up of before holds, without the destroyed key.
        with pytest.raises(VaultLocked):
            await new.masters.unwrap(person, row["master"], row["wrapped"])


async def test_people_under_a_missing_key_are_counted_and_left(mongo: Mongo) -> None:
    person = await refer(mongo, vault(K1), details(nhs_number()))
    before = await mongo[KEYS].find_one({"_id": person})
    assert (await VaultRotation(mongo, vault(K2)).rewrap(ALL)).locked == 1
    assert (await IndexRotation(mongo, vault(K2)).reindex(ALL)).locked == 1
    assert await mongo[KEYS].find_one({"_id": person}) == before
    with pytest.raises(VaultLocked):
        await vault(K2).details(mongo, [person], ["family_name"])


@pytest.mark.parametrize(("before", "after"), pairwise(STEPS))
async def test_simultaneous_referrals_under_two_lists_are_one_person(
    mongo: Mongo, before: tuple[bytes, ...], after: tuple[bytes, ...]
) -> None:
    for _ in range(8):
        person = details(nhs_number())
        answers = await asyncio.gather(
            *(refer(mongo, vault(*keys), person) for keys in (before, after, before, after)),
            return_exceptions=True,
        )
        made = {each for each in answers if isinstance(each, str)}
        assert all(isinstance(each, (str, Conflict, Transient)) for each in answers)
        assert len(made) == 1
        for keys in (before, after):
            found = await find_by_number(mongo, vault(*keys).index("meir"), person.nhs_number or "")
            assert found is not None
            assert found.person in made


async def test_a_person_is_found_through_a_whole_rotation(mongo: Mongo) -> None:
    person = details(nhs_number())
    reference = await refer(mongo, vault(K1), person)
    other = await refer(mongo, vault(K1), details(nhs_number(), "Underhay"))
    for keys in STEPS:
        here = vault(*keys)
        await VaultRotation(mongo, here).rewrap(ALL)
        await IndexRotation(mongo, here).reindex(ALL)
        await IndexRotation(mongo, here).drop(ALL)
        found = await find_by_number(mongo, here.index("meir"), person.nhs_number or "")
        assert found is not None
        assert found.person == reference
        assert await find_by_likeness(mongo, here.index("meir"), person) == [reference]
        assert await refer(mongo, here, person) == reference
    counts = await VaultRotation(mongo, vault(K2)).counts()
    newest = RingKey(K2).id
    assert (counts.digests, counts.indexed, counts.unfound) == ({newest: 4}, {newest: 2}, 0)
    assert await find_by_number(mongo, vault(K1).index("meir"), person.nhs_number or "") is None
    assert await stored_of(mongo, other) == 4


async def test_search_terms_find_through_a_whole_rotation(mongo: Mongo) -> None:
    query = PersonQuery(name="Otoline Quillfeather", postcode="ST3 6AB")

    async def is_found(keys: tuple[bytes, ...]) -> bool:
        place = Place(vault(*keys).index("meir"), ["M83100"])
        return await candidates(mongo, [place], criteria_of(query)) == [f"meir/{referral}"]

    referral = await refer_findable(mongo, vault(K1), details(nhs_number()), "M83100")
    for before, after in pairwise(STEPS):
        assert await is_found(before)
        here = vault(*after)
        await IndexRotation(mongo, here).reindex(ALL)
        assert await is_found(before)
        assert await is_found(after)
        await IndexRotation(mongo, here).drop(ALL)
        assert await is_found(after)
    assert await mongo[TERMS].distinct("key") == [RingKey(K2).id]
    assert not await is_found((K1,))


async def test_rotation_leaves_the_version_of_an_entry_alone(mongo: Mongo) -> None:
    person, both = details(nhs_number()), vault(K1, K2)
    await refer(mongo, vault(K1), person)
    before = await find_by_number(mongo, both.index("meir"), person.nhs_number or "")
    await IndexRotation(mongo, both).reindex(ALL)
    assert await find_by_number(mongo, both.index("meir"), person.nhs_number or "") == before


async def test_an_older_process_makes_a_person_lack_the_newer_key(mongo: Mongo) -> None:
    person, both = details(nhs_number()), vault(K1, K2)
    old, new = RingKey(K1).id, RingKey(K2).id
    await refer(mongo, both, person)
    assert (await VaultRotation(mongo, both).counts()).indexed == {old: 1, new: 1}
    moved = details(person.nhs_number or "", "Larkspur")
    await refer(mongo, vault(K1), moved)  # It writes a likeness under its only key.
    assert (await VaultRotation(mongo, both).counts()).indexed == {old: 1}
    assert (await VaultRotation(mongo, vault(K2, K1)).counts()).unfound == 1
    assert (await IndexRotation(mongo, both).drop(ALL)).done == 0
    assert (await IndexRotation(mongo, both).reindex(ALL)).done == 1
    assert len(await find_by_likeness(mongo, vault(K2).index("meir"), moved)) == 1


async def test_entries_from_before_key_ids_are_recognised(mongo: Mongo) -> None:
    person = details(nhs_number())
    await refer(mongo, vault(K1), person)
    await mongo[LOOKUPS].update_many({}, {"$unset": {"key": ""}})
    await mongo[KEYS].update_many({}, {"$unset": {"indexed": ""}})
    both = vault(K2, K1)
    assert (await VaultRotation(mongo, both).counts()).digests == {"": 2}
    assert (await IndexRotation(mongo, both).reindex(ALL)).done == 1
    counts = await VaultRotation(mongo, both).counts()
    assert counts.digests == {RingKey(K1).id: 2, RingKey(K2).id: 2}


async def test_two_rotations_at_once_do_each_person_once(mongo: Mongo) -> None:
    people = [await refer(mongo, vault(K1), details(nhs_number())) for _ in range(12)]
    both = vault(K2, K1)
    rewrapped = await asyncio.gather(*(VaultRotation(mongo, both).rewrap(ALL) for _ in range(2)))
    assert sum(each.done for each in rewrapped) == 12
    await asyncio.gather(*(IndexRotation(mongo, both).reindex(ALL) for _ in range(2)))
    await IndexRotation(mongo, both).reindex(ALL)
    counts = await VaultRotation(mongo, both).counts()
    assert counts.unfound == 0
    assert counts.digests == {RingKey(K1).id: 24, RingKey(K2).id: 24}
    assert len(await vault(K2).details(mongo, people, ["family_name"])) == 12


async def test_an_erasure_beside_a_rotation_leaves_nothing(mongo: Mongo) -> None:
    both = vault(K2, K1)
    for _ in range(10):
        person = await refer(mongo, vault(K1), details(nhs_number()))

        async def erase(tx: Transaction, person: str = person) -> None:
            await delete_person(tx, "meir", person, NOW, "tester")

        async def erased() -> None:
            while True:
                try:
                    return await mongo.transact(erase)
                except (Conflict, Transient):
                    await asyncio.sleep(0.01)

        await asyncio.gather(
            erased(), IndexRotation(mongo, both).reindex(ALL), VaultRotation(mongo, both).rewrap(ALL)
        )
        assert await stored_of(mongo, person) == 0


async def test_one_number_of_two_people_is_told_and_left(mongo: Mongo) -> None:
    person = details(nhs_number())
    await refer(mongo, vault(K1), person)
    await refer(mongo, vault(K2), person)  # The lists of two steps apart: the runbook forbids it.
    assert (await IndexRotation(mongo, vault(K2, K1)).reindex(ALL)).twice == 2


def test_a_master_key_names_itself_alike_in_every_process() -> None:
    assert LocalMasterKey(K1).id == LocalMasterKey(K1).id != LocalMasterKey(K2).id
