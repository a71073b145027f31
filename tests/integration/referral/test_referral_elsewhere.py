"""Referral with another owner: our pages and API change nothing, name the owner, and show facts as before."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import httpx
import pytest
import pytest_asyncio

from services.referral.collections import ERASED, FILED, HEARTBEATS, KEYS
from services.referral.identity.erasure import (
    delete_person,
    finish_erasures,
    follow_owners_erasures,
    unfinished_erasures,
)
from services.referral.identity.vault.entries import entries
from services.referral.sandbox.beats import Beats
from services.referral.sandbox.heartbeat import Heartbeat
from shared.contract.events.envelope import Envelope
from shared.contract.events.outcomes import PersonErased, ReferralReturned
from shared.contract.events.vocabulary import ReturnReason
from shared.delivery.unit_of_work.unit_of_work import OUTBOX
from shared.platform import metrics
from shared.platform.clock import system_clock
from shared.platform.kafka_connection import KafkaConnection
from tests.harness.delivery.toy import created
from tests.harness.parts.owned import owned_by
from tests.harness.referral.matching_stub import MatchingStub
from tests.harness.referral.people import referral_body
from tests.harness.referral.running import PRACTICE, ReferralHarness, running_referral
from tests.harness.web.forms import browser
from tests.harness.web.issuer import LoopbackIssuer

API = "/api/referral/v1/referrals"
OWNER, ADDRESS = "hub-js", "https://hub.example"
NAMED = f'<a href="{ADDRESS}" rel="noreferrer">{OWNER}</a>'
KEY = {"idempotency-key": "made-before-the-hand-over"}


@dataclass
class Elsewhere:
    """Our service after the hand-over, with what was made before."""

    here: ReferralHarness
    body: dict[str, Any]
    open: str
    returned: str
    erased: str

    async def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        return await self.here.http.post(path, json=body, headers=self.here.referrer() | headers)

    async def stored(self) -> tuple[int, ...]:
        names = (OUTBOX, KEYS, ERASED, FILED)
        return tuple([await self.here.mongo[name].count_documents({}) for name in names])


@pytest_asyncio.fixture(scope="module")
async def elsewhere(
    issuer: LoopbackIssuer,
    kafka: KafkaConnection,
    mongo_url: str,
    matching: MatchingStub,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Elsewhere]:
    folder = tmp_path_factory.mktemp("elsewhere")
    more = {"matching_url": matching.address, "token_url": f"{matching.address}/token"}
    async with running_referral(folder, issuer, kafka, mongo_url, **more) as here:
        body = referral_body()
        first = await here.make(body, **KEY)
        returned, erased = [await here.made(referral_body()) for _ in range(2)]
        why = ReturnReason.MORE_DETAIL
        await here.say(ReferralReturned(referral_id=returned, locality=here.here, reason=why))
        await here.until(returned, stage="returned")
        table = here.context.localities
        for slug in (here.here, here.sandbox):
            table.become(owned_by(table, slug, "referral", OWNER, ADDRESS))
        yield Elsewhere(here, body, first.json()["id"], returned, erased)


async def test_intake_elsewhere_changes_nothing_and_names_the_owner(elsewhere: Elsewhere) -> None:
    here, made, before = elsewhere.here, elsewhere.open, await elsewhere.stored()
    contact = {"telephone": "07700 900999", "safe_to_text": "ring"}
    answers = [
        await elsewhere.post(API, referral_body()),
        await elsewhere.post(f"{API}/{made}/withdraw", {"reason": "person_asked"}),
        await here.http.get(f"{API}/{made}/contact", headers=here.referrer()),
        await here.http.post(f"{API}/{made}/erase", headers=here.admin()),
        await elsewhere.post(f"{API}/{made}/contact", contact),
    ]
    for answer in answers:
        assert answer.status_code == 409, answer.text
        found = answer.json()
        assert found["type"] == "urn:linkwork:problem:not_owner"
        assert (found["part"], found["owner"], found["address"]) == ("referral", OWNER, ADDRESS)
    assert await elsewhere.stored() == before


async def test_request_answered_before_is_answered_again(elsewhere: Elsewhere) -> None:
    again = await elsewhere.post(API, elsewhere.body, **KEY)
    assert again.status_code == 201, again.text
    assert again.json()["id"] == elsewhere.open


async def test_other_locality_goes_on(elsewhere: Elsewhere) -> None:
    here = elsewhere.here
    headers = here.referrer(here.far_practice, localities=[here.far])
    made = await here.http.post(API, json=referral_body(practice=here.far_practice), headers=headers)
    assert made.status_code == 201, made.text


async def test_pages_follow_referrals_and_name_the_owner(elsewhere: Elsewhere) -> None:
    here, one = elsewhere.here, f"/referral/referrals/{elsewhere.open}"
    theirs = (await here.say(created(here.here), OWNER)).body.referral_id
    await here.until(theirs, stage="waiting")
    async with browser(here.app, here.cookies()) as client:
        home = (await client.get("/referral/")).text
        assert f"{NAMED} makes and changes the referrals of Meir" in home
        assert 'href="/referral/new"' not in home.partition("<main")[2]
        assert {elsewhere.open in home, theirs in home, elsewhere.body["family_name"] in home} == {True}
        page = (await client.get(one)).text
        assert f"{NAMED} makes and changes the referrals here" in page
        assert "/withdraw" not in page
        assert "/contact" not in page
        assert "Telephone and texts" not in page  # The owner may have changed them.
        returned = (await client.get(f"/referral/referrals/{elsewhere.returned}")).text
        assert "/again" not in returned
        assert "/file" not in returned
        for path in ("/referral/new", f"{one}/withdraw", f"{one}/contact"):
            refused = await client.get(path)
            assert refused.status_code == 409, path
            assert f'<a href="{ADDRESS}" rel="noreferrer">Go to {OWNER}</a>' in refused.text
        again = await client.get(f"/referral/referrals/{elsewhere.returned}/again")
        assert again.status_code == 409
    two = here.cookies(practices=[PRACTICE, here.far_practice], localities=[here.here, here.far])
    async with browser(here.app, two) as client:
        form = (await client.get("/referral/new")).text
        assert f"{NAMED} makes and changes the referrals of Meir" in form
        assert f'name="practice" value="{here.far_practice}"' in form


async def test_sandbox_elsewhere_has_no_heartbeat(elsewhere: Elsewhere) -> None:
    here, said = elsewhere.here, list[Envelope]()

    async def say(event: Envelope) -> None:
        said.append(event)

    late = system_clock() + timedelta(days=30)
    beats = Beats(here.mongo, lambda: late, timedelta(minutes=15))
    await here.mongo[HEARTBEATS].insert_one(
        {"_id": here.sandbox, "at": system_clock(), "answered": system_clock()}
    )
    await Heartbeat(here.context, beats, say).look_around()
    assert said == []
    assert metrics.heartbeats_unanswered.labels(here.sandbox)._value.get() == 0
    assert (await beats.answered(here.sandbox)) >= late - timedelta(seconds=1)


async def test_erasure_of_the_owner_empties_our_vault(elsewhere: Elsewhere) -> None:
    here, referral = elsewhere.here, elsewhere.erased
    (entry,) = (await entries(here.mongo, here.here, [referral])).values()
    erased = PersonErased(referral_id=referral, locality=here.here, person_ref=entry.person)
    await here.say(erased, OWNER)
    await here.context.kernel.wait_for(here.here, referral, lambda view: view["uncounted"] is not None, 15)
    before = await here.mongo[OUTBOX].count_documents({})
    await follow_owners_erasures(here.context, here.here)
    assert await here.mongo[KEYS].find_one({"_id": entry.person}) is None
    assert await follow_owners_erasures(here.context, here.here) == 0
    assert await here.mongo[OUTBOX].count_documents({}) == before


async def test_erasure_that_was_not_said_waits_for_our_return(elsewhere: Elsewhere) -> None:
    here = elsewhere.here
    (entry,) = (await entries(here.mongo, here.here, [elsewhere.returned])).values()
    deleting = partial(
        delete_person, locality=here.here, person=entry.person, now=system_clock(), by="tester"
    )
    await here.context.kernel.transact(deleting)
    before = await here.mongo[OUTBOX].count_documents({})
    await finish_erasures(here.context)
    assert await here.mongo[OUTBOX].count_documents({}) == before
    assert entry.person in {stone.person for stone in await unfinished_erasures(here.mongo)}
