"""The whole service from Kafka to the sinks, on a real broker, a real database and real sockets."""

import asyncio
import logging
import re
from datetime import UTC, datetime, timedelta

import pytest
from fastapi import FastAPI

from shared.platform import metrics
from tests.harness.notifications.facts import MEETING, numbered_id
from tests.harness.notifications.fake_peers import FakePeers
from tests.harness.notifications.service_harness import (
    MAILBOX,
    FakeClock,
    NotificationsHarness,
    eventually,
    kernel_of,
    ledger,
    wait_until_ended,
    wait_until_received,
)

TELEPHONE, WORKER = "+447700900123", "link.worker@example.org"
IDENTIFYING = re.compile(r"7700\s?900|example\.org|960200|Your appointment", re.IGNORECASE)


async def everything_stored(app: FastAPI) -> str:
    mongo = kernel_of(app).mongo
    found = []
    for name in await mongo.database.list_collection_names():
        found += [repr(row) async for row in mongo[name].find({})]
    return "\n".join(found)


async def test_booking_delivered_twice_reaches_each_recipient_once(
    harness: NotificationsHarness, peers: FakePeers, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    referral = harness.referral()
    async with harness.running() as app:
        await harness.publish(referral, referral.created(), referral.booked())
        await wait_until_ended(app, 3)
        await harness.publish_again()
        again = referral.contact_attempted()
        await harness.publish(referral, again)
        await wait_until_received(app, harness, 3)
        await asyncio.sleep(0.4)
        stored = await everything_stored(app)
    assert peers.receivers() == sorted([TELEPHONE, WORKER, MAILBOX])
    assert peers.count("POST /dev/sms") == 1
    assert peers.count("MAIL") == 2
    (text,) = peers.sent("sms")
    when, where = "Monday 30 November 2026 at 10:30am", "at Meir Primary Care Centre, ST3 6AB."
    assert text.text.startswith(f"Meir (example): your appointment is on {when}, {where}")
    assert "ring 01632 960200" in text.text
    mails = {sent.to: sent.text for sent in peers.sent("email")}
    assert f"http://localhost:8080/matching/cases/{referral.referral_id}" in mails[WORKER]
    assert f"http://localhost:8080/referral/referrals/{referral.referral_id}" in mails[MAILBOX]
    assert not IDENTIFYING.search(stored)
    # The sink runs in this process too and logs its senders.
    logged = [record.getMessage() for record in caplog.records if record.name != "mail.log"]
    assert logged
    assert not IDENTIFYING.search("\n".join(logged))


async def test_sandbox_records_messages_and_asks_nobody(
    harness: NotificationsHarness, peers: FakePeers
) -> None:
    harness.sandbox = True
    referral = harness.referral()
    async with harness.running() as app:
        await harness.publish(referral, referral.created(), referral.booked())
        told = await wait_until_ended(app, 3)
        queries = app.state.queries
        messages = await queries.messages(harness.bench.locality, referral.referral_id)
        assert await queries.failures([harness.bench.locality], 10) == []
    assert {(row["status"], row["code"]) for row in told.values()} == {("failed", "sandboxed")}
    ended = [(message.status, message.code) for message in messages if message.status != "waiting"]
    assert ended == [("dropped", "sandboxed")] * 3
    assert peers.receivers() == []
    assert peers.requests == []


async def test_crash_after_sending_repeats_the_same_reference(
    harness: NotificationsHarness, peers: FakePeers, clock: FakeClock
) -> None:
    referral = harness.referral()
    peers.answer_texts.clear()
    async with harness.running(drain_seconds=0.1) as app:
        await harness.publish(referral, referral.created(), referral.booked())
        await eventually(lambda: peers.count("POST /dev/sms") == 1)
        assert (await ledger(app))["booked.person"]["status"] == "sending"
    assert len(peers.sent("sms")) == 1
    peers.answer_texts.set()
    await harness.advance(minutes=2)
    async with harness.running() as app:
        told = await wait_until_ended(app, 3)
    assert peers.count("POST /dev/sms") == 2
    (text,) = peers.sent("sms")
    assert told["booked.person"]["status"] == "sent"
    assert told["booked.person"]["reference"] == f"text:{text.id}"


async def test_booking_at_night_waits_for_person_not_for_mailboxes(
    harness: NotificationsHarness, peers: FakePeers, clock: FakeClock
) -> None:
    clock.now = datetime(2026, 11, 24, 21, 30, tzinfo=UTC)
    held = metrics.messages_held.labels(harness.bench.locality)
    referral = harness.referral()
    async with harness.running() as app:
        await harness.publish(referral, referral.created(), referral.booked())
        await wait_until_ended(app, 2)
        assert peers.receivers() == sorted([WORKER, MAILBOX])
        clock.now = datetime(2026, 11, 25, 7, 59, tzinfo=UTC)
        await asyncio.sleep(0.3)
        assert peers.sent("sms") == []
        clock.now = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
        await wait_until_ended(app, 3)
    assert [sent.to for sent in peers.sent("sms")] == [TELEPHONE]
    assert held._value.get() == 1


async def test_retry_at_night_waits_for_the_morning(
    harness: NotificationsHarness, peers: FakePeers, clock: FakeClock
) -> None:
    clock.now = datetime(2026, 11, 24, 19, 59, tzinfo=UTC)
    peers.texts = 503
    referral = harness.referral()
    async with harness.running() as app:
        await harness.publish(referral, referral.created(), referral.booked())
        await eventually(lambda: peers.count("POST /dev/sms") == 1)
        await wait_until_ended(app, 2)
        peers.texts = 202
        await harness.advance(hours=1)
        await asyncio.sleep(0.4)
        assert peers.count("POST /dev/sms") == 1
        clock.now = datetime(2026, 11, 25, 8, 0, 1, tzinfo=UTC)
        await wait_until_ended(app, 3)
    assert peers.count("POST /dev/sms") == 2


async def test_reminder_of_cancelled_meeting_is_not_sent(
    harness: NotificationsHarness, peers: FakePeers, clock: FakeClock
) -> None:
    referral, other = harness.referral(), harness.referral()
    async with harness.running() as app:
        await harness.publish(referral, referral.created(), referral.booked())
        await harness.publish(other, other.created(), other.booked(11))
        await eventually(lambda: len(peers.sent("sms")) == 2)
        await harness.publish(referral, referral.cancelled())
        await wait_until_received(app, harness, 5)
        await harness.advance(seconds=6)
        await eventually(lambda: len(peers.sent("sms")) == 3)
        assert "is cancelled" in peers.sent("sms")[-1].text
        clock.now = MEETING - timedelta(days=1) + timedelta(minutes=5)
        await eventually(lambda: len(peers.sent("sms")) == 4)
        await asyncio.sleep(0.3)
    reminders = [sent for sent in peers.sent("sms") if "a reminder of your appointment" in sent.text]
    assert len(reminders) == 1


async def test_provisional_meeting_changed_at_desk_is_announced_once(
    harness: NotificationsHarness, peers: FakePeers
) -> None:
    referral = harness.referral()
    later = MEETING + timedelta(days=1)
    async with harness.running() as app:
        await harness.publish(referral, referral.created(), referral.booked(provisional=True))
        await wait_until_received(app, harness, 2)
        await harness.publish(
            referral, referral.booked(11, sequence=1, replaces=numbered_id(10), starts_at=later)
        )
        await wait_until_ended(app, 3)
        await harness.advance(seconds=6)
        await asyncio.sleep(0.4)
    (text,) = peers.sent("sms")
    assert text.text.startswith(
        "Meir (example): you have a new appointment on Tuesday 1 December 2026 at 10:30am"
    )
    assert peers.receivers() == sorted([TELEPHONE, WORKER, MAILBOX])


async def test_second_meeting_text_says_which_one_counts(
    harness: NotificationsHarness, peers: FakePeers
) -> None:
    referral = harness.referral()
    async with harness.running() as app:
        await harness.publish(referral, referral.created(), referral.booked())
        await wait_until_ended(app, 3)
        await harness.publish(
            referral, referral.booked(11, sequence=1, starts_at=MEETING + timedelta(days=1))
        )
        await eventually(lambda: len(peers.sent("sms")) == 2)
    first, second = (sent.text for sent in peers.sent("sms"))
    assert "takes the place" not in first
    assert "Tuesday 1 December 2026" in second
    assert "It takes the place of any earlier one." in second


async def test_retracted_booking_is_announced_as_cancelled(
    harness: NotificationsHarness, peers: FakePeers
) -> None:
    referral = harness.referral()
    async with harness.running() as app:
        await harness.publish(referral, referral.created(), referral.booked())
        await wait_until_ended(app, 3)
        await harness.publish(referral, referral.retracted(harness.published[-1]))
        await wait_until_received(app, harness, 3)
        await harness.advance(seconds=6)
        await wait_until_ended(app, 6)
    text = peers.sent("sms")[-1].text
    assert "your appointment on Monday 30 November 2026 at 10:30am is cancelled." in text


async def test_retracted_cancellation_is_corrected_once(
    harness: NotificationsHarness, peers: FakePeers
) -> None:
    referral = harness.referral()
    async with harness.running() as app:
        await harness.publish(referral, referral.created(), referral.booked())
        await wait_until_ended(app, 3)
        await harness.publish(referral, referral.cancelled())
        await wait_until_received(app, harness, 3)
        await harness.advance(seconds=6)
        await wait_until_ended(app, 6)
        await harness.publish(referral, referral.retracted(harness.published[-1]))
        await wait_until_received(app, harness, 4)
        await harness.advance(seconds=6)
        await wait_until_ended(app, 9)
        await harness.publish(referral, referral.contact_attempted())
        await wait_until_received(app, harness, 5)
        await harness.advance(seconds=6)
        await asyncio.sleep(0.3)
    off, on = (sent.text for sent in peers.sent("sms")[1:])
    assert "is cancelled" in off
    assert "you have a new appointment on Monday 30 November 2026 at 10:30am" in on


async def test_replayed_log_sends_nothing(
    harness: NotificationsHarness, peers: FakePeers, clock: FakeClock
) -> None:
    referral = harness.referral()
    await harness.publish(
        referral, referral.created(), referral.booked(), referral.prescribed(), referral.waiting()
    )
    await harness.advance(hours=24, seconds=1)
    async with harness.running() as app:
        await wait_until_received(app, harness, 4)
        await harness.advance(days=1)
        await asyncio.sleep(0.4)
        assert await kernel_of(app).mongo["scheduled_tasks"].count_documents({}) == 0
        assert await ledger(app) == {}
    assert peers.sent() == []
