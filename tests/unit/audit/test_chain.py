"""A chain of seals shows every entry that was removed, changed, moved or inserted."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.delivery.audit.chain import BEGINNING, Checkpoint, Signed, page_of, signed
from shared.delivery.audit.verdict import ChainCheck, Verdict
from shared.platform.key_ring import KeyRing, RingKey

KEY, OLD_KEY = RingKey(b"the key of today"), RingKey(b"the key of yesterday")
SERVICE = "matching"
NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
LONG_AGO = NOON - timedelta(days=3000)
Rows = dict[str, dict[str, Any]]


def row(number: int, page: int) -> dict[str, Any]:
    return {
        "_id": f"entry-{number}",
        "at": NOON + timedelta(seconds=number, microseconds=number * 1000),
        "caller": "lw-meir-1",
        "action": "close",
        "codes": ["outcome", "reason=died"],
        "page": page,
    }


class Chain:
    """Three pages of two entries; the first is signed with the key of yesterday."""

    def __init__(self) -> None:
        self.rows: Rows = {f"entry-{n}": row(n, n // 2 + 1) for n in range(6)}
        self.pages: list[Signed] = []
        previous = BEGINNING
        for number in (1, 2, 3):
            key = OLD_KEY if number == 1 else KEY
            entries = [each for each in self.rows.values() if each["page"] == number]
            page = page_of(number, previous, NOON + timedelta(minutes=number), entries)
            self.pages.append(signed(key, SERVICE, page))
            previous = page.hash

    def check(
        self,
        earlier: Checkpoint | None = None,
        keys: tuple[RingKey, ...] = (KEY,),
        since: datetime = LONG_AGO,
    ) -> Verdict:
        check = ChainCheck(SERVICE, KeyRing([key.secret for key in keys]), since)
        for stored in self.pages:
            ids = {leaf.id for leaf in stored.page.leaves}
            there = {k: v for k, v in self.rows.items() if k in ids or v.get("page") == stored.page.number}
            check.page(stored, there)
            check.unsealed(sorted(there.keys() - ids))
        then = {stored.page.number: stored.hash for stored in self.pages}
        return check.finish(earlier, then.get(earlier.number) if earlier else None)

    def resign(self, place: int, **changes: Any) -> None:
        """Makes a page anew as somebody without the key can."""
        page = replace(self.pages[place].page, **changes)
        self.pages[place] = Signed(page, page.hash, "0" * 64, KEY.id)


def codes(verdict: Verdict) -> set[str]:
    return {fault.code for fault in verdict.faults}


def test_whole_chain_has_no_fault() -> None:
    verdict = Chain().check()
    assert (verdict.faults, verdict.pages, verdict.entries) == ([], 3, 6)


def remove(chain: Chain) -> None:
    del chain.rows["entry-2"]


def change(chain: Chain) -> None:
    chain.rows["entry-2"]["codes"] = ["outcome", "reason=moved_away"]


def add_a_field(chain: Chain) -> None:
    chain.rows["entry-2"]["note"] = "later"


def backdate(chain: Chain) -> None:
    chain.rows["entry-2"]["at"] -= timedelta(milliseconds=1)


def exchange(chain: Chain) -> None:
    first, second = chain.rows["entry-2"], chain.rows["entry-3"]
    chain.rows["entry-2"] = {**second, "_id": "entry-2"}
    chain.rows["entry-3"] = {**first, "_id": "entry-3"}


def reorder(chain: Chain) -> None:
    chain.resign(1, leaves=chain.pages[1].page.leaves[::-1])


def insert(chain: Chain) -> None:
    chain.rows["entry-9"] = row(9, 2)


def open_again(chain: Chain) -> None:
    chain.rows["entry-2"]["open"] = True


def move(chain: Chain) -> None:
    chain.rows["entry-2"]["page"] = 3


def remove_page(chain: Chain) -> None:
    del chain.pages[1]


def remove_entry_and_leaf(chain: Chain) -> None:
    del chain.rows["entry-2"]
    chain.resign(1, leaves=chain.pages[1].page.leaves[1:])


def rewrite_hash(chain: Chain) -> None:
    change(chain)
    chain.pages[1] = replace(chain.pages[1], hash="1" * 64)


@pytest.mark.parametrize(
    ("tamper", "found"),
    [
        (remove, {"entry_removed"}),
        (change, {"entry_changed"}),
        (add_a_field, {"entry_changed"}),
        (backdate, {"entry_changed"}),
        (exchange, {"entry_changed"}),
        (reorder, {"bad_signature", "page_changed"}),
        (insert, {"entry_inserted"}),
        (open_again, {"entry_moved"}),
        (move, {"entry_moved", "entry_inserted"}),
        (remove_page, {"page_missing", "entry_late"}),
        (remove_entry_and_leaf, {"bad_signature", "page_changed"}),
        (rewrite_hash, {"entry_changed", "page_changed"}),
    ],
)
def test_tampered_chain_is_found(tamper: Callable[[Chain], None], found: set[str]) -> None:
    chain = Chain()
    tamper(chain)
    verdict = chain.check()
    assert codes(verdict) & found
    assert codes(verdict) <= found | {"entry_moved"}


def test_chain_made_anew_without_the_key_is_found() -> None:
    chain = Chain()
    change(chain)
    previous = chain.pages[0].hash
    for place in (1, 2):
        number = place + 1
        entries = [each for each in chain.rows.values() if each["page"] == number]
        page = page_of(number, previous, chain.pages[place].page.at, entries)
        chain.pages[place] = replace(signed(RingKey(b"guessed"), SERVICE, page), key=KEY.id)
        previous = page.hash
    assert codes(chain.check()) == {"bad_signature"}


def test_newest_signature_covers_pages_of_a_destroyed_key() -> None:
    assert Chain().check(keys=(KEY,)).faults == []
    assert codes(Chain().check(keys=(OLD_KEY,))) == {"unknown_key"}


def test_every_listed_key_verifies_pages() -> None:
    chain = Chain()
    assert chain.check(keys=(KEY, OLD_KEY)).faults == []
    chain.pages[0] = replace(chain.pages[0], signature="0" * 64)
    assert codes(chain.check(keys=(KEY,))) == set()
    assert codes(chain.check(keys=(KEY, OLD_KEY))) == {"bad_signature"}


def test_end_cut_off_is_found_by_a_checkpoint_alone() -> None:
    chain = Chain()
    checkpoint = chain.check().checkpoint
    del chain.pages[2]
    for gone in ("entry-4", "entry-5"):
        del chain.rows[gone]
    assert chain.check().faults == []
    assert codes(chain.check(checkpoint)) == {"cut_off"}


def test_entries_past_their_retention_may_be_gone() -> None:
    chain = Chain()
    del chain.rows["entry-0"]
    after = chain.pages[0].page.latest
    assert codes(chain.check(since=after - timedelta(milliseconds=1))) == {"entry_removed"}
    verdict = chain.check(since=after)
    assert (verdict.faults, verdict.ended) == ([], 1)


def test_entry_inserted_under_an_old_date_is_late() -> None:
    chain = Chain()
    late = {**row(8, 4), "at": NOON - timedelta(days=2)}
    chain.rows["entry-8"] = late
    page = page_of(4, chain.pages[-1].hash, NOON + timedelta(minutes=9), [deepcopy(late)])
    chain.pages.append(signed(KEY, SERVICE, page))
    assert codes(chain.check()) == {"entry_late"}
