"""The claim check and the notes for services: requests, answers and the audit."""

import asyncio
from typing import Any

import httpx

from shared.platform.ids import new_id
from tests.harness.referral.people import referral_body
from tests.harness.referral.running import ReferralHarness

BASE = "/api/referral/v1"


async def claim(referral: ReferralHarness, *referrals: str, fields: list[str], **more: Any) -> httpx.Response:
    body = {"locality": referral.here, "referrals": list(referrals), "fields": fields, "purpose": "meeting"}
    return await referral.http.post(f"{BASE}/claims", json=body | more, headers=referral.service())


async def keep(
    referral: ReferralHarness, about: str, text: str, key: str | None = None, **more: Any
) -> httpx.Response:
    headers = referral.service("notes:write") | ({"idempotency-key": key} if key else {})
    body = {"locality": referral.here, "kind": "goal", "text": text} | more
    return await referral.http.post(f"{BASE}/referrals/{about}/notes", json=body, headers=headers)


async def test_fields_are_given_as_asked(referral: ReferralHarness) -> None:
    body = referral_body(
        risk="see_note",
        risk_line="Large dog",
        reason="Lonely since the move",
        sensitive_needs=["gambling"],
        email="someone@example.org",
        interpreter=True,
        language="ur",
    )
    made = await referral.made(body)

    answer = await claim(
        referral,
        made,
        fields=[
            "name", "telephone", "email", "address", "postcode", "date_of_birth", "safe_to_text",
            "language", "interpreter", "reason", "risk", "sensitive_needs",
        ],
    )  # fmt: skip

    assert answer.json()["people"][made] == {
        "name": f"{body['given_name']} {body['family_name']}",
        "telephone": "+44" + body["telephone"].replace(" ", "")[1:],
        "email": "someone@example.org",
        "address": body["house"],
        "postcode": "ST3 6AB",
        "date_of_birth": body["date_of_birth"],
        "safe_to_text": "yes",
        "language": "ur",
        "interpreter": True,
        "reason": "Lonely since the move",
        "risk": "Large dog",
        "sensitive_needs": ["gambling"],
    }
    only = await claim(referral, made, fields=["telephone"])
    assert set(only.json()["people"][made]) == {"telephone"}


async def test_claim_of_an_unknown_person_is_missing(referral: ReferralHarness) -> None:
    made, stranger = await referral.made(referral_body()), new_id()

    answer = (await claim(referral, made, stranger, fields=["name"])).json()
    one = await referral.http.get(
        f"{BASE}/claims/{stranger}",
        params={"locality": referral.here, "fields": ["name"], "purpose": "message"},
        headers=referral.service(),
    )

    assert set(answer["people"]) == {made}
    assert answer["missing"] == {stranger: 404}
    assert one.status_code == 404


async def test_one_person_by_reference(referral: ReferralHarness) -> None:
    body = referral_body()
    made = await referral.made(body)
    params = {"locality": referral.here, "fields": ["name", "postcode"], "purpose": "message"}

    answer = await referral.http.get(f"{BASE}/claims/{made}", params=params, headers=referral.service())

    assert answer.json() == {"name": f"{body['given_name']} {body['family_name']}", "postcode": "ST3 6AB"}


async def test_a_referral_is_found_in_its_own_locality_only(referral: ReferralHarness) -> None:
    made = await referral.made(referral_body())

    answer = await claim(referral, made, fields=["name"], locality=referral.far)
    nowhere = await claim(referral, made, fields=["name"], locality="atlantis")

    assert answer.json() == {"people": {}, "missing": {made: 404}}
    assert nowhere.json() == {"people": {}, "missing": {made: 404}}


async def test_a_token_of_one_locality_is_refused_in_another(referral: ReferralHarness) -> None:
    made = await referral.made(referral_body())
    headers = referral.service(localities=[referral.far])
    body = {"locality": referral.here, "referrals": [made], "fields": ["name"], "purpose": "message"}

    answer = await referral.http.post(f"{BASE}/claims", json=body, headers=headers)

    assert answer.status_code == 403


async def test_every_read_is_audited(referral: ReferralHarness) -> None:
    made = await referral.made(referral_body())
    person = (await referral.until(made))["person"]

    await claim(referral, made, fields=["name"], on_behalf_of="lw-meir-1")

    entry = await referral.mongo["audit"].find_one({"subject_ref": person, "action": "claim"})
    assert entry is not None
    assert entry["caller"] == "linkwork-tester for lw-meir-1"
    assert entry["purpose"] == "meeting"
    shown = await referral.http.get(f"{BASE}/referrals/{made}", headers=referral.referrer())
    assert shown.status_code == 200
    read = await referral.mongo["audit"].find_one({"subject_ref": person, "action": "read_person"})
    assert read is not None


async def test_a_note_is_kept_and_read(referral: ReferralHarness) -> None:
    made, other = await referral.made(referral_body()), await referral.made(referral_body())
    kept = await keep(referral, made, "Walk to the park\r\nwith Sam")

    note = kept.json()["note_id"]
    body = {"locality": referral.here, "referral": made, "notes": [note, new_id()]}
    read = await referral.http.post(f"{BASE}/notes/read", json=body, headers=referral.service())
    elsewhere = await referral.http.post(
        f"{BASE}/notes/read", json=body | {"referral": other}, headers=referral.service()
    )

    assert kept.status_code == 201
    assert read.json() == {"notes": {note: "Walk to the park\nwith Sam"}}
    assert elsewhere.json() == {"notes": {}}


async def test_a_note_sent_twice_is_kept_once(referral: ReferralHarness) -> None:
    made, key = await referral.made(referral_body()), new_id()

    both = await asyncio.gather(*(keep(referral, made, "Once", key) for _ in range(3)))
    another = await keep(referral, made, "Something else", key)

    assert {answer.status_code for answer in both} == {201}
    assert len({answer.json()["note_id"] for answer in both}) == 1
    assert another.status_code == 422


async def test_note_about_an_unknown_referral_is_refused(referral: ReferralHarness) -> None:
    assert (await keep(referral, new_id(), "Text")).status_code == 404


async def test_claim_with_an_invalid_body_is_refused(referral: ReferralHarness) -> None:
    made = await referral.made(referral_body())
    wrong: list[dict[str, Any]] = [
        {"fields": ["nhs_number"]},
        {"fields": []},
        {"purpose": "curiosity"},
        {"referrals": []},
        {"referrals": ["not-a-reference"]},
        {"referrals": [new_id() for _ in range(201)]},
    ]
    for body in wrong:
        whole = {
            "referrals": [made],
            "fields": ["name"],
            "purpose": "meeting",
            "locality": referral.here,
        } | body
        answer = await referral.http.post(f"{BASE}/claims", json=whole, headers=referral.service())
        assert answer.status_code == 422, body
        assert answer.headers["content-type"] == "application/problem+json"
