"""Keys, sealing and blind indexes: what opens what, and what does not."""

import os
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.referral.identity.person import PersonDetails, details_of, person_of
from services.referral.identity.vault.keys import BlindIndex, IndexKeys, VaultLocked
from services.referral.identity.vault.masters import LocalMasterKey, MasterKeys
from shared.contract.events import vocabulary as v
from shared.platform.key_ring import KeyRing

SECRET = bytes(range(32))
MASTER = MasterKeys([LocalMasterKey(SECRET)])
PERSON = "5f0f7f0e-4a9d-4b8e-9c57-1f6d3d0b2a11"
OTHER = "0c1c9a2e-7a0b-4a55-8d5f-6f0f2f0f9b22"


def blind_index(locality: str, *secrets: bytes) -> BlindIndex:
    return IndexKeys(KeyRing(secrets or [SECRET])).of(locality)


@given(st.text(max_size=300), st.sampled_from(["given_name", "note/1", "sensitive/2"]))
async def test_what_was_sealed_opens_again(text: str, field: str) -> None:
    key, wrapped = await MASTER.new_key(PERSON)
    again = await MASTER.unwrap(PERSON, MASTER.newest, wrapped)
    assert again.open(field, key.seal(field, text)) == text


async def test_the_same_text_never_looks_the_same() -> None:
    key, _ = await MASTER.new_key(PERSON)
    assert key.seal("telephone", "x") != key.seal("telephone", "x")


async def test_a_text_opens_only_for_its_person_and_its_field() -> None:
    fixed = MasterKeys([LocalMasterKey(bytes(32), random=bytes)], random=bytes)
    mine, wrapped = await fixed.new_key(PERSON)
    yours, _ = await fixed.new_key(OTHER)  # the same key bytes: what tells them apart is the binding alone
    sealed = mine.seal("telephone", "07700 900123")
    for key, field in ((yours, "telephone"), (mine, "postcode")):
        with pytest.raises(VaultLocked):
            key.open(field, sealed)
    with pytest.raises(VaultLocked):
        await fixed.unwrap(OTHER, fixed.newest, wrapped)


@given(st.integers(min_value=0, max_value=40))
async def test_altered_bytes_do_not_open(at: int) -> None:
    key, wrapped = await MASTER.new_key(PERSON)
    sealed = bytearray(key.seal("house", "1 Gooseberry Row, upstairs"))
    sealed[at] ^= 1
    with pytest.raises(VaultLocked):
        key.open("house", bytes(sealed))
    broken = bytearray(wrapped)
    broken[at] ^= 1
    with pytest.raises(VaultLocked):
        await MASTER.unwrap(PERSON, MASTER.newest, bytes(broken))


@pytest.mark.parametrize("sealed", [b"", b"short", bytes(12)])
async def test_scraps_do_not_open(sealed: bytes) -> None:
    key, _ = await MASTER.new_key(PERSON)
    with pytest.raises(VaultLocked):
        key.open("house", sealed)


async def test_another_master_key_opens_nothing_and_is_told_by_its_id() -> None:
    other = MasterKeys([LocalMasterKey(os.urandom(32))])
    _, wrapped = await MASTER.new_key(PERSON)
    assert other.newest != MASTER.newest
    with pytest.raises(VaultLocked):
        await other.unwrap(PERSON, MASTER.newest, wrapped)
    with pytest.raises(VaultLocked):
        await other.unwrap(PERSON, other.newest, wrapped)


async def test_locked_says_nothing_of_what_was_locked() -> None:
    key, _ = await MASTER.new_key(PERSON)
    with pytest.raises(VaultLocked) as locked:
        key.open("house", b"1 Gooseberry Row, upstairs")
    assert str(locked.value) == ""


def test_the_index_is_blind_and_differs_by_locality_and_by_key() -> None:
    number = "9990000018"
    index = blind_index("meir")
    found = index.by_number(number)
    assert found == blind_index("meir").by_number(number)
    assert number not in found
    digests = {
        found.rsplit("/", 1)[1],
        blind_index("longton").by_number(number).rsplit("/", 1)[1],
        blind_index("meir", os.urandom(32)).by_number(number).rsplit("/", 1)[1],
    }
    assert len(digests) == 3


def test_likeness_forgives_how_a_name_is_written() -> None:
    index, born = blind_index("meir"), date(1951, 3, 29)
    first = index.by_likeness("Seán", "O’Connor-Smith", born, "ST3 6AB")
    assert first == index.by_likeness("SEAN", "o'connor smith", born, "ST3 6AB")
    assert first != index.by_likeness("Seán", "O’Connor-Smith", date(1951, 3, 30), "ST3 6AB")
    assert first != index.by_likeness("Seán", "O’Connor-Smith", born, "ST3 6AD")
    assert index.by_likeness("Ann", "Smith", born, None) != index.by_likeness("Ann S", "mith", born, None)


def test_a_person_is_kept_and_comes_back_the_same() -> None:
    person = PersonDetails(
        given_name="Anne",
        family_name="Example",
        date_of_birth=date(1951, 3, 29),
        nhs_number=None,
        house=None,
        postcode=None,
        telephone="+447700900123",
        email=None,
        safe_to_text=v.SafeToText.RING,
        language="ur",
        interpreter=True,
        preferred_name="Nan",
    )
    assert person_of(details_of(person)) == person
    assert "nhs_number" not in details_of(person)


async def test_what_an_older_master_wrapped_opens_and_is_wrapped_anew() -> None:
    new = LocalMasterKey(os.urandom(32))
    both = MasterKeys([new, LocalMasterKey(SECRET)])
    key, wrapped = await MASTER.new_key(PERSON)
    sealed = key.seal("house", "1 Gooseberry Row")
    anew = await both.wrapped_anew(PERSON, MASTER.newest, wrapped)
    alone = MasterKeys([new])
    assert (await alone.unwrap(PERSON, new.id, anew)).open("house", sealed) == "1 Gooseberry Row"
    assert (await both.new_key(PERSON))[1] != wrapped
    assert both.newest == new.id
    for name in (MASTER.newest, new.id):  # The old key is destroyed: its id or another makes no difference.
        with pytest.raises(VaultLocked):
            await alone.unwrap(PERSON, name, wrapped)
    with pytest.raises(VaultLocked):
        await alone.wrapped_anew(PERSON, MASTER.newest, wrapped)


def test_two_index_keys_give_the_digests_of_each() -> None:
    old, new, number, born = b"o" * 32, b"n" * 32, "9990000018", date(1951, 3, 29)
    both = blind_index("meir", new, old)
    alone = [blind_index("meir", each) for each in (new, old)]
    assert list(both.number_by_key(number).values()) == [each.by_number(number) for each in alone]
    likeness = ("Ann", "Smith", born, None)
    assert list(both.likeness_by_key(*likeness).values()) == [each.by_likeness(*likeness) for each in alone]
    assert both.digests("request", "x") == [each.digest("request", "x") for each in alone]
    assert list(both.number_by_key(number)) == list(both.ids) == [key.id for key in KeyRing([new, old])]
