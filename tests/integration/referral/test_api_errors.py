"""Bad input over HTTP: a problem document with a pointer for each, and never a word of what was sent."""

import json
from typing import Any

import pytest

from tests.harness.referral.people import referral_body
from tests.harness.referral.running import ReferralHarness

REFERRALS = "/api/referral/v1/referrals"


@pytest.mark.parametrize(
    ("different", "pointer"),
    [
        ({"nhs_number": "9990000019"}, "/nhs_number"),
        ({"practice": "Z98765"}, "/practice"),
        ({"practice": "M83001"}, "/practice"),
        ({"agreed": False}, "/agreed"),
        ({"risk": None}, "/risk"),
        ({"date_of_birth": "2999-01-01"}, "/date_of_birth"),
        ({"date_of_birth": "2015-01-01"}, "/date_of_birth"),
        ({"date_of_birth": "31/12/1950"}, "/date_of_birth"),
        ({"date_of_birth": 1951}, "/date_of_birth"),
        ({"postcode": "ST3 9ZZ"}, "/postcode"),
        ({"needs": []}, "/needs"),
        ({"needs": ["yachting"]}, "/needs/0"),
        ({"needs": "debt"}, "/needs"),
        ({"reason": "x" * 301}, "/reason"),
        ({"given_name": {"a": "b"}}, "/given_name"),
        ({"language": "Klingon"}, "/language"),
        ({"practice": "   "}, "/practice"),
        ({"safe_to_text": "maybe"}, "/safe_to_text"),
        ({"unheard_of": "x"}, ""),
    ],
)
async def test_each_is_answered_beside_its_field(
    referral: ReferralHarness, different: dict[str, Any], pointer: str
) -> None:
    headers = referral.referrer(practices=["M83100", "M83713"])
    body = referral_body(given_name="Wolfgang", family_name="Zimmermann") | different

    answer = await referral.http.post(REFERRALS, json=body, headers=headers)

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]
    for sent in (
        "Wolfgang",
        "Zimmermann",
        body["telephone"],
        str(body["nhs_number"]),
        "yachting",
        "Klingon",
        "xxx",
    ):
        assert sent not in answer.text


@pytest.mark.parametrize(
    "raw", [b"{", b"", b"[]", b"null", b'"text"', b'{"needs":NaN}', b"\xff\xfe", b"[" * 5000]
)
async def test_what_is_not_json_is_said(referral: ReferralHarness, raw: bytes) -> None:
    headers = referral.referrer() | {"content-type": "application/json"}
    answer = await referral.http.post(REFERRALS, content=raw, headers=headers)
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_two_megabytes_are_too_much(referral: ReferralHarness) -> None:
    body = json.dumps(referral_body(reason="x" * 2_000_000)).encode()
    headers = referral.referrer() | {"content-type": "application/json"}

    answer = await referral.http.post(REFERRALS, content=body, headers=headers)

    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("address", ["not-a-reference", "9990000018", "01900000-0000-7000-8000-00000000000G"])
async def test_an_address_that_cannot_be(referral: ReferralHarness, address: str) -> None:
    answer = await referral.http.get(f"{REFERRALS}/{address}", headers=referral.referrer())
    assert answer.status_code in (404, 422)
    assert address not in answer.text


@pytest.mark.parametrize(
    "params",
    [
        {"stage": "dancing"},
        {"since": "yesterday"},
        {"since": "2026-01-01T00:00:00"},
        {"limit": "0"},
        {"limit": "9999"},
    ],
)
async def test_a_list_asked_for_wrongly(referral: ReferralHarness, params: dict[str, str]) -> None:
    answer = await referral.http.get(REFERRALS, params=params, headers=referral.referrer())
    assert answer.status_code == 422


@pytest.mark.parametrize("key", ["", "with space", "x" * 201])
async def test_a_key_that_is_none(referral: ReferralHarness, key: str) -> None:
    answer = await referral.make(referral_body(), **{"idempotency-key": key})
    assert answer.status_code == 422
