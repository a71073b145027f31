"""The chain of seals: each page holds the digests of its entries, and the hash of the page before.

A change of one entry changes its digest; a page that is altered, removed or moved breaks the chain. The
newest signature covers every page before it, so that a key may change and be destroyed.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from shared.platform.key_ring import KeyRing, RingKey, derived

# Fields of the stored entry that the sealer itself writes.
_NOT_SEALED: Final = frozenset({"open", "page"})
BEGINNING: Final = "0" * 64


@dataclass(frozen=True, slots=True)
class Leaf:
    """One sealed entry: its id and the digest of its content."""

    id: str
    digest: str


@dataclass(frozen=True, slots=True)
class Page:
    """One seal. `number` counts from 1; `previous` is the hash of the page before.

    `latest` is the time of its latest entry: after it, the retention time of the whole page runs.
    """

    number: int
    previous: str
    at: datetime
    latest: datetime
    leaves: tuple[Leaf, ...]

    @property
    def hash(self) -> str:
        """The hash of the page, with all pages before it."""
        content = [
            self.number,
            self.previous,
            _plain(self.at),
            _plain(self.latest),
            [[leaf.id, leaf.digest] for leaf in self.leaves],
        ]
        return _sha256(content)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The end of a chain at a time. Kept outside the database, it shows that no later page was cut off."""

    service: str
    number: int
    hash: str


def digest_of(row: Mapping[str, Any]) -> str:
    """The digest of a stored entry."""
    content = {name: _plain(value) for name, value in row.items() if name not in _NOT_SEALED}
    return _sha256(content)


def page_of(number: int, previous: str, at: datetime, rows: Sequence[Mapping[str, Any]]) -> Page:
    """The page that seals these entries, in this order. `rows` holds at least one."""
    leaves = tuple(Leaf(str(row["_id"]), digest_of(row)) for row in rows)
    return Page(number, previous, _milliseconds(at), max(row["at"] for row in rows), leaves)


@dataclass(frozen=True, slots=True)
class Signed:
    """A page as stored, with its signature and the id of its key."""

    page: Page
    hash: str
    signature: str
    key: str


def signed(key: RingKey, service: str, page: Page) -> Signed:
    """A page of a service's chain, signed with this key."""
    return Signed(page, page.hash, _signature(key, service, page), key.id)


def is_signed(keys: KeyRing, service: str, stored: Signed) -> bool | None:
    """True if the signature of a stored page fits it; None if its key is not among these."""
    key = next((each for each in keys if each.id == stored.key), None)
    if key is None:
        return None
    return hmac.compare_digest(_signature(key, service, stored.page), stored.signature)


def _signature(key: RingKey, service: str, page: Page) -> str:
    content = f"{service}\x1f{page.number}\x1f{page.hash}".encode()
    return hmac.digest(derived(key.secret, "audit seal"), content, "sha256").hex()


def _sha256(content: object) -> str:
    written = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(written.encode()).hexdigest()


def _milliseconds(moment: datetime) -> datetime:
    """As the database stores it."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds")
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value
