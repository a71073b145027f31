"""A restored database: whoever was erased since the back-up is gone before anybody is answered about them."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError

from services.referral.collections import ENTRIES, ERASED, KEYS, LOOKUPS, NOTES, PEOPLE, TERMS
from services.referral.identity import erasures_obeyed
from services.referral.identity.erasure import finish_erasures
from services.referral.identity.erasure_log import ErasureLog, LogMissing
from shared.contract.events.topics import event_topics, topic
from shared.delivery.kafka.broker_view import BrokerView
from shared.delivery.mongo.database import Mongo
from shared.delivery.offsets.handled import HANDLED
from shared.platform.kafka_connection import KafkaConnection
from tests.harness.referral.matching_stub import MatchingStub
from tests.harness.referral.people import referral_body
from tests.harness.referral.running import PRACTICE, ReferralHarness, running_referral, started_again
from tests.harness.web.forms import browser
from tests.harness.web.issuer import LoopbackIssuer
from tests.integration.referral.test_claims import claim
from tests.integration.referral.test_erasure import everything_said

API = "/api/referral/v1/referrals"
BackUp = dict[str, list[Mapping[str, Any]]]


async def back_up(mongo: Mongo) -> BackUp:
    names = await mongo.database.list_collection_names()
    return {name: await mongo.database[name].find({}).to_list(None) for name in names}


async def restore(mongo_url: str, name: str, kept: BackUp) -> None:
    mongo = Mongo(mongo_url, name)
    for collection, rows in kept.items():
        if rows:
            await mongo.database[collection].insert_many(rows)
    await mongo.close()


async def held_of(mongo: Mongo, person: str) -> int:
    keys = [(KEYS, "_id"), (PEOPLE, "_id")]
    keys += [(collection, "person") for collection in (LOOKUPS, TERMS, NOTES, ENTRIES)]
    return sum([await mongo[collection].count_documents({field: person}) for collection, field in keys])


async def vault_of(harness: ReferralHarness) -> dict[str, Any]:
    found: dict[str, Any] = (await harness.http.get("/readyz")).json()["vault"]
    return found


async def test_restored_person_is_erased_before_any_answer(
    issuer: LoopbackIssuer,
    kafka: KafkaConnection,
    mongo_url: str,
    matching: MatchingStub,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    body, other = referral_body(), referral_body()
    more = {"matching_url": matching.address, "token_url": f"{matching.address}/token"}
    async with running_referral(tmp_path, issuer, kafka, mongo_url, **more) as first:
        ended = await first.made(body)
        await first.http.post(f"{API}/{ended}/withdraw", json={"reason": "other"}, headers=first.referrer())
        erased, stays = await first.made(body), await first.made(other)
        person = (await first.until(erased))["person"]
        async with asyncio.timeout(15):  # The log was read: a database that is older stops the stream.
            while (
                await first.mongo[HANDLED].find_one({"topic": topic(first.here, "outcome-recorded")}) is None
            ):
                await asyncio.sleep(0.1)
        kept = await back_up(first.mongo)
        assert (await first.http.post(f"{API}/{erased}/erase", headers=first.admin())).status_code == 204
        for each in (ended, erased):
            await first.until(each, stage="erased")
    await restore(mongo_url, first.settings.database, kept)

    async def away(*_: Any) -> None:
        raise KafkaConnectionError

    async def no_topics(*_: Any) -> dict[str, Any]:
        return {}

    unhandled = ErasureLog.unhandled
    monkeypatch.setattr(ErasureLog, "unhandled", away)
    monkeypatch.setattr(erasures_obeyed, "_BEGIN_SECONDS", 0.1)
    async with started_again(first) as second:
        assert await held_of(second.mongo, person) > 0
        assert await vault_of(second) == {"state": "closed", "reads": "erasures", "waits_for": "broker"}
        assert (await second.http.get("/readyz")).status_code == 200, "all the rest is served"
        assert (await claim(second, erased, stays, fields=["name"])).status_code == 503
        assert (await second.make(body)).status_code == 503
        async with browser(second.app, second.cookies(PRACTICE)) as client:
            for page in (f"/referral/referrals/{erased}", f"/referral/referrals/{stays}/contact"):
                shown = await client.get(page)
                assert shown.status_code == 503
                assert body["family_name"] not in shown.text
        await finish_erasures(second.context)

        with monkeypatch.context() as patched:
            patched.setattr(BrokerView, "topics", no_topics)
            with pytest.raises(LogMissing):
                await unhandled(ErasureLog(kafka, second.mongo), [second.here])
        monkeypatch.undo()
        async with asyncio.timeout(15):
            while await vault_of(second) != {"state": "open"}:
                await asyncio.sleep(0.1)
        assert await held_of(second.mongo, person) == 0
        claimed = (await claim(second, erased, ended, stays, fields=["name"])).json()
        assert claimed["missing"] == {erased: 410, ended: 410}
        assert claimed["people"][stays]["name"] == f"{other['given_name']} {other['family_name']}"
        stone = await second.mongo[ERASED].find_one({"_id": person})
        assert stone is not None
        assert (stone["by"], stone["untold"]) == ("log", [])
        again = await second.made(body)
        assert (await second.until(again))["person"] != person, "somebody new"
        await finish_erasures(second.context)
    said = await everything_said(kafka, event_topics(first.here), until=again.encode())
    assert said.count(b'"kind":"person_erased"') == 2, "no erasure is said twice"
