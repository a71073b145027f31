"""Master keys, newest first: each wraps and unwraps the keys of people, in this process or in a token."""

import asyncio
import os
from collections.abc import Iterable, Sequence
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.referral.identity.vault.keys import KEY_BYTES, NONCE_BYTES, PersonKey, Random, VaultLocked
from shared.platform.key_ring import derived


class MasterKey(Protocol):
    """One master key. An implementation never gives the key away, so that a KMS can hold it."""

    @property
    def id(self) -> str:
        """Its id, stored beside each key that it wrapped."""

    @property
    def waits(self) -> bool:
        """True if wrapping waits for something outside this process, and so belongs into a thread."""

    def wrap(self, person: str, key: bytes) -> bytes:
        """Encrypts a person's key, bound to the person. Raises VaultLocked if it cannot."""

    def unwrap(self, person: str, wrapped: bytes) -> bytes:
        """Decrypts a person's key. Raises VaultLocked, also for another person's or an altered one."""


class LocalMasterKey:
    """A master key in this process's memory."""

    waits = False

    def __init__(self, secret: bytes, random: Random = os.urandom) -> None:
        self._random = random
        self._cipher = AESGCM(derived(secret, "vault wrap"))
        self.id = derived(secret, "vault id", 8).hex()

    def wrap(self, person: str, key: bytes) -> bytes:
        """As MasterKey: a fresh nonce, then ciphertext and tag."""
        nonce = self._random(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, key, person.encode())

    def unwrap(self, person: str, wrapped: bytes) -> bytes:
        """As MasterKey."""
        try:
            return self._cipher.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], person.encode())
        except (InvalidTag, ValueError):
            raise VaultLocked from None


class MasterKeys:
    """The master keys: the newest wraps, each unwraps what it wrapped."""

    def __init__(self, keys: Sequence[MasterKey], random: Random = os.urandom) -> None:
        """Keeps the keys, newest first. There is at least one."""
        self._newest = keys[0]
        self._by_id = {key.id: key for key in keys}
        self._random = random

    @property
    def newest(self) -> str:
        """The id of the key that wraps."""
        return self._newest.id

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all keys, newest first."""
        return tuple(self._by_id)

    async def new_key(self, person: str) -> tuple[PersonKey, bytes]:
        """A fresh random key for a person, and the same key wrapped for storing."""
        key = self._random(KEY_BYTES)
        return PersonKey(person, key, self._random), await self._wrapped(person, key)

    async def unwrap(self, person: str, master: str, wrapped: bytes) -> PersonKey:
        """Unwraps a stored key. Raises VaultLocked, also if no key here wrapped it."""
        return (await self.unwrap_all([(person, master, wrapped)]))[0]

    async def unwrap_all(self, stored: Iterable[tuple[str, str, bytes]]) -> list[PersonKey]:
        """Unwraps stored keys, each with its person and its master key's id. Raises VaultLocked."""
        rows = list(stored)
        if any(master not in self._by_id for _, master, _ in rows):
            raise VaultLocked
        if any(self._by_id[master].waits for _, master, _ in rows):
            opened = await asyncio.to_thread(self._opened, rows)
        else:
            opened = self._opened(rows)
        return [PersonKey(row[0], key, self._random) for row, key in zip(rows, opened, strict=True)]

    async def wrapped_anew(self, person: str, master: str, wrapped: bytes) -> bytes:
        """The same key under the newest master key. Raises VaultLocked as `unwrap` does."""
        if master not in self._by_id:
            raise VaultLocked
        row = (person, master, wrapped)
        waits = self._by_id[master].waits
        (key,) = await asyncio.to_thread(self._opened, [row]) if waits else self._opened([row])
        return await self._wrapped(person, key)

    def _opened(self, rows: Iterable[tuple[str, str, bytes]]) -> list[bytes]:
        return [self._by_id[master].unwrap(person, wrapped) for person, master, wrapped in rows]

    async def _wrapped(self, person: str, key: bytes) -> bytes:
        if self._newest.waits:
            return await asyncio.to_thread(self._newest.wrap, person, key)
        return self._newest.wrap(person, key)
