"""Rows that are stored after attempts: on a real database, with answers that the test gives."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import uuid4

import pytest
import pytest_asyncio

from services.notifications.collections import WEBHOOK_DELIVERIES, WEBHOOK_ENDPOINTS, ensure_indexes
from services.notifications.webhooks.attempts import Attempts
from services.notifications.webhooks.dispatcher import WebhookDispatcher
from services.notifications.webhooks.endpoint import (
    Delivery,
    DeliveryState,
    DisabledBecause,
    Endpoint,
    EndpointState,
    EventToSend,
    Position,
)
from services.notifications.webhooks.policy import Answer, Outcome, Schedule
from services.notifications.webhooks.repository import Deliveries, Endpoints
from services.notifications.webhooks.sealing import Sealing
from services.notifications.webhooks.targets import Target
from services.notifications.webhooks.use_cases import (
    Actor,
    EndpointRefused,
    NewEndpoint,
    NoSuchEndpoint,
    WebhookUseCases,
)
from shared.delivery.model.errors import Conflict
from shared.delivery.mongo.database import Mongo
from shared.delivery.mongo.leases import Leases
from shared.delivery.mongo.operations import OPERATIONS
from shared.platform import metrics
from shared.platform.ids import new_id
from shared.platform.kafka_connection import KafkaConnection
from tests.harness.notifications.service_harness import FakeClock

SOURCE, URL = "/meir/vast-hub", "https://hooks.vast-hub.example/linkwork?token=secret"
OPERATOR = Actor("ada", "asked by mail")
PARTNER = Actor("partner vast-hub", "by its own request", frozenset({SOURCE}))
OTHER = Actor("partner history", "by its own request", frozenset({"/meir/history"}))


@dataclass
class FakeSender:
    """Answers as the test sets it, and remembers what it was given."""

    answer: Answer = field(default_factory=lambda: Answer(204))
    posted: list[tuple[Target, Mapping[str, str], bytes]] = field(default_factory=list)

    async def post(self, target: Target, headers: Mapping[str, str], body: bytes) -> Answer:
        self.posted.append((target, headers, body))
        return self.answer


@dataclass
class Bench:
    """An endpoint of its own in a database, and attempts at it."""

    mongo: Mongo
    clock: FakeClock
    sender: FakeSender
    webhooks: WebhookUseCases
    attempts: Attempts
    endpoint: Endpoint
    secret: str

    async def now(self) -> Endpoint:
        return await self.webhooks.get(self.endpoint.id, OPERATOR)

    async def enqueue(self, *names: str) -> list[Delivery]:
        events = [EventToSend(f"msg_{name}", "meeting-booked", "meeting_booked", b"{}") for name in names]
        position = Position("meir.meeting-booked.v1", 0, len(names))
        await self.attempts.deliveries.enqueue(await self.now(), events, [position], self.clock())
        return await self.due()

    async def due(self) -> list[Delivery]:
        return await self.attempts.deliveries.due(self.endpoint.id, [], 10)

    async def attempt(self, answer: Answer) -> Outcome:
        """Makes an attempt with the delivery that has waited longest, whether or not it is due."""
        self.sender.answer = answer
        await self.attempts.deliveries.wake(self.endpoint.id)
        (delivery, *_) = await self.due()
        return await self.attempts.make(await self.now(), delivery)

    async def deliveries(self) -> list[Delivery]:
        return await self.webhooks.deliveries(self.endpoint.id, OPERATOR)

    async def done(self) -> list[str]:
        rows = self.mongo[OPERATIONS].find({"about.endpoint": self.endpoint.id}).sort("_id", 1)
        return [row["what"] async for row in rows]


@pytest_asyncio.fixture
async def bench(mongo_url: str) -> AsyncIterator[Bench]:
    mongo, clock, sealing = Mongo(mongo_url, "test_webhooks"), FakeClock(), Sealing(b"a key for tests")
    await ensure_indexes(mongo)
    await mongo.make([OPERATIONS])
    await mongo[WEBHOOK_ENDPOINTS].delete_many({})
    await mongo[WEBHOOK_DELIVERIES].delete_many({})
    webhooks = WebhookUseCases(mongo, sealing, clock, new_id, lambda: [SOURCE, "/meir/history"])
    endpoint, secret = await webhooks.add(NewEndpoint(SOURCE, URL), OPERATOR)
    sender = FakeSender()
    attempts = Attempts(Endpoints(mongo), Deliveries(mongo), sender, sealing, clock, lambda: 0.5, Schedule())
    yield Bench(mongo, clock, sender, webhooks, attempts, endpoint, secret)
    await mongo.close()


async def test_success_ends_a_delivery(bench: Bench) -> None:
    await bench.enqueue("a")
    assert await bench.attempt(Answer(204)) is Outcome.DELIVERED
    (delivery,) = await bench.deliveries()
    assert (delivery.state, delivery.sendings, delivery.result) == (DeliveryState.DELIVERED, 1, "204")
    assert await bench.due() == []
    ((target, headers, body),) = bench.sender.posted
    assert (target.host, body, headers["webhook-id"]) == ("hooks.vast-hub.example", b"{}", "msg_a")


async def test_failure_waits_and_is_tried_again(bench: Bench) -> None:
    await bench.enqueue("a")
    assert await bench.attempt(Answer(error="timeout")) is Outcome.FAILED
    assert await bench.due() == []
    (delivery,) = await bench.deliveries()
    assert (delivery.state, delivery.attempts, delivery.result) == (DeliveryState.WAITING, 1, "timeout")
    found = await bench.now()
    assert (found.failures, found.failing_since) == (1, bench.clock.now)


async def test_delivery_is_given_up_after_a_day_and_others_are_not(bench: Bench) -> None:
    await bench.enqueue("a")
    bench.clock.now += timedelta(hours=23)
    assert await bench.attempt(Answer(400)) is Outcome.FAILED
    await bench.enqueue("b")
    bench.clock.now += timedelta(hours=1)
    await bench.attempt(Answer(400))
    await bench.attempt(Answer(400))
    states = {each.webhook_id: each.state for each in await bench.deliveries()}
    assert states == {"msg_a": DeliveryState.GIVEN_UP, "msg_b": DeliveryState.WAITING}


async def test_endpoint_that_fails_is_disabled_and_keeps_events(bench: Bench) -> None:
    await bench.enqueue("a")
    for _ in range(6):
        await bench.attempt(Answer(500))
    assert (await bench.now()).state is EndpointState.ENABLED, "often, but not for long"
    bench.clock.now += timedelta(hours=12)
    await bench.attempt(Answer(500))
    found = await bench.now()
    assert (found.state, found.because) == (EndpointState.DISABLED, DisabledBecause.FAILING)
    assert await bench.attempts.endpoints.to_send(bench.endpoint.id) is None
    bench.clock.now += timedelta(days=3)
    found = await bench.webhooks.enable(bench.endpoint.id, OPERATOR)
    assert (found.state, found.failures, found.failing_since) == (EndpointState.ENABLED, 0, None)
    await bench.attempt(Answer(500))
    (delivery,) = await bench.deliveries()
    assert delivery.state is DeliveryState.WAITING, "the day begins anew"


async def test_success_ends_failing_and_wakes_what_waits(bench: Bench) -> None:
    await bench.enqueue("a", "b")
    await bench.attempt(Answer(500))
    bench.clock.now += timedelta(minutes=11)
    await bench.attempt(Answer(500))
    await bench.attempt(Answer(204))
    assert (await bench.now()).failing_since is None
    assert len(await bench.due()) == 1


async def test_event_that_is_refused_is_not_sent_with_every_other(bench: Bench) -> None:
    await bench.enqueue("a")
    await bench.attempt(Answer(400))
    (good,) = await bench.enqueue("b")
    bench.sender.answer = Answer(204)
    await bench.attempts.make(await bench.now(), good)
    assert await bench.due() == [], "the refused one waits for its time"


async def test_gone_disables_at_once(bench: Bench) -> None:
    await bench.enqueue("a")
    assert await bench.attempt(Answer(410)) is Outcome.GONE
    found = await bench.now()
    assert (found.state, found.because) == (EndpointState.DISABLED, DisabledBecause.GONE)
    assert (await bench.deliveries())[0].state is DeliveryState.WAITING


async def test_retry_after_rests_the_whole_endpoint(bench: Bench) -> None:
    await bench.enqueue("a", "b")
    assert await bench.attempt(Answer(429, retry_after="600")) is Outcome.SLOW_DOWN
    assert await bench.attempts.endpoints.to_send(bench.endpoint.id) is None
    assert (await bench.now()).state is EndpointState.ENABLED


async def test_result_of_a_stale_attempt_changes_nothing(bench: Bench) -> None:
    (delivery,) = await bench.enqueue("a")
    assert await bench.attempts.deliveries.delivered(delivery, "204", bench.clock())
    assert not await bench.attempts.deliveries.given_up(delivery, "timeout", bench.clock())
    assert not await bench.attempts.deliveries.retry(delivery, "timeout", timedelta(0))
    assert (await bench.deliveries())[0].state is DeliveryState.DELIVERED


async def test_positions_are_advanced_by_one_process_only(bench: Bench) -> None:
    stale = await bench.now()
    await bench.enqueue("a")
    with pytest.raises(Conflict):
        await bench.attempts.deliveries.enqueue(stale, [], [], bench.clock())


async def test_event_that_comes_again_is_stored_once(bench: Bench) -> None:
    await bench.enqueue("a", "a")
    await bench.attempt(Answer(204))
    assert await bench.enqueue("a") == []
    assert len(await bench.deliveries()) == 1


async def test_two_secrets_sign_for_a_day_after_rotation(bench: Bench) -> None:
    await bench.enqueue("a")
    second = await bench.webhooks.rotate(bench.endpoint.id, OPERATOR)
    third = await bench.webhooks.rotate(bench.endpoint.id, OPERATOR)
    assert len({bench.secret, second, third}) == 3
    await bench.attempt(Answer(500))
    bench.clock.now += timedelta(hours=24)
    await bench.attempt(Answer(500))
    signed = [len(headers["webhook-signature"].split()) for _, headers, _ in bench.sender.posted]
    assert signed == [2, 1]


async def test_another_key_fails_visibly(bench: Bench) -> None:
    await bench.enqueue("a")
    (delivery,) = await bench.due()
    keyless = Attempts(
        bench.attempts.endpoints,
        bench.attempts.deliveries,
        bench.sender,
        Sealing(b"another key"),
        bench.clock,
        lambda: 0.5,
        Schedule(),
    )
    assert await keyless.make(await bench.now(), delivery) is Outcome.FAILED
    assert (await bench.deliveries())[0].result == "sealed_with_another_key"
    assert bench.sender.posted == []


async def test_events_are_sent_again_under_their_ids(bench: Bench) -> None:
    await bench.enqueue("a", "b")
    await bench.attempt(Answer(204))
    assert await bench.webhooks.send_again(bench.endpoint.id, OPERATOR, ["msg_a"]) == 1
    assert await bench.webhooks.send_again(bench.endpoint.id, OPERATOR, ["msg_unknown"]) == 0
    assert await bench.webhooks.send_again(bench.endpoint.id, OPERATOR, state=DeliveryState.GIVEN_UP) == 0
    assert {each.webhook_id for each in await bench.due()} == {"msg_a", "msg_b"}
    for _ in range(2):
        await bench.attempt(Answer(204))
    sent = sorted(headers["webhook-id"] for _, headers, _ in bench.sender.posted)
    assert sent == ["msg_a", "msg_a", "msg_b"]
    assert {each.webhook_id: each.sendings for each in await bench.deliveries()} == {"msg_a": 2, "msg_b": 1}


async def test_changes_are_noted_and_nothing_secret_is_stored(bench: Bench) -> None:
    await bench.webhooks.disable(bench.endpoint.id, PARTNER)
    assert (await bench.now()).because is DisabledBecause.PARTNER
    await bench.webhooks.enable(bench.endpoint.id, OPERATOR, from_now=True)
    await bench.webhooks.rotate(bench.endpoint.id, OPERATOR)
    stored = repr([row async for row in bench.mongo[WEBHOOK_ENDPOINTS].find({})])
    stored += repr([row async for row in bench.mongo[OPERATIONS].find({})])
    await bench.webhooks.remove(bench.endpoint.id, OPERATOR)
    assert await bench.done() == [
        "webhook added",
        "webhook disabled",
        "webhook enabled",
        "webhook secret rotated",
        "webhook removed",
    ]
    for secret in ("token=secret", "/linkwork", bench.secret, "whsec_"):
        assert secret not in stored


async def test_endpoint_of_another_source_looks_like_none(bench: Bench) -> None:
    endpoint = bench.endpoint.id
    for asked in (
        bench.webhooks.get(endpoint, OTHER),
        bench.webhooks.disable(endpoint, OTHER),
        bench.webhooks.enable(endpoint, OTHER),
        bench.webhooks.rotate(endpoint, OTHER),
        bench.webhooks.remove(endpoint, OTHER),
        bench.webhooks.deliveries(endpoint, OTHER),
        bench.webhooks.send_again(endpoint, OTHER),
        bench.webhooks.get(str(uuid4()), OPERATOR),
    ):
        with pytest.raises(NoSuchEndpoint):
            await asked
    assert (await bench.now()).state is EndpointState.ENABLED


async def test_endpoint_that_cannot_be_is_refused(bench: Bench) -> None:
    for new, actor, code in (
        (NewEndpoint(SOURCE, URL), OPERATOR, "known_address"),
        (NewEndpoint("/meir/booking", URL), OPERATOR, "unknown_source"),
        (NewEndpoint(SOURCE, f"{URL}2"), OTHER, "unknown_source"),
    ):
        with pytest.raises(EndpointRefused) as refused:
            await bench.webhooks.add(new, actor)
        assert refused.value.code == code
    for number in range(9):
        await bench.webhooks.add(NewEndpoint(SOURCE, f"{URL}{number}"), OPERATOR)
    with pytest.raises(EndpointRefused, match="at most"):
        await bench.webhooks.add(NewEndpoint(SOURCE, f"{URL}more"), OPERATOR)


async def test_gauges_show_states_and_what_waits(bench: Bench) -> None:
    leases = Leases(bench.mongo, new_id(), 2.0)
    kafka = KafkaConnection("127.0.0.1:1")  # No runner starts here.
    dispatcher = WebhookDispatcher(bench.attempts, kafka, leases, ["meir"], lambda: [SOURCE], 2.0)

    async def shown() -> dict[str, float]:
        await dispatcher._observe()
        states = ("enabled", "failing", "disabled", "disabled_failing", "disabled_gone")
        gauges = {state: metrics.webhook_endpoints.labels("meir", state) for state in states}
        gauges |= {"waiting": metrics.webhook_waiting.labels("meir")}
        gauges |= {"oldest": metrics.webhook_oldest_waiting.labels("meir")}
        return {name: value for name, gauge in gauges.items() if (value := gauge._value.get())}

    assert await shown() == {"enabled": 1}
    await bench.enqueue("a", "b")
    bench.clock.now += timedelta(minutes=5)
    assert await shown() == {"enabled": 1, "waiting": 2, "oldest": 300}
    await bench.attempt(Answer(500))
    assert await shown() == {"failing": 1, "waiting": 2, "oldest": 300}
    await bench.attempt(Answer(410))
    assert await shown() == {"disabled_gone": 1, "waiting": 2, "oldest": 300}
    await bench.webhooks.disable(bench.endpoint.id, OPERATOR)
    assert await shown() == {"disabled": 1, "waiting": 2, "oldest": 300}
    await bench.webhooks.remove(bench.endpoint.id, OPERATOR)
    assert await shown() == {}
