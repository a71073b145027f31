"""After an erasure nothing readable is left: not in the database, not in the log, not in an answer."""

import asyncio
from typing import Any, cast

from aiokafka import AIOKafkaConsumer

from services.referral.identity import erasure as erasing
from shared.contract.events.outcomes import PersonErased
from shared.contract.events.topics import dead_letter_topic, event_topics
from shared.delivery.mongo.database import Mongo
from shared.platform.kafka_connection import KafkaConnection
from tests.harness.referral.people import referral_body
from tests.harness.referral.running import ReferralHarness
from tests.integration.referral.test_claims import claim, keep

BASE = "/api/referral/v1"


def identity_of(body: dict[str, Any]) -> list[bytes]:
    """Every value by which the person could be known, in each form in which it is written."""
    number = body["nhs_number"]
    telephone = body["telephone"].replace(" ", "")
    return [
        text.encode()
        for text in (
            number,
            f"{number[:3]} {number[3:6]} {number[6:]}",
            body["given_name"] + " " + body["family_name"],
            body["family_name"],
            body["family_name"].lower(),
            body["house"],
            body["date_of_birth"],
            body["telephone"],
            telephone,
            "+44" + telephone[1:],
            body["reason"],
            body["risk_line"],
            "Sleeps in the kitchen",
        )
    ]


async def everything_stored(mongo: Mongo) -> bytes:
    """All collections as they lie in the database: raw BSON."""
    found = b""
    for name in await mongo.database.list_collection_names():
        async for raw in mongo[name].find_raw_batches({}):
            found += bytes(cast("Any", raw))  # the type stubs say that a batch is a document
    return found


async def everything_said(kafka: KafkaConnection, topics: list[str], *, until: bytes) -> bytes:
    """All records of these topics, keys, values and headers, once they hold `until`."""
    consumer = AIOKafkaConsumer(
        *topics, **kafka.client_arguments(), auto_offset_reset="earliest", enable_auto_commit=False
    )
    found, quiet = b"", 0
    async with consumer, asyncio.timeout(30):
        while until not in found or quiet < 2:
            records = await consumer.getmany(timeout_ms=200)
            quiet = 0 if records else quiet + 1
            for record in (each for some in records.values() for each in some):
                found += (record.key or b"") + (record.value or b"") + repr(record.headers).encode()
    return found


async def test_erased_person_leaves_nothing_readable(referral: ReferralHarness) -> None:
    body = referral_body(
        given_name="Wilhelmina",
        family_name="Featherstonehaugh",
        reason="Since the fire in Bakewell Street",
        risk="see_note",
        risk_line="Neighbour called Grizzle shouts",
    )
    first = await referral.make(body, **{"idempotency-key": "erase-me-later-0001"})
    made = first.json()["id"]
    await keep(referral, made, "Sleeps in the kitchen")
    await referral.http.post(
        f"{BASE}/referrals/{made}/withdraw", json={"reason": "other"}, headers=referral.referrer()
    )
    second = await referral.made(body)
    person = (await referral.until(made))["person"]
    index = referral.context.vault.index(referral.here)
    lookup = index.by_number(body["nhs_number"]).encode()
    before = await everything_stored(referral.mongo)
    assert lookup in before
    assert b"erase-me-later-0001" in before

    answer = await referral.http.post(f"{BASE}/referrals/{second}/erase", headers=referral.admin())

    assert answer.status_code == 204
    for each in (made, second):
        await referral.until(each, stage="erased")
    stored = await everything_stored(referral.mongo)
    topics = [*event_topics(referral.here), dead_letter_topic("referral")]
    erased = b'"kind":"person_erased","person_ref":"' + person.encode()
    said = await everything_said(referral.kafka, topics, until=erased)
    for text in (*identity_of(body), lookup, b"erase-me-later-0001"):
        assert text not in stored, text
        assert text not in said, text
    for collection in ("people", "keys"):
        assert await referral.mongo[collection].find_one({"_id": person}) is None
    for collection in ("lookups", "terms", "notes", "entries"):
        assert await referral.mongo[collection].find_one({"person": person}) is None


async def test_before_an_erasure_only_ciphertext_is_stored(referral: ReferralHarness) -> None:
    body = referral_body(
        family_name="Cholmondeley", reason="Lost the cat", risk="see_note", risk_line="Stairs"
    )
    made = await referral.made(body)

    stored = await everything_stored(referral.mongo)
    said = await everything_said(referral.kafka, event_topics(referral.here), until=made.encode())

    for text in identity_of(body)[:-3]:
        assert text not in stored, text
        assert text not in said, text
    assert b"Lost the cat" not in stored + said


