"""Compares a chain of seals with the entries that are there. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from shared.delivery.audit.chain import BEGINNING, Checkpoint, Page, Signed, digest_of, is_signed
from shared.platform.key_ring import KeyRing

# An entry is written with its transaction, so it is sealed within seconds or once the service runs again.
LATE: Final = timedelta(minutes=15)
_MAX_FAULTS: Final = 100


@dataclass(frozen=True, slots=True)
class Fault:
    """One contradiction: a code, and the page or entry where it stands."""

    code: str
    where: str


@dataclass
class Verdict:
    """The outcome for one service. `faults` holds the first hundred."""

    service: str
    pages: int = 0
    entries: int = 0
    ended: int = 0
    checkpoint: Checkpoint | None = None
    faults: list[Fault] = field(default_factory=list)

    def add(self, code: str, where: object) -> None:
        """Notes a fault."""
        if len(self.faults) < _MAX_FAULTS:
            self.faults.append(Fault(code, str(where)))


class ChainCheck:
    """Reads a chain from its first page. `kept_since`: older entries may have ended.

    Faults: `page_missing`, `page_changed`, `bad_signature`, `unknown_key`, `entry_removed`, `entry_changed`,
    `entry_moved`, `entry_late`, `entry_inserted`, `cut_off`.
    """

    def __init__(self, service: str, keys: KeyRing, kept_since: datetime) -> None:
        self.verdict = Verdict(service)
        self._keys = keys
        self._kept_since = kept_since
        self._previous = BEGINNING
        self._sealed_at: datetime | None = None
        self._number = 0
        self._end_is_signed: bool | None = True

    def page(self, signed: Signed, rows: Mapping[str, Mapping[str, Any]]) -> None:
        """Checks the next page; `rows` are its entries that the database holds, by id."""
        page = signed.page
        if page.number != self._number + 1:
            self.verdict.add("page_missing", self._number + 1)
        elif page.previous != self._previous:
            self.verdict.add("page_changed", page.number)
        if page.hash != signed.hash:
            self.verdict.add("page_changed", page.number)
        self._end_is_signed = is_signed(self._keys, self.verdict.service, signed)
        if self._end_is_signed is False:
            self.verdict.add("bad_signature", page.number)
        for leaf in page.leaves:
            self._entry(page, leaf.id, leaf.digest, rows.get(leaf.id))
        self._number, self._previous, self._sealed_at = page.number, signed.hash, page.at
        self.verdict.pages += 1

    def _entry(self, page: Page, entry: str, digest: str, row: Mapping[str, Any] | None) -> None:
        if row is None:
            if page.latest > self._kept_since:
                self.verdict.add("entry_removed", entry)
            else:
                self.verdict.ended += 1
            return
        self.verdict.entries += 1
        if digest_of(row) != digest:
            self.verdict.add("entry_changed", entry)
        if row.get("page") != page.number or row.get("open"):
            self.verdict.add("entry_moved", entry)
        if self._sealed_at is not None and row["at"] < self._sealed_at - LATE:
            self.verdict.add("entry_late", entry)

    def unsealed(self, rows: Iterable[str]) -> None:
        """Notes entries that say that they are sealed, and that no page names."""
        for entry in rows:
            self.verdict.add("entry_inserted", entry)

    def finish(self, earlier: Checkpoint | None, hash_then: str | None) -> Verdict:
        """The verdict. `earlier`: a checkpoint from outside; `hash_then`: the hash of its page now."""
        if self._end_is_signed is None:
            self.verdict.add("unknown_key", self._number)
        if earlier is not None and hash_then != earlier.hash:
            self.verdict.add("cut_off" if hash_then is None else "page_changed", earlier.number)
        self.verdict.checkpoint = Checkpoint(self.verdict.service, self._number, self._previous)
        return self.verdict
