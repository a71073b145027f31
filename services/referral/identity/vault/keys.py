"""A data key for each person, and blind indexes to find a person again."""

import hmac
import os
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import date

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.platform.key_ring import KeyRing, derived
from shared.platform.people.names import compared_as

KEY_BYTES = 32
NONCE_BYTES = 12
_TERM_BYTES = 8
# Gives that many random bytes, fit for keys.
Random = Callable[[int], bytes]


class VaultLocked(Exception):
    """Stored bytes cannot be opened: another master key wrapped them, or they were altered."""


class VaultClosed(Exception):
    """It is not known yet who of the people in the database was erased: nobody is shown or found."""


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


class IndexKeys:
    """The keys of blind indexes, newest first. Each locality has keys of its own, derived from them."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all keys, newest first."""
        return self._ring.ids

    @property
    def newest(self) -> str:
        """The id of the newest key."""
        return self._ring.newest.id

    def of(self, locality: str) -> "BlindIndex":
        """The blind index of a locality. Entries of two localities cannot be compared."""
        keys = {key.id: derived(key.secret, f"vault blind index {locality}") for key in self._ring}
        return BlindIndex(locality, keys)


class BlindIndex:
    """Keyed digests: equal for the same person, and meaningless without the key.

    While two keys are in use, a person has digests under both (`*_by_key`), so that processes with one of
    them and processes with both find the same person.
    """

    def __init__(self, locality: str, keys: Mapping[str, bytes]) -> None:
        """Keeps the keys by their ids, newest first."""
        self.locality = locality
        self._keys = keys

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of the keys, newest first."""
        return tuple(self._keys)

    def by_number(self, nhs_number: str) -> str:
        """The newest digest of a normalised NHS number: equal digests are the same person."""
        return next(iter(self.number_by_key(nhs_number).values()))

    def number_by_key(self, nhs_number: str) -> dict[str, str]:
        """The digest of a normalised NHS number by the id of each key, newest first."""
        return self._digests("number", nhs_number)

    def by_likeness(self, given_name: str, family_name: str, born: date, postcode: str | None) -> str:
        """The newest digest of name, date of birth and postcode."""
        return next(iter(self.likeness_by_key(given_name, family_name, born, postcode).values()))

    def likeness_by_key(
        self, given_name: str, family_name: str, born: date, postcode: str | None
    ) -> dict[str, str]:
        """The digest of name, date of birth and postcode by key: equal ones may be the same person."""
        name = unicodedata.normalize("NFC", compared_as(given_name) + " " + compared_as(family_name))
        return self._digests("likeness", name, born.isoformat(), postcode or "")

    def terms_by_key(self, practice: str, terms: Sequence[str]) -> dict[str, list[bytes]]:
        """Short digests of search terms by key. Those of two practices cannot be compared.

        Two terms may share a digest, so what is found is compared once it is decrypted.
        """
        contents = [f"find\x1f{practice}\x1f{term}".encode() for term in terms]
        return {
            name: [hmac.digest(key, content, "sha256")[:_TERM_BYTES] for content in contents]
            for name, key in self._keys.items()
        }

    def digest(self, purpose: str, text: str) -> bytes:
        """The newest keyed digest of a text, which recognises a repeated text without storing it."""
        return self.digests(purpose, text)[0]

    def digests(self, purpose: str, text: str) -> list[bytes]:
        """The keyed digest of a text under each key, newest first."""
        content = f"{purpose}\x1f{text}".encode()
        return [hmac.digest(key, content, "sha256") for key in self._keys.values()]

    def _digests(self, kind: str, *parts: str) -> dict[str, str]:
        content = "\x1f".join((kind, *parts)).encode()
        macs = {name: hmac.digest(key, content, "sha256").hex() for name, key in self._keys.items()}
        return {name: f"{self.locality}/{kind}/{mac}" for name, mac in macs.items()}
