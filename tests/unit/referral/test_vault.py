"""Keys, sealing and blind indexes: what opens what, and what does not."""

import os
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.referral.identity.person import PersonDetails, details_of, person_of
from services.referral.identity.vault.keys import MasterKey, VaultLocked
from shared.contract.events import vocabulary as v

MASTER = MasterKey(bytes(range(32)))
PERSON = "5f0f7f0e-4a9d-4b8e-9c57-1f6d3d0b2a11"
OTHER = "0c1c9a2e-7a0b-4a55-8d5f-6f0f2f0f9b22"


@given(st.text(max_size=300), st.sampled_from(["given_name", "note/1", "sensitive/2"]))
def test_what_was_sealed_opens_again(text: str, field: str) -> None:
    key, wrapped = MASTER.new_key(PERSON)
    again = MASTER.unwrap(PERSON, MASTER.id, wrapped)
    assert again.open(field, key.seal(field, text)) == text


def test_the_same_text_never_looks_the_same() -> None:
    key, _ = MASTER.new_key(PERSON)
    assert key.seal("telephone", "x") != key.seal("telephone", "x")


def test_a_text_opens_only_for_its_person_and_its_field() -> None:
    fixed = MasterKey(bytes(32), random=bytes)
    mine, wrapped = fixed.new_key(PERSON)
    yours, _ = fixed.new_key(OTHER)  # the same key bytes: what tells them apart is the binding alone
    sealed = mine.seal("telephone", "07700 900123")
    for key, field in ((yours, "telephone"), (mine, "postcode")):
        with pytest.raises(VaultLocked):
            key.open(field, sealed)
    with pytest.raises(VaultLocked):
        fixed.unwrap(OTHER, fixed.id, wrapped)


@given(st.integers(min_value=0, max_value=40))
def test_altered_bytes_do_not_open(at: int) -> None:
    key, wrapped = MASTER.new_key(PERSON)
    sealed = bytearray(key.seal("house", "1 Gooseberry Row, upstairs"))
    sealed[at] ^= 1
    with pytest.raises(VaultLocked):
        key.open("house", bytes(sealed))
    broken = bytearray(wrapped)
    broken[at] ^= 1
    with pytest.raises(VaultLocked):
        MASTER.unwrap(PERSON, MASTER.id, bytes(broken))


@pytest.mark.parametrize("sealed", [b"", b"short", bytes(12)])
def test_scraps_do_not_open(sealed: bytes) -> None:
    key, _ = MASTER.new_key(PERSON)
    with pytest.raises(VaultLocked):
        key.open("house", sealed)


def test_another_master_key_opens_nothing_and_is_told_by_its_id() -> None:
    other = MasterKey(os.urandom(32))
    _, wrapped = MASTER.new_key(PERSON)
    assert other.id != MASTER.id
    with pytest.raises(VaultLocked):
        other.unwrap(PERSON, MASTER.id, wrapped)
    with pytest.raises(VaultLocked):
        other.unwrap(PERSON, other.id, wrapped)


def test_locked_says_nothing_of_what_was_locked() -> None:
    key, _ = MASTER.new_key(PERSON)
    with pytest.raises(VaultLocked) as locked:
        key.open("house", b"1 Gooseberry Row, upstairs")
    assert str(locked.value) == ""


def test_the_index_is_blind_and_differs_by_locality_and_by_key() -> None:
    number = "9990000018"
    index = MASTER.blind_index("meir")
    found = index.by_number(number)
    assert found == MASTER.blind_index("meir").by_number(number)
    assert number not in found
    digests = {
        found.rsplit("/", 1)[1],
        MASTER.blind_index("longton").by_number(number).rsplit("/", 1)[1],
        MasterKey(os.urandom(32)).blind_index("meir").by_number(number).rsplit("/", 1)[1],
    }
    assert len(digests) == 3


def test_likeness_forgives_how_a_name_is_written() -> None:
    index, born = MASTER.blind_index("meir"), date(1951, 3, 29)
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
    )
    assert person_of(details_of(person)) == person
    assert "nhs_number" not in details_of(person)