async def test_who_was_erased_is_gone_for_everyone(referral: ReferralHarness) -> None:
    body = referral_body()
    made = await referral.made(body)
    await referral.http.post(f"{BASE}/referrals/{made}/erase", headers=referral.admin())

    claimed = await claim(referral, made, fields=["name"])
    params = {"locality": referral.here, "fields": ["name"], "purpose": "message"}
    one = await referral.http.get(f"{BASE}/claims/{made}", params=params, headers=referral.service())
    note = await keep(referral, made, "Too late")
    shown = await referral.http.get(f"{BASE}/referrals/{made}", headers=referral.referrer())
    again = await referral.http.post(f"{BASE}/referrals/{made}/erase", headers=referral.admin())

    assert claimed.json() == {"people": {}, "missing": {made: 410}}
    assert one.status_code == 410
    assert note.status_code == 410
    assert shown.json()["person"] is None
    assert shown.json()["details_kept"] == "erased"
    assert again.status_code == 204


async def test_an_erased_person_may_be_referred_again_as_somebody_new(referral: ReferralHarness) -> None:
    body = referral_body()
    made = await referral.made(body)
    before = (await referral.until(made))["person"]
    await referral.http.post(f"{BASE}/referrals/{made}/erase", headers=referral.admin())

    again = await referral.made(body)

    assert (await referral.until(again))["person"] != before


async def test_erasure_after_a_crash_is_finished_at_the_next_start(
    referral: ReferralHarness,
) -> None:
    made = await referral.made(referral_body())
    person = (await referral.until(made))["person"]
    await referral.context.kernel.transact(
        lambda tx: erasing.delete_person(tx, referral.here, person, referral.context.kernel.clock(), "admin")
    )

    await erasing.finish_erasures(referral.context)

    assert (await referral.until(made))["stage"] == "erased"
    assert await erasing.unfinished_erasures(referral.mongo) == []


async def test_a_restored_backup_is_erased_again(referral: ReferralHarness) -> None:
    made = await referral.made(referral_body())
    person = (await referral.until(made))["person"]
    kept = {
        name: await referral.mongo[name].find_one({"$or": [{"_id": person}, {"person": person}]})
        for name in ("people", "keys", "lookups", "terms", "entries")
    }
    await referral.http.post(f"{BASE}/referrals/{made}/erase", headers=referral.admin())
    for name, row in kept.items():
        assert row is not None
        await referral.mongo[name].insert_one(dict(row))

    assert await erasing.replay(referral.mongo) == 1

    for name, row in kept.items():
        assert row is not None
        assert await referral.mongo[name].find_one({"_id": row["_id"]}) is None
    assert await erasing.replay(referral.mongo) == 0


async def test_erasure_said_elsewhere_empties_the_vault_at_once(referral: ReferralHarness) -> None:
    body = referral_body()
    first = await referral.made(body)
    withdrawn = {"reason": "other"}
    await referral.http.post(
        f"{BASE}/referrals/{first}/withdraw", json=withdrawn, headers=referral.referrer()
    )
    made = await referral.made(body)
    person = (await referral.until(made))["person"]
    erased = PersonErased(referral_id=made, locality=referral.here, person_ref=person)

    await referral.say(erased, by="vast-hub")
    await referral.context.kernel.wait_for(
        referral.here, made, lambda view: view["uncounted"] is not None, 15
    )
    assert await referral.mongo["keys"].find_one({"_id": person}) is not None, "a partner may not say it"

    await referral.say(erased, by="referral")
    await referral.until(made, stage="erased")
    for collection, field in (
        ("keys", "_id"),
        ("people", "_id"),
        ("lookups", "person"),
        ("terms", "person"),
        ("entries", "person"),
    ):
        assert await referral.mongo[collection].find_one({field: person}) is None
    await erasing.finish_erasures(referral.context)
    await referral.until(first, stage="erased")


async def test_a_partners_person_cannot_be_erased_here(referral: ReferralHarness) -> None:
    made = await referral.made(referral_body())
    ours = (await referral.context.kernel.facts(referral.here, made))[0].body
    theirs = "0190a000-0000-7000-8000-00000000abcd"
    await referral.say(ours.model_copy(update={"referral_id": theirs}), by="history")
    await referral.until(theirs, stage="waiting")

    answer = await referral.http.post(f"{BASE}/referrals/{theirs}/erase", headers=referral.admin())

    assert answer.status_code == 409
    assert (await claim(referral, made, fields=["name"])).json()["people"] != {}
