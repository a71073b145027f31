"""A data key for each person, wrapped by the master key, and blind indexes to find a person again."""

import hashlib
import hmac
import os
import unicodedata
from collections.abc import Callable
from datetime import date

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shared.platform.people.names import compared_as

KEY_BYTES = 32
NONCE_BYTES = 12
# Gives that many random bytes, fit for keys.
Random = Callable[[int], bytes]


class VaultLocked(Exception):
    """Stored bytes cannot be opened: another master key wrapped them, or they were altered."""


class PersonKey:
    """The key of one person. Sealed bytes are bound to that person and to their field."""

    def __init__(self, person: str, key: bytes, random: Random = os.urandom) -> None:
        self.person = person
        self._cipher = AESGCM(key)
        self._random = random

    def seal(self, field: str, text: str) -> bytes:
        """Encrypts a text: a fresh nonce, then ciphertext and tag."""
        nonce = self._random(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, text.encode(), self._bound(field))

    def open(self, field: str, sealed: bytes) -> str:
        """Decrypts a text. Raises VaultLocked, also if it was sealed for another person or field."""
        try:
            opened = self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], self._bound(field))
        except (InvalidTag, ValueError):
            raise VaultLocked from None
        return opened.decode()

    def _bound(self, field: str) -> bytes:
        return f"{self.person}|{field}".encode()


class MasterKey:
    """Wraps the keys of people. Its id is stored beside each key, so that it can be replaced."""

    def __init__(self, key: bytes, random: Random = os.urandom) -> None:
        self._random = random
        self._secret = key
        self._cipher = AESGCM(self._derived("wrap", 32))
        self.id = self._derived("id", 8).hex()

    def new_key(self, person: str) -> tuple[PersonKey, bytes]:
        """A fresh random key for a person, and the same key wrapped for storing."""
        key = self._random(KEY_BYTES)
        nonce = self._random(NONCE_BYTES)
        return PersonKey(person, key, self._random), nonce + self._cipher.encrypt(nonce, key, person.encode())

    def unwrap(self, person: str, master: str, wrapped: bytes) -> PersonKey:
        """Unwraps a stored key. Raises VaultLocked, also if another master key wrapped it."""
        if master != self.id:
            raise VaultLocked
        try:
            key = self._cipher.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], person.encode())
        except (InvalidTag, ValueError):
            raise VaultLocked from None
        return PersonKey(person, key, self._random)

    def blind_index(self, locality: str) -> "BlindIndex":
        """The blind index of a locality. Entries of two localities cannot be compared."""
        return BlindIndex(locality, self._derived(f"blind index {locality}", 32))

    def _derived(self, purpose: str, size: int) -> bytes:
        return HKDF(SHA256(), size, salt=None, info=f"linkwork vault {purpose}".encode()).derive(self._secret)


class BlindIndex:
    """Keyed digests: equal for the same person, and meaningless without the key."""

    def __init__(self, locality: str, key: bytes) -> None:
        self.locality = locality
        self._key = key

    def by_number(self, nhs_number: str) -> str:
        """The digest of a normalised NHS number: equal digests are the same person."""
        return self._digest("number", nhs_number)

    def by_likeness(self, given_name: str, family_name: str, born: date, postcode: str | None) -> str:
        """The digest of name, date of birth and postcode: equal digests may be the same person."""
        name = compared_as(given_name) + " " + compared_as(family_name)
        return self._digest("likeness", unicodedata.normalize("NFC", name), born.isoformat(), postcode or "")

    def digest(self, purpose: str, text: str) -> bytes:
        """A keyed digest of a text, which recognises a repeated text without storing it."""
        return hmac.new(self._key, f"{purpose}\x1f{text}".encode(), hashlib.sha256).digest()

    def _digest(self, kind: str, *parts: str) -> str:
        mac = hmac.new(self._key, "\x1f".join((kind, *parts)).encode(), hashlib.sha256).hexdigest()
        return f"{self.locality}/{kind}/{mac}"
