"""Seals what must not be read from the database: addresses of endpoints, and the secrets to sign with."""

import base64
import os
from collections.abc import Callable
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.platform.key_ring import KeyRing, derived

RandomBytes = Callable[[int], bytes]
# As Standard Webhooks writes a secret, so that its libraries take it as it is.
_PREFIX: Final = "whsec_"
_SECRET_BYTES: Final = 32
_NONCE_BYTES: Final = 12


class CannotUnseal(Exception):
    """The text was sealed with another key, for another endpoint, or altered."""


class Sealing:
    """Seals and unseals texts of one endpoint, with keys of its own that are derived from the secrets.

    `secret`: the dead letter keys, as the setting lists them.
    """

    def __init__(self, secret: bytes, random_bytes: RandomBytes = os.urandom) -> None:
        ring = KeyRing.of(secret)
        self.newest = ring.newest.id
        self._ciphers = {key.id: AESGCM(derived(key.secret, "webhooks")) for key in ring}
        self._random_bytes = random_bytes

    def new_secret(self) -> str:
        """A new secret to sign with, such as `whsec_...`."""
        return _PREFIX + base64.b64encode(self._random_bytes(_SECRET_BYTES)).decode()

    def seal(self, text: str, endpoint: str) -> bytes:
        """Seals a text, which can be unsealed for this endpoint only."""
        nonce = self._random_bytes(_NONCE_BYTES)
        return nonce + self._ciphers[self.newest].encrypt(nonce, text.encode(), endpoint.encode())

    def unseal(self, sealed: bytes, endpoint: str) -> str:
        """The text that was sealed for this endpoint.

        Raises:
            CannotUnseal: it was sealed with another key or for another endpoint, or altered.
        """
        return self._unsealed(sealed, endpoint)[0]

    def key_of(self, sealed: bytes, endpoint: str) -> str:
        """The id of the key that sealed a text. Raises CannotUnseal."""
        return self._unsealed(sealed, endpoint)[1]

    def _unsealed(self, sealed: bytes, endpoint: str) -> tuple[str, str]:
        nonce, content = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        for key, cipher in self._ciphers.items():
            try:
                return cipher.decrypt(nonce, content, endpoint.encode()).decode(), key
            except (InvalidTag, ValueError):
                continue
        raise CannotUnseal
