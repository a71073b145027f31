"""Compares two generations: their facts, and the views of the same facts."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final, cast

from bson import decode, encode
from bson.raw_bson import RawBSONDocument

from shared.delivery.model.facts import canonical
from shared.delivery.mongo.database import Collection, Document, Mongo, in_raw_form
from shared.delivery.rebuild.generations import names_of
from shared.delivery.unit_of_work.unit_of_work import REFERRALS

_FIELDS: Final = {"facts.s": 1, "facts.i": 1, "facts.b": 1, "view": 1}
_PAGE: Final = 2000
# Documents that are held as objects; a referral may have megabytes of facts.
_AT_ONCE: Final = 200


@dataclass
class Comparison:
    """The differences between two generations.

    Attributes:
        missing: facts of the live generation that the new one lacks.
        extra: facts of the new generation that the live one lacks.
        views: referrals with the same facts and another view.
        unlike: ids of the referrals in which anything differs.
    """

    referrals: int = 0
    facts: int = 0
    missing: int = 0
    extra: int = 0
    views: int = 0
    unlike: set[str] = field(default_factory=set)

    def add(self, more: "Comparison") -> None:
        """Adds the differences of other referrals."""
        for name in ("referrals", "facts", "missing", "extra", "views"):
            setattr(self, name, getattr(self, name) + getattr(more, name))
        self.unlike |= more.unlike

    def pair(self, identity: str, old: RawBSONDocument | None, new: RawBSONDocument | None) -> None:
        """Compares a referral's two documents."""
        ours, theirs = _facts(old), _facts(new)
        if ours != theirs:  # Rare: the two may have stored the same fact in two spellings.
            ours, theirs = _respelled(ours), _respelled(theirs)
        self.referrals += 1
        self.facts += len(ours)
        missing, extra = len(ours - theirs), len(theirs - ours)
        view = not (missing or extra) and _view(old) != _view(new)
        self.missing += missing
        self.extra += extra
        self.views += view
        if missing or extra or view:
            self.unlike.add(identity)


def _facts(stored: RawBSONDocument | None) -> set[bytes]:
    """Source, id and body of each fact, as the document holds them."""
    return set() if stored is None else {fact.raw for fact in stored["facts"]}


def _respelled(facts: set[bytes]) -> set[bytes]:
    return {encode({**fact, "b": canonical(fact["b"])}) for fact in map(decode, facts)}


def _view(stored: RawBSONDocument | None) -> bytes:
    raw: bytes = b"" if stored is None else stored["view"].raw
    return raw


async def compare_all(mongo: Mongo, old: int, new: int, localities: Sequence[str]) -> Comparison:
    """Compares every referral of these localities."""
    whole = Comparison()
    for locality in localities:
        which = {"_id": {"$gte": f"{locality}/", "$lt": f"{locality}0"}}
        async for identity, left, right in _side_by_side(mongo, old, new, which):
            whole.pair(identity, left, right)
    return whole


async def compare_these(mongo: Mongo, old: int, new: int, identities: Iterable[str]) -> Comparison:
    """Compares these referrals."""
    whole, waiting = Comparison(), iter(sorted(identities))
    while page := list(islice(waiting, _PAGE)):
        async for identity, left, right in _side_by_side(mongo, old, new, {"_id": {"$in": page}}):
            whole.pair(identity, left, right)
    return whole


async def _side_by_side(
    mongo: Mongo, old: int, new: int, which: Document
) -> AsyncIterator[tuple[str, RawBSONDocument | None, RawBSONDocument | None]]:
    left, right = _pages(mongo, old, which), _pages(mongo, new, which)
    a, b = await asyncio.gather(anext(left, None), anext(right, None))
    while a is not None or b is not None:
        at = min(one["_id"] for one in (a, b) if one is not None)
        here = a if a is not None and a["_id"] == at else None
        there = b if b is not None and b["_id"] == at else None
        yield at, here, there
        if here is not None:
            a = await anext(left, None)
        if there is not None:
            b = await anext(right, None)


async def _pages(mongo: Mongo, number: int, which: Document) -> AsyncIterator[RawBSONDocument]:
    collection: Collection = mongo.database[names_of([REFERRALS], number)[REFERRALS]]
    cursor = in_raw_form(collection).find(which, _FIELDS).sort("_id", 1).batch_size(_PAGE)
    while page := await cursor.to_list(_AT_ONCE):
        for row in page:
            yield cast("RawBSONDocument", row)


@dataclass(frozen=True)
class DerivedComparison:
    """The number of compared rows of the derived collections, and the names of those that differ."""

    rows: int
    unlike: tuple[str, ...]


async def compare_derived(mongo: Mongo, old: int, new: int, collections: Iterable[str]) -> DerivedComparison:
    """Compares every row of these collections. A number that is 0 equals none."""
    rows = 0
    unlike: list[str] = []
    for name in collections:
        left, right = [
            {row["_id"]: _nonzero(row) async for row in mongo.database[names_of([name], number)[name]].find()}
            for number in (old, new)
        ]
        rows += len(left)
        unlike += [
            f"{name} {identity}"
            for identity in sorted(left.keys() | right.keys(), key=str)
            if (left.get(identity) or {}) != (right.get(identity) or {})
        ]
    return DerivedComparison(rows, tuple(unlike))


def _nonzero(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row without its numbers that are 0; empty if all are 0."""
    numbers = {name: _numbers(value) for name, value in row.items() if isinstance(value, dict)}
    plain = {name: value for name, value in row.items() if not isinstance(value, dict)}
    return plain | numbers if any(numbers.values()) or not numbers else {}


def _numbers(value: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers that are not 0, at any depth."""
    numbers = {name: _numbers(each) if isinstance(each, dict) else each for name, each in value.items()}
    return {name: each for name, each in numbers.items() if each not in (0, {})}
