"""The set of facts: what is a repeat, and what says something else under the same key."""

from typing import Any

import pytest

from shared.contract.events.envelope import Envelope, Refused, read
from shared.delivery.model.facts import ReceivedEvent, restore, same_body
from shared.delivery.unit_of_work.aggregate import AppendResult, ReferralAggregate
from tests.harness.delivery.toy import TOY, created, said


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (b'{"a":1,"b":[1,2]}', b'{"a":1,"b":[1,2]}', True),
        (b'{"a":1,"b":{"c":1,"d":2}}', b'{ "b": {"d": 2, "c": 1}, "a": 1 }', True),
        (b'{"a":"\\u00e9"}', '{"a":"é"}'.encode(), True),
        (b'{"a":1,"b":[1,2]}', b'{"a":1,"b":[2,1]}', False),
        (b'{"a":1}', b'{"a":2}', False),
        (b'{"a":1}', b'{"a":1,"b":null}', False),
        (b'{"a":NaN}', b'{"a":NaN}', True),
        (b'{"a":NaN}', b'{ "a":NaN}', False),  # what has no one spelling is compared as it stands
        (b'{"a":NaN}', b'{"a":1}', False),
    ],
)
def test_bodies_in_any_field_order_are_compared(one: bytes, other: bytes, same: bool) -> None:
    assert same_body(one, other) is same
    assert same_body(other, one) is same


@pytest.mark.parametrize(
    ("raw", "told"),
    [(lambda raw: raw, "duplicate"), (lambda raw: raw.replace(b"M83100", b"M83101"), "conflict")],
)
def test_document_with_digests_is_read(raw: Any, told: AppendResult) -> None:
    heard = ReceivedEvent.of(said(created("meir")))
    body = heard.fact.body
    stored = {
        "_id": f"meir/{body.referral_id}",
        "locality": "meir",
        "referral": body.referral_id,
        "v": 1,
        "fold": TOY.fold_version,
        "facts": [heard.stored() | {"h": b"sixteen bytes..."}],
        "view": {},
    }
    case = ReferralAggregate.from_document(TOY, stored)
    again = ReceivedEvent(heard.fact, raw(heard.raw))
    assert case.append(again) == told
    assert not case.added


def test_number_unknown_to_json_in_ignored_field_is_accepted() -> None:
    event = said(created("meir"))
    raw = event.raw[:-1] + b',"of_a_later_version":NaN}'
    found = read(event.topic(), event.body.referral_id.encode(), raw, event.headers())
    assert isinstance(found, Envelope)
    fact = restore(ReceivedEvent.of(found).stored(), "meir", event.body.referral_id)
    assert fact.body == event.body
    where_it_is_read = event.raw.replace(b'"M83100"', b"NaN")
    assert isinstance(
        read(event.topic(), event.body.referral_id.encode(), where_it_is_read, event.headers()), Refused
    )
