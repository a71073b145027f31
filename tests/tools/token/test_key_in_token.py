"""A master key in a PKCS#11 token (SoftHSM): wraps and unwraps inside, and takes part in rotations."""

from pathlib import Path

import pytest

from services.referral.identity.vault.keys import IndexKeys, VaultLocked
from services.referral.identity.vault.masters import LocalMasterKey, MasterKeys
from services.referral.identity.vault.opening import open_vault
from services.referral.identity.vault.persons import PersonVault
from services.referral.identity.vault.rotation import VaultRotation
from services.referral.identity.vault.token import KeyPlace, TokenMasterKey, TokenUnusable
from services.referral.vault_settings import VaultSettings
from shared.platform.key_ring import KeyRing
from tests.harness.referral.people import nhs_number
from tests.harness.referral.tokens import PIN, make_key, make_token, module
from tests.harness.referral.vaults import K1, K2, details, refer, vault, vault_database

PERSON, OTHER = "5f0f7f0e-4a9d-4b8e-9c57-1f6d3d0b2a11", "0c1c9a2e-7a0b-4a55-8d5f-6f0f2f0f9b22"


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SoftHSM's library, with an empty token."""
    found = module()
    make_token(tmp_path_factory.mktemp("token"))
    return found


def test_a_token_unwraps_what_it_wrapped_for_that_person_alone(token: Path) -> None:
    key = TokenMasterKey.found(token, make_key("first"), PIN)
    wrapped = key.wrap(PERSON, K1)
    assert key.unwrap(PERSON, wrapped) == K1
    assert key.wrap(PERSON, K1) != wrapped
    assert K1 not in wrapped
    altered = bytearray(wrapped)
    altered[20] ^= 1
    for person, content in (
        (OTHER, wrapped),
        (PERSON, bytes(altered)),
        (PERSON, b""),
        (PERSON, wrapped[:12]),
    ):
        with pytest.raises(VaultLocked):
            key.unwrap(person, content)
    assert key.unwrap(PERSON, wrapped) == K1  # A refusal leaves the token usable.


def test_two_keys_of_one_token_do_not_open_each_other(token: Path) -> None:
    keys = [TokenMasterKey.found(token, make_key(label), PIN) for label in ("second", "third")]
    assert keys[0].id != keys[1].id
    with pytest.raises(VaultLocked):
        keys[1].unwrap(PERSON, keys[0].wrap(PERSON, K1))


async def test_people_move_from_a_local_key_into_the_token(token: Path, mongo_url: str) -> None:
    inside = TokenMasterKey.found(token, make_key("moved-to"), PIN)
    index = IndexKeys(KeyRing([K2]))
    both = PersonVault(MasterKeys([inside, LocalMasterKey(K1)]), index)
    alone = PersonVault(MasterKeys([inside]), index)
    async with vault_database(mongo_url) as mongo:
        people = [await refer(mongo, vault(K1), details(nhs_number())) for _ in range(3)]
        assert (await VaultRotation(mongo, both).rewrap(1_000)).done == 3
        people.append(await refer(mongo, alone, details(nhs_number())))
        opened = await alone.details(mongo, people, ["family_name"])
        assert [opened[each]["family_name"] for each in people] == ["Quillfeather"] * 4
        with pytest.raises(VaultLocked):
            await vault(K1).details(mongo, people, ["family_name"])


def test_a_token_that_cannot_be_used_is_told_without_its_pin(token: Path, tmp_path: Path) -> None:
    place = make_key("good")
    for library, uri, pin, said in (
        (tmp_path / "none.so", place, PIN, "LINKWORK_PKCS11_MODULE"),
        (token, "pkcs11:token=other;object=good", PIN, "is not found"),
        (token, place.replace("good", "absent"), PIN, "the key's label"),
        (token, make_key("leaves", may_leave=True), PIN, "may leave its token"),
        (token, "pkcs11:token=a;object=b;pin-value=1234", PIN, "and no more"),
        (token, "pkcs11:object=good", PIN, "and no more"),
    ):
        with pytest.raises(TokenUnusable, match=said) as refused:
            TokenMasterKey.found(library, uri, pin)
        assert PIN not in str(refused.value)
        assert "1234" not in str(refused.value)


def test_settings_open_a_vault_with_its_master_in_the_token(token: Path, tmp_path: Path) -> None:
    file = tmp_path / "pin"
    file.write_text(f"{PIN}\n")
    settings = VaultSettings.model_validate(
        {
            "env": "development",
            "master_key": make_key("of-settings"),
            "index_key": "Vt4RkZp8QmXw2LcYs6HdJb1NgFe9UoAi",
            "pkcs11_module": token,
            "pkcs11_pin_file": file,
        }
    )
    opened = open_vault(settings)
    assert opened.masters.ids == (KeyPlace("linkwork tests", "of-settings").id,)
