"""Partners over HTTP: the same verdicts as on Kafka, on their own sources only."""

import asyncio
from typing import Any

import pytest

from shared.contract.events.refusals import RecordRefused
from shared.contract.events.topics import inbox_topic, refusals_topic
from tests.harness.referral.admission import heard
from tests.harness.referral.partners import Sent, attempt, bad_records, creation, sent
from tests.harness.referral.running import ReferralHarness

BASE = "/api/contract/v1"


async def say(referral: ReferralHarness, record: Sent, **headers: str) -> Any:
    return await referral.http.post(
        f"{BASE}/events", json=record.structured(), headers=headers or referral.partner()
    )


async def verdict(referral: ReferralHarness, record: Sent, **headers: str) -> dict[str, Any]:
    where = f"{BASE}/referrals/{record.attribute('subject')}/events/{record.attribute('id')}"
    answer = await referral.http.get(where, headers=headers or referral.partner())
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def settled(referral: ReferralHarness, record: Sent) -> dict[str, Any]:
    """The verdict, once there is one."""
    async with asyncio.timeout(15):
        while (found := await verdict(referral, record))["verdict"] == "not_seen":
            await asyncio.sleep(0.02)
    return found


async def test_event_that_is_posted_becomes_a_fact(referral: ReferralHarness) -> None:
    record = sent(creation(referral.here))
    assert (await verdict(referral, record))["verdict"] == "not_seen"
    answer = await say(referral, record)
    assert answer.status_code == 202, answer.text
    identity, subject = record.attribute("id"), record.attribute("subject")
    source = record.attribute("source")
    assert answer.json() == {"id": identity, "referral": subject, "inbox": inbox_topic(source)}
    assert answer.headers["location"] == f"{BASE}/referrals/{subject}/events/{identity}"
    assert (await settled(referral, record))["verdict"] == "accepted"
    assert (await say(referral, record)).status_code == 202
    facts = await referral.context.kernel.facts(referral.here, subject)
    assert [(fact.source, fact.id) for fact in facts] == [(source, identity)]


async def test_other_body_under_the_same_id_is_a_conflict(referral: ReferralHarness) -> None:
    record = sent(creation(referral.here))
    assert (await say(referral, record)).status_code == 202
    await settled(referral, record)
    answer = await say(referral, record.with_body(needs=["housing"]))
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:linkwork:problem:another_body")


async def test_verdicts_by_http_are_those_of_kafka(referral: ReferralHarness) -> None:
    records = {name: bad for name, bad in bad_records(referral.here).items() if bad.is_json}
    source = f"/{referral.here}/vast-hub"
    places = set()
    for bad in records.values():
        headers = list(bad.record.headers)
        put = await referral.producer.send_and_wait(
            inbox_topic(source), bad.record.value, key=bad.record.key, headers=headers
        )
        places.add(f"{put.topic}/{put.partition}/{put.offset}".encode())
    topic = refusals_topic(source)
    found = await heard(referral.kafka, [topic], len(records), 15, lambda line: line.key in places)
    lines = [RecordRefused.model_validate_json(record.value or b"") for record in found]
    for (name, bad), line in zip(records.items(), lines, strict=True):
        tried = await referral.http.post(
            f"{BASE}/validate", json=bad.record.structured(), headers=referral.partner()
        )
        assert (line.code, line.pointer, line.problem) == (bad.code, bad.pointer, bad.problem), name
        for answer in (tried, await say(referral, bad.record)):
            assert answer.status_code == 422, name
            (error,) = answer.json()["errors"]
            assert answer.json()["type"] == f"urn:linkwork:problem:{bad.code}"
            assert (error["pointer"], error["code"]) == (bad.pointer, bad.problem or bad.code)
    refused = await settled(referral, records["no needs"].record)
    assert refused["verdict"] == "refused"
    assert (refused["code"], refused["pointer"], refused["problem"]) == (
        "invalid_body",
        "/data/needs",
        "missing",
    )


async def test_validate_has_no_effect(referral: ReferralHarness) -> None:
    record = sent(creation(referral.here))
    answer = await referral.http.post(
        f"{BASE}/validate", json=record.structured(), headers=referral.partner()
    )
    assert (answer.status_code, answer.json()["verdict"]) == (200, "accepted")
    after = sent(creation(referral.here))
    await say(referral, after)
    await settled(referral, after)
    assert (await verdict(referral, record))["verdict"] == "not_seen"


async def test_partner_speaks_and_asks_for_itself_only(referral: ReferralHarness) -> None:
    record, other = sent(creation(referral.here)), referral.partner("history")
    answer = await say(referral, record, **other)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:linkwork:problem:wrong_source")
    elsewhere = referral.partner(localities=[referral.far])
    assert (await say(referral, record, **elsewhere)).status_code == 422
    assert (await say(referral, record)).status_code == 202
    await settled(referral, record)
    for headers in (other, elsewhere):
        assert (await verdict(referral, record, **headers))["verdict"] == "not_seen"


@pytest.mark.parametrize("role", ["referrer", "link_worker", "programme_admin", "service"])
async def test_other_roles_may_not(referral: ReferralHarness, role: str) -> None:
    headers = referral.issuer.bearer(role=role, localities=[referral.here], scopes="claims:read")
    answer = await say(referral, sent(creation(referral.here)), **headers)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:linkwork:problem:role")


async def test_sources_of_a_partners_localities_have_their_priorities(referral: ReferralHarness) -> None:
    answer = await referral.http.get(f"{BASE}/sources", headers=referral.partner())
    assert answer.status_code == 200, answer.text
    known = referral.context.localities
    listed = {each["source"]: each["priority"] for each in answer.json()["sources"]}
    assert listed == {source: known.rank(source) for source in known.by_slug[referral.here].sources}
    assert answer.json()["table"] == str(known.version)
    parts = {each["part"] for each in answer.json()["sources"]}
    assert parts >= {"referral", "partner"}


async def test_partner_without_a_name_speaks_for_no_source(referral: ReferralHarness) -> None:
    answer = await say(referral, sent(creation(referral.here)), **referral.partner(partner=None))
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:linkwork:problem:wrong_source")


async def test_nothing_that_was_sent_is_repeated(referral: ReferralHarness) -> None:
    record = sent(attempt(referral.here)).with_body(channel="Mary Smith", Mary="Smith")
    answer = await say(referral, record)
    assert answer.status_code == 422
    assert "Mary" not in answer.text
