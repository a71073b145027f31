"""The comparison of a referral's two generations."""

from typing import Any
from uuid import uuid4

import pytest
from bson import encode
from bson.raw_bson import RawBSONDocument

from shared.delivery.mongo.database import Mongo
from shared.delivery.rebuild.comparing import Comparison, DerivedComparison, compare_derived

BODY = b'{"referral_id":"r","locality":"meir"}'
VIEW = {"stage": "waiting"}


def stored(*facts: dict[str, Any], view: dict[str, Any] = VIEW) -> RawBSONDocument:
    return RawBSONDocument(encode({"_id": "meir/r", "facts": list(facts), "view": view}))


def fact(body: bytes = BODY, identity: str = "1") -> dict[str, Any]:
    return {"s": "/meir/referral", "i": identity, "b": body}


def compared(old: RawBSONDocument | None, new: RawBSONDocument | None) -> Comparison:
    whole = Comparison()
    whole.pair("meir/r", old, new)
    return whole


def test_the_same_facts_and_views_are_alike() -> None:
    assert compared(stored(fact()), stored(fact())) == Comparison(referrals=1, facts=1)


def test_a_fact_heard_in_another_spelling_is_the_same_fact() -> None:
    other = b'{ "locality": "meir", "referral_id": "r" }'
    assert compared(stored(fact()), stored(fact(other))) == Comparison(referrals=1, facts=1)


@pytest.mark.parametrize(
    ("old", "new", "missing", "extra"),
    [
        (stored(fact()), None, 1, 0),
        (None, stored(fact()), 0, 1),
        (stored(fact()), stored(fact(), fact(identity="2")), 0, 1),
        (stored(fact()), stored(fact(b'{"referral_id":"r","locality":"leek-werrington"}')), 1, 1),
        (stored(fact()), stored(fact(identity="2")), 1, 1),
    ],
)
def test_facts_that_only_one_of_them_has_are_counted(
    old: RawBSONDocument | None, new: RawBSONDocument | None, missing: int, extra: int
) -> None:
    found = compared(old, new)
    assert (found.missing, found.extra, found.views) == (missing, extra, 0)
    assert found.unlike == {"meir/r"}


def test_another_view_of_the_same_facts_is_counted() -> None:
    found = compared(stored(fact()), stored(fact(), view={"stage": "met"}))
    assert (found.missing, found.extra, found.views) == (0, 0, 1)
    assert found.unlike == {"meir/r"}


async def test_rows_that_differ_are_named_and_zero_equals_none(mongo_url: str) -> None:
    mongo = Mongo(mongo_url, f"test_comparing_{uuid4().hex[:12]}")
    old = [
        {"_id": "same", "n": {"journey": {"met": 1, "booked": 0}}},
        {"_id": "zeros", "n": {"journey": {"met": 0}, "needs": {}}},
        {"_id": "deep", "n": {"journey": {"met": 1}}},
        {"_id": "gone", "n": {"met": 2}},
    ]
    new = [
        {"_id": "same", "n": {"journey": {"met": 1}, "needs": {"debt": 0}}},
        {"_id": "deep", "n": {"journey": {"met": 2}}},
    ]
    await mongo.database["sums"].insert_many(old)
    await mongo.database["sums.g2"].insert_many(new)
    assert await compare_derived(mongo, 1, 2, ["sums"]) == DerivedComparison(4, ("sums deep", "sums gone"))
    await mongo.client.drop_database(mongo.database.name)
    await mongo.close()
