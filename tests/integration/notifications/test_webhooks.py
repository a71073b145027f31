"""Webhooks of the whole service: from a record in Kafka to a receiver over TLS."""

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from fastapi import FastAPI
from standardwebhooks import Webhook

from services.notifications.collections import WEBHOOK_DELIVERIES, WEBHOOK_ENDPOINTS
from services.notifications.webhooks.endpoint import EndpointState, EventFilter
from services.notifications.webhooks.events import webhook_id
from services.notifications.webhooks.repository import Deliveries
from services.notifications.webhooks.use_cases import Actor, NewEndpoint, WebhookUseCases
from shared.contract.events.envelope import Envelope
from shared.contract.events.marker import Marker, PartHandedOver
from shared.contract.events.topics import topic
from shared.platform.clock import system_clock
from shared.platform.ids import new_id
from tests.harness.notifications.receiver import (
    NO_CONTENT,
    Authority,
    Received,
    Receiver,
    answer,
    authority,
    receiver,
)
from tests.harness.notifications.service_harness import FakeClock, NotificationsHarness, kernel_of

OPERATOR = Actor("ada", "asked by mail")


@pytest.fixture(scope="module")
def trusted(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return authority(tmp_path_factory.mktemp("authority"))


@pytest_asyncio.fixture
async def there(trusted: Authority) -> AsyncIterator[Receiver]:
    async with receiver(trusted) as running:
        yield running


@pytest.fixture
def place(harness: NotificationsHarness, trusted: Authority, clock: FakeClock) -> NotificationsHarness:
    """A service that may call this machine. Its clock is right: receivers refuse old signatures."""
    harness.more_settings = {"webhook_private_addresses": True, "webhook_ca_file": trusted.file}
    clock.now = system_clock()
    return harness


def webhooks_of(app: FastAPI) -> WebhookUseCases:
    webhooks: WebhookUseCases = app.state.webhooks
    return webhooks


async def add(
    app: FastAPI, place: NotificationsHarness, there: Receiver, wanted: EventFilter | None = None
) -> tuple[str, str]:
    """Adds an endpoint; returns its id and secret."""
    source = f"/{place.bench.locality}/history"
    new = NewEndpoint(source, there.url, wanted or EventFilter())
    endpoint, secret = await webhooks_of(app).add(new, OPERATOR)
    return endpoint.id, secret


def expected(*events: Envelope) -> list[str]:
    return [webhook_id(event.source, event.id) for event in events]


async def states(app: FastAPI, endpoint: str) -> list[str]:
    return [each.state.value for each in await webhooks_of(app).deliveries(endpoint, OPERATOR)]


async def until_delivered(app: FastAPI, endpoint: str, count: int) -> None:
    async with asyncio.timeout(15):
        while (await states(app, endpoint)).count("delivered") < count:
            await asyncio.sleep(0.02)


async def write_marker(place: NotificationsHarness) -> None:
    locality = place.bench.locality
    body = PartHandedOver(locality=locality, part="booking", epoch=1, owner="vast-hub")
    marker = Marker(new_id(), "meeting-booked", system_clock(), body, body.model_dump_json().encode())
    await place.bench.producer.send_and_wait(
        topic(locality, "meeting-booked"), marker.raw, key=b"booking", headers=marker.headers()
    )
    await place.bench.producer.send_and_wait(topic(locality, "meeting-booked"), b"{", key=b"bad")


async def test_events_reach_an_endpoint_signed(
    place: NotificationsHarness, there: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    referral = place.referral()
    async with place.running() as app:
        endpoint, secret = await add(app, place, there)
        await write_marker(place)
        await place.publish(referral, referral.created(), referral.booked())
        await until_delivered(app, endpoint, 2)
        await place.publish_again()
        await place.publish(referral, referral.attended())
        await until_delivered(app, endpoint, 3)
        stored = [repr(row) async for row in kernel_of(app).mongo[WEBHOOK_ENDPOINTS].find({})]
    assert sorted(there.ids) == sorted(expected(*place.published)), "each once, and nothing else"
    by_id = {each.id: each for each in there.received}
    for event in place.published:
        request = by_id[webhook_id(event.source, event.id)]
        verified = Webhook(secret).verify(request.body, request.headers)
        assert (verified["id"], verified["source"]) == (event.id, event.source)
        assert event.raw in request.body
        assert request.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    logged = "\n".join(record.getMessage() for record in caplog.records if record.name != "asyncio")
    for secret_of_the_address in ("token=from-the-address", "/hooks"):
        assert secret_of_the_address not in logged + "".join(stored)


async def test_endpoint_gets_what_it_wants_from_when_it_was_added(
    place: NotificationsHarness, there: Receiver
) -> None:
    referral = place.referral()
    async with place.running() as app:
        await place.publish(referral, referral.created())
        await asyncio.sleep(0.05)
        place.clock.now = system_clock()
        endpoint, _ = await add(app, place, there, EventFilter(kinds=frozenset({"meeting_attended"})))
        await place.publish(referral, referral.booked(), referral.attended())
        await until_delivered(app, endpoint, 1)
        every, _ = await webhooks_of(app).add(
            NewEndpoint(f"/{place.bench.locality}/history", f"{there.url}&all", from_start=True), OPERATOR
        )
        await until_delivered(app, every.id, 3)
    assert there.ids[:1] == expected(place.published[2])
    assert sorted(there.ids[1:]) == sorted(expected(*place.published))


async def test_death_between_send_and_record_repeats_the_same_id(
    place: NotificationsHarness, there: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dies(*_: Any) -> bool:
        await asyncio.Event().wait()
        return False

    referral = place.referral()
    with monkeypatch.context() as patched:
        patched.setattr(Deliveries, "delivered", dies)
        async with place.running() as app:
            endpoint, _ = await add(app, place, there)
            await place.publish(referral, referral.created())
            await there.until(1)
            assert await states(app, endpoint) == ["waiting"]
    await place.publish(referral, referral.booked())
    async with place.running() as app:
        await until_delivered(app, endpoint, 2)
    first, second = expected(*place.published)
    assert sorted(there.ids) == sorted([first, first, second])


async def test_process_killed_at_the_answer_repeats_the_same_id(
    place: NotificationsHarness, there: Receiver, trusted: Authority
) -> None:
    referral, bench = place.referral(), place.bench
    async with place.running() as app:
        endpoint, _ = await add(app, place, there)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.harness.notifications.process"),
        *(bench.options.database, bench.locality, str(trusted.file)),
        env=os.environ | bench.kafka.environment() | {"LINKWORK_MONGO_URL": bench.mongo_url},
    )

    def killed(_: Received) -> bytes:
        there.answers = lambda _: NO_CONTENT
        process.kill()
        return NO_CONTENT

    there.answers = killed
    await place.publish(referral, referral.created())
    await there.until(1, 60)
    await process.wait()
    async with place.running() as app:
        await until_delivered(app, endpoint, 1)
        (delivery,) = await webhooks_of(app).deliveries(endpoint, OPERATOR)
    assert there.ids == expected(*place.published) * 2
    assert delivery.sendings == 1, "nobody recorded the first"


async def test_death_before_events_are_stored_loses_none(
    place: NotificationsHarness, there: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = asyncio.Event()

    async def dies(*_: Any) -> int:
        tried.set()
        await asyncio.Event().wait()
        return 0

    referral = place.referral()
    with monkeypatch.context() as patched:
        patched.setattr(Deliveries, "enqueue", dies)
        async with place.running() as app:
            endpoint, _ = await add(app, place, there)
            await place.publish(referral, referral.created())
            await asyncio.wait_for(tried.wait(), 10)
    async with place.running() as app:
        await until_delivered(app, endpoint, 1)
    assert there.ids == expected(*place.published)


async def test_slow_endpoint_delays_no_other(
    place: NotificationsHarness, there: Receiver, trusted: Authority
) -> None:
    referral = place.referral()
    async with receiver(trusted) as slow, place.running() as app:
        slow.answers = lambda _: None
        await add(app, place, slow)
        quick, _ = await add(app, place, there)
        meetings = [referral.booked(number) for number in range(10, 20)]
        await place.publish(referral, referral.created(), *meetings)
        await until_delivered(app, quick, 11)
        assert 1 <= len(slow.received) <= 4, "so many at once"


async def test_full_endpoint_reads_no_more_and_loses_nothing(
    place: NotificationsHarness, there: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.notifications.webhooks.dispatcher.MAX_WAITING", 2)
    there.answers = lambda _: answer(500)
    referral = place.referral()
    async with place.running() as app:
        endpoint, _ = await add(app, place, there)
        meetings = [referral.booked(number) for number in range(10, 16)]
        await place.publish(referral, referral.created(), *meetings)
        await there.until(2)
        assert await states(app, endpoint) == ["waiting"] * 2
        there.answers = lambda _: answer(200)
        deliveries = Deliveries(kernel_of(app).mongo)
        async with asyncio.timeout(20):
            while (await states(app, endpoint)).count("delivered") < 7:
                await deliveries.wake(endpoint)
                await asyncio.sleep(0.05)
    assert set(there.ids) == set(expected(*place.published))


async def test_gone_endpoint_is_disabled_and_enabled_again(
    place: NotificationsHarness, there: Receiver
) -> None:
    there.answers = lambda _: answer(410)
    referral = place.referral()
    async with place.running() as app:
        endpoint, _ = await add(app, place, there)
        await place.publish(referral, referral.created())
        async with asyncio.timeout(10):
            while (await webhooks_of(app).get(endpoint, OPERATOR)).state is EndpointState.ENABLED:
                await asyncio.sleep(0.02)
        there.answers = lambda _: answer(204)
        await place.publish(referral, referral.booked())
        await webhooks_of(app).enable(endpoint, OPERATOR)
        await until_delivered(app, endpoint, 2)


async def test_source_that_left_the_table_is_sent_nothing(
    place: NotificationsHarness, there: Receiver
) -> None:
    referral = place.referral()
    async with place.running() as app:
        endpoint, _ = await add(app, place, there)
        other = {"source": f"/{place.bench.locality}/former"}
        await kernel_of(app).mongo[WEBHOOK_ENDPOINTS].update_one({"_id": endpoint}, {"$set": other})
        await place.publish(referral, referral.created())
        listening, _ = await add(app, place, there)
        await until_delivered(app, listening, 1)
        assert await kernel_of(app).mongo[WEBHOOK_DELIVERIES].count_documents({"endpoint": endpoint}) == 0
    assert len(there.received) == 1


async def test_private_address_is_refused_without_the_setting(
    place: NotificationsHarness, there: Receiver, trusted: Authority, tmp_path: Path
) -> None:
    place.more_settings = {"webhook_ca_file": trusted.file}
    referral = place.referral()
    async with place.running() as app:
        endpoint, _ = await add(app, place, there)
        await place.publish(referral, referral.created())
        async with asyncio.timeout(10):
            while True:
                found = await webhooks_of(app).deliveries(endpoint, OPERATOR)
                if found and found[0].result:
                    break
                await asyncio.sleep(0.02)
    assert found[0].result == "address_refused"
    assert there.received == []
