"""Makes the vault from settings: its master keys, here or in a token, and its index keys."""

import base64

from services.referral.identity.vault.keys import IndexKeys
from services.referral.identity.vault.masters import LocalMasterKey, MasterKey, MasterKeys
from services.referral.identity.vault.persons import PersonVault
from services.referral.vault_settings import VaultSettings, in_a_token
from shared.platform.key_ring import KeyRing


def open_vault(settings: VaultSettings) -> PersonVault:
    """The vault of these settings.

    Raises:
        TokenUnusable: a master key is in a token that cannot be used.
    """
    masters = [_master(settings, key) for key in settings.master_keys()]
    return PersonVault(MasterKeys(masters), index_keys(settings))


def index_keys(settings: VaultSettings) -> IndexKeys:
    """The index keys of these settings."""
    return IndexKeys(KeyRing(settings.index_secrets()))


def _master(settings: VaultSettings, key: str) -> MasterKey:
    if not in_a_token(key):
        return LocalMasterKey(base64.b64decode(key))
    from services.referral.identity.vault.token import TokenMasterKey

    return TokenMasterKey.found(settings.pkcs11_module, key, settings.token_pin())
