"""Keys of one purpose, newest first: what is written uses the newest key, and all of them read."""

import hmac
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_ID_BYTES: Final = 8


def split_keys(setting: str) -> tuple[str, ...]:
    """The keys of a setting, newest first. Commas or line ends separate them."""
    return tuple(key for line in setting.splitlines() for part in line.split(",") if (key := part.strip()))


def derived(secret: bytes, purpose: str, size: int = 32) -> bytes:
    """A key for one purpose, so that one secret never serves two."""
    return HKDF(SHA256(), size, salt=None, info=f"linkwork {purpose}".encode()).derive(secret)


@dataclass(frozen=True, slots=True)
class RingKey:
    """One key. Its id names it in rows and in what operators read, and gives nothing of it away."""

    secret: bytes = field(repr=False)

    @property
    def id(self) -> str:
        """The same word for the same key: 16 hexadecimal digits."""
        return derived(self.secret, "key id", _ID_BYTES).hex()


class KeyRing:
    """The keys of one purpose. There is at least one."""

    def __init__(self, secrets: Sequence[bytes]) -> None:
        """Keeps each secret once, in the given order. Raises ValueError without any."""
        self._keys = tuple(RingKey(secret) for secret in dict.fromkeys(secrets))
        if not self._keys:
            raise ValueError("a key ring needs a key")

    @classmethod
    def of(cls, setting: str | bytes) -> "KeyRing":
        """The keys of a setting, as text or as its bytes."""
        text = setting.decode() if isinstance(setting, bytes) else setting
        return cls([key.encode() for key in split_keys(text)])

    def __iter__(self) -> Iterator[RingKey]:
        """The keys, newest first."""
        return iter(self._keys)

    @property
    def newest(self) -> RingKey:
        """The key for what is written."""
        return self._keys[0]

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all keys, newest first."""
        return tuple(key.id for key in self._keys)

    def macs(self, content: bytes, digest: str = "sha256") -> tuple[bytes, ...]:
        """The keyed digest of a content under each key, newest first."""
        return tuple(hmac.digest(key.secret, content, digest) for key in self._keys)
