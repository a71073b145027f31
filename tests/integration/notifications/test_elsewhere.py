"""Notifications or referral with another owner: what is sent, what is asked where, and what the page says."""

import asyncio
from typing import Any

import pytest
from fastapi import FastAPI

from shared.contract.api.referral import CLAIMS
from shared.platform.localities import Localities
from tests.harness.notifications.fake_peers import PERSON, FakePeers
from tests.harness.notifications.service_harness import (
    NotificationsHarness,
    kernel_of,
    ledger,
    wait_until_ended,
    wait_until_received,
)
from tests.harness.pages.serving import serving
from tests.harness.parts.operations import Asked, ServedPart
from tests.harness.parts.owned import owned_by
from tests.harness.web.forms import browser
from tests.harness.web.issuer import LoopbackIssuer

OWNER, ADDRESS = "desk-js", "https://desk.example"


def hand_over(app: FastAPI, slug: str, part: str, address: str) -> None:
    """The table in force names another owner."""
    table: Localities = app.state.localities
    table.become(owned_by(table, slug, part, OWNER, address))


async def waiting(app: FastAPI, referral_id: str) -> set[str]:
    """The messages of a referral that wait."""
    rows = kernel_of(app).mongo["scheduled_tasks"].find({"referral": referral_id})
    return {row["about"].rsplit(".", 1)[0] async for row in rows}


async def test_notifications_elsewhere_asks_no_more(
    harness: NotificationsHarness, peers: FakePeers, issuer: LoopbackIssuer
) -> None:
    harness.more_settings = {"issuer": issuer.url, "jwks_url": issuer.jwks_url}
    peers.sessions = issuer.sessions
    before, after, slug = harness.referral(), harness.referral(), harness.bench.locality
    async with harness.running() as app:
        await harness.publish(before, before.created(), before.booked(provisional=True))
        await wait_until_received(app, harness, 2)
        asked = await waiting(app, before.referral_id)
        assert {"booked.person", "reminder.person"} <= asked
        hand_over(app, slug, "notifications", ADDRESS)
        assert not kernel_of(app).decides(slug, "notifications")
        await harness.publish(after, after.created(), after.booked())
        await wait_until_received(app, harness, 4)
        assert await waiting(app, after.referral_id) == set()
        await harness.advance(seconds=40)
        told = await wait_until_ended(app, len(asked) - 1)
        assert {row["referral"] for row in told.values() if row["status"] == "sent"} == {before.referral_id}
        await harness.advance(days=6)
        async with asyncio.timeout(10):
            while await waiting(app, before.referral_id):
                await asyncio.sleep(0.05)
        assert (await ledger(app)).get("reminder.person", {}).get("status") != "sent"
        now = int(harness.clock.now.timestamp())
        who: dict[str, Any] = {"role": "programme_admin", "localities": [slug]}
        cookies = issuer.signed_in(app, **who, iat=now, nbf=now, exp=now + 3600)
        async with browser(app, cookies) as client:
            page = (await client.get("/notifications/")).text
    assert f'<a href="{ADDRESS}" rel="noreferrer">{OWNER}</a> sends the messages of Meir' in page
    assert peers.count("POST /dev/sms") == 1


@pytest.mark.parametrize("by", [OWNER, "referral"])
async def test_person_of_a_referral_elsewhere_is_asked_at_its_owner(
    harness: NotificationsHarness, peers: FakePeers, by: str
) -> None:
    async def people(asked: Asked) -> dict[str, Any]:
        (referral,) = asked.body["referrals"]
        return {"people": {referral: {name: PERSON[name] for name in asked.body["fields"]}}, "missing": {}}

    served = ServedPart("referral", {CLAIMS.name: people})
    referral = harness.referral()
    async with serving(served.application()) as address, harness.running() as app:
        hand_over(app, harness.bench.locality, "referral", address)
        await harness.bench.say(referral.envelope(referral.created(), by, harness.clock.now))
        await harness.publish(referral, referral.booked())
        told = await wait_until_ended(app, 3)
    assert told["booked.person"]["status"] == "sent"
    assert served.names() == [CLAIMS.name]
    assert peers.count("/claims") == 0
