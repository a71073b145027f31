"""Seals what must not be read from the database: addresses of endpoints, and the secrets to sign with."""

import base64
import os
from collections.abc import Callable
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

RandomBytes = Callable[[int], bytes]
# As Standard Webhooks writes a secret, so that its libraries take it as it is.
_PREFIX: Final = "whsec_"
_SECRET_BYTES: Final = 32
_NONCE_BYTES: Final = 12


class CannotUnseal(Exception):
    """The text was sealed with another key, for another endpoint, or altered."""


class Sealing:
    """Seals and unseals texts of one endpoint, with a key of its own that is derived from the secret."""

    def __init__(self, secret: bytes, random_bytes: RandomBytes = os.urandom) -> None:
        derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"linkwork webhooks")
        self._cipher = AESGCM(derived.derive(secret))
        self._random_bytes = random_bytes

    def new_secret(self) -> str:
        """A new secret to sign with, such as `whsec_...`."""
        return _PREFIX + base64.b64encode(self._random_bytes(_SECRET_BYTES)).decode()

    def seal(self, text: str, endpoint: str) -> bytes:
        """Seals a text, which can be unsealed for this endpoint only."""
        nonce = self._random_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, text.encode(), endpoint.encode())

    def unseal(self, sealed: bytes, endpoint: str) -> str:
        """The text that was sealed for this endpoint.

        Raises:
            CannotUnseal: it was sealed with another key or for another endpoint, or altered.
        """
        nonce, content = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, content, endpoint.encode()).decode()
        except (InvalidTag, ValueError):
            raise CannotUnseal from None
