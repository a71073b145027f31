"""Addressing with the help of peer services: the vault, link workers and community services."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from shared.contract.events import vocabulary as v
from shared.platform import metrics
from tests.harness.notifications.facts import MEETING, numbered_id
from tests.harness.notifications.fake_peers import LINK, PERSON, SERVICE, WORKER, FakePeers
from tests.harness.notifications.service_harness import (
    MAILBOX,
    FakeClock,
    NotificationsHarness,
    eventually,
    kernel_of,
    wait_until_each_ended,
    wait_until_ended,
)

WORKER_MAIL = WORKER["email"]


@pytest.mark.parametrize("contact", [v.SafeToText.RING, v.SafeToText.NOT_KNOWN])
async def test_vault_without_consent_to_texts_is_not_asked(
    harness: NotificationsHarness, peers: FakePeers, contact: v.SafeToText
) -> None:
    referral = harness.referral()
    async with harness.running() as app:
        await harness.publish(referral, referral.created(contact), referral.waiting(), referral.booked())
        await wait_until_ended(app, 2)
        await harness.advance(hours=1)
        await asyncio.sleep(0.3)
    assert peers.receivers() == sorted([WORKER_MAIL, MAILBOX])
    assert peers.count("/claims") == 0


VAULT_ANSWERS: dict[str, Any] = {
    "person_unknown": 404,
    "erased": 410,
    "vault_refused": 403,
    "not_safe": PERSON | {"safe_to_text": "ring"},
    "no_channel": PERSON | {"telephone": "+441632960001", "email": None},
    "address_refused": PERSON | {"telephone": None, "email": "nobody@example.org"},
}


async def test_message_refused_by_vault_is_a_visible_failure(
    harness: NotificationsHarness, peers: FakePeers
) -> None:
    refused = metrics.contacts_refused.labels("vault")
    before = refused._value.get()
    silent = PERSON | {"safe_to_text": None}
    said = {code: harness.referral() for code in [*VAULT_ANSWERS, "not_said"]}
    for code, referral in said.items():
        peers.particular[referral.referral_id] = VAULT_ANSWERS.get(code, silent)
    async with harness.running() as app:
        for referral in said.values():
            await harness.publish(referral, referral.created(), referral.booked())
        told = await wait_until_each_ended(app, "booked.person", len(said))
        assert await wait_until_each_ended(app, "booked.link_worker", len(said))
    for code, referral in said.items():
        row = told[referral.referral_id]
        assert (row["status"], row["code"]) == ("failed", "not_safe" if code == "not_said" else code)
    assert peers.sent("sms") == []
    assert {sent.to for sent in peers.sent("email")} == {WORKER_MAIL, MAILBOX}
    assert refused._value.get() - before == 1


async def test_text_for_unknown_link_worker_names_the_hub(
    harness: NotificationsHarness, peers: FakePeers
) -> None:
    peers.worker = 404
    referral = harness.referral()
    async with harness.running() as app:
        await harness.publish(referral, referral.created(), referral.booked())
        told = await wait_until_ended(app, 3)
    (text,) = peers.sent("sms")
    assert "ring 01632 960100" in text.text
    assert told["booked.link_worker"]["code"] == "link_worker_unknown"


async def test_person_without_mobile_gets_an_email(harness: NotificationsHarness, peers: FakePeers) -> None:
    peers.person = PERSON | {"telephone": "+441632960001"}
    referral = harness.referral()
    async with harness.running() as app:
        await harness.publish(referral, referral.created(), referral.booked())
        await wait_until_ended(app, 3)
    mails = {sent.to: sent for sent in peers.sent("email")}
    assert mails["pat.example@example.org"].subject == "Your appointment"
    assert peers.sent("sms") == []


async def test_unavailable_vault_is_retried_until_too_late(
    harness: NotificationsHarness, peers: FakePeers, clock: FakeClock
) -> None:
    peers.person = 503
    referral, other = harness.referral(), harness.referral()
    async with harness.running() as app:
        await harness.publish(referral, referral.created(), referral.booked())
        await harness.advance_until(lambda: peers.count("/claims") == 2)
        peers.person = dict(PERSON)
        await harness.advance_until(lambda: len(peers.sent("sms")) == 1)
        peers.person = 503
        before = peers.count("/claims")
        await harness.publish(other, other.created(), other.booked(11))
        await eventually(lambda: peers.count("/claims") > before)
        clock.now = MEETING + timedelta(minutes=1)
        late = {"code": "too_late", "referral": other.referral_id}
        async with asyncio.timeout(10):
            while (found := await kernel_of(app).mongo["sent"].find_one(late)) is None:
                await asyncio.sleep(0.05)
    assert found["status"] == "failed"
    assert len(peers.sent("sms")) == 1


async def test_service_request_has_a_fresh_link_and_no_person(
    harness: NotificationsHarness, peers: FakePeers
) -> None:
    referral = harness.referral()
    async with harness.running() as app:
        await harness.publish(referral, referral.created(), referral.booked(), referral.prescribed())
        await wait_until_ended(app, 4)
        await harness.publish_again()
        await asyncio.sleep(0.3)
    (mail,) = [sent for sent in peers.sent() if sent.to == "asks@debt-help.example"]
    assert LINK in mail.text
    assert mail.subject == "Can you take somebody? Priya Wainwright asks"
    for name in ("Debt help (example)", "Priya Wainwright, a link worker in Meir", "Programme (example)"):
        assert name in mail.text
    assert referral.referral_id not in mail.text + mail.subject
    assert peers.count(f"POST /api/matching/v1/prescriptions/{numbered_id(20)}/link") == 1


async def test_service_request_that_fails_is_visible(harness: NotificationsHarness, peers: FakePeers) -> None:
    peers.particular = {
        numbered_id(521): 404,
        numbered_id(522): SERVICE | {"asks_email": None},
        numbered_id(23): 403,
        numbered_id(524): SERVICE | {"asks_email": None, "mailbox_confirmed": False},
    }
    codes = ["service_unknown", "service_has_no_address", "matching_refused", "mailbox_unconfirmed"]
    said = [harness.referral() for _ in codes]
    async with harness.running() as app:
        for number, referral in enumerate(said, start=21):
            await harness.publish(referral, referral.created(), referral.prescribed(number))
        told = await wait_until_each_ended(app, "asked.service", len(codes))
    assert [told[referral.referral_id]["code"] for referral in said] == codes
    assert peers.sent() == []


async def test_prescription_unknown_to_matching_is_retried(
    harness: NotificationsHarness, peers: FakePeers
) -> None:
    peers.particular = {numbered_id(21): 404, numbered_id(22): 404}
    late, never = harness.referral(), harness.referral()
    async with harness.running() as app:
        for number, referral in ((21, late), (22, never)):
            await harness.publish(referral, referral.created(), referral.prescribed(number))
        while peers.count("/link") < 2:
            await asyncio.sleep(0.05)
        del peers.particular[numbered_id(21)]
        for _ in range(8):
            await harness.advance(minutes=2)
            await asyncio.sleep(0.3)
        told = await wait_until_each_ended(app, "asked.service", 2)
    assert told[late.referral_id]["status"] == "sent"
    assert told[never.referral_id]["code"] == "prescription_unknown"


async def test_token_is_never_shown_to_a_partners_vault(
    harness: NotificationsHarness, peers: FakePeers
) -> None:
    referral = harness.referral()
    async with harness.running() as app:
        event = referral.envelope(referral.created(), "history", harness.clock.now)
        await harness.bench.say(event)
        await harness.publish(referral, referral.booked())
        told = await wait_until_ended(app, 3)
    assert told["booked.person"]["code"] == "vault_elsewhere"
    assert peers.count("/claims") == 0
