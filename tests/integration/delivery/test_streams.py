"""A consumer names what it waits for, and stops in bounded time."""

import asyncio
import os
import signal
import time
from dataclasses import replace
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import CommitFailedError

from deploy.local.kafka import Kafka
from shared.contract.events.partitioning import partition_of
from shared.contract.events.topics import dead_letter_topic, event_topics
from shared.delivery.kernel import Kernel
from shared.delivery.model.errors import Held
from shared.delivery.model.service_definition import NoRepository
from shared.platform import metrics
from tests.harness.delivery.toy import TOY, Bench, created, said


class Stuck(NoRepository):
    """Somebody else holds what is to be written, for ever."""

    async def save(self, tx: Any, changes: Any, resources: None) -> None:
        raise Held("for ever")


class Slow(NoRepository):
    """Takes its time."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()

    async def save(self, tx: Any, changes: Any, resources: None) -> None:
        self.begun.set()
        await asyncio.sleep(2)


def _gauge(gauge: Any, place: Bench) -> float:
    return float(gauge.labels("matching", place.locality)._value.get())


async def _on(kafka: Kafka, place: Bench) -> Bench:
    """The same place on a broker of the test's own."""
    await kafka.start()
    admin = AIOKafkaAdminClient(**kafka.connection.client_arguments())
    await admin.start()
    names = [*event_topics(place.locality), dead_letter_topic("matching")]
    await admin.create_topics([NewTopic(name, 3, 1) for name in names])
    await admin.close()
    options = replace(place.options, kafka=kafka.connection, drain_seconds=3.0)
    producer = AIOKafkaProducer(**kafka.connection.client_arguments())
    await producer.start()
    return replace(place, kafka=kafka.connection, producer=producer, options=options)


async def _said_of(kernel: Kernel[Any, Any], place: Bench, waits_for: str | None, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        _, detail = await kernel.ready()
        if detail["streams"][place.locality].get("waits_for") == waits_for:
            return True
        await asyncio.sleep(0.2)
    return False


async def test_stuck_batch_counts_as_lag(place: Bench) -> None:
    async with place.kernel(replace(TOY, repository=Stuck())).running() as kernel:
        await place.say(*[said(created(place.locality)) for _ in range(5)])
        assert await _said_of(kernel, place, "held", 10)
        await asyncio.sleep(0.5)
        began = time.time()
        await kernel._consumers[0].observe()
        assert _gauge(metrics.consumer_lag, place) == 5
        assert _gauge(metrics.last_progress, place) < began, "nothing moves"


async def test_stop_with_dead_broker_and_batch_in_hand_is_bounded(place: Bench, own_kafka: Kafka) -> None:
    away, store = await _on(own_kafka, place), Slow()
    kernel = away.kernel(replace(TOY, repository=store))
    await kernel.start()
    await away.say(said(created(place.locality)))
    await away.producer.stop()
    await asyncio.wait_for(store.begun.wait(), 20)
    await own_kafka.stop(grace=0.0)
    await asyncio.wait_for(kernel.stop(), 30)


async def test_silent_broker_is_named_in_detail(place: Bench, own_kafka: Kafka, monkeypatch: Any) -> None:
    monkeypatch.setattr("shared.delivery.consumer.topic_consumer._SILENT_SECONDS", 2.0)
    away = await _on(own_kafka, place)
    async with away.kernel().running() as kernel:
        event = said(created(place.locality))
        await away.say(event)
        await away.producer.stop()
        seen = await kernel.wait_for(place.locality, event.body.referral_id, lambda v: v["meetings"] == 1, 20)
        assert seen is not None
        assert await _said_of(kernel, place, None, 5)
        broker = own_kafka.pid
        assert broker is not None
        os.kill(broker, signal.SIGSTOP)
        try:
            assert await _said_of(kernel, place, "broker", 10)
            began = time.time()
            await kernel._consumers[0].observe()
            assert _gauge(metrics.last_progress, place) < began, "nobody knows whether there is work"
        finally:
            os.kill(broker, signal.SIGCONT)
        assert await _said_of(kernel, place, None, 20)


@pytest.mark.parametrize(
    ("part", "task"),
    [("_coordinator", "_coordination_task"), ("_fetcher", "_fetch_task"), ("_client", "_sync_task")],
)
async def test_consumer_without_a_client_task_is_not_live(place: Bench, part: str, task: str) -> None:
    """Nothing would be heard any more, or nothing after the next rebalance or the death of a broker."""
    async with place.kernel().running() as kernel:
        stream = kernel._consumers[0]
        while not stream.detail()["partitions"]:
            await asyncio.sleep(0.05)
        assert kernel.live()
        needed = getattr(getattr(stream.consumer, part), task)
        needed.cancel()
        await asyncio.wait([needed])
        assert not kernel.live()


@pytest.mark.parametrize("failure", [asyncio.CancelledError(), KeyError("a connection"), CommitFailedError()])
async def test_commit_loop_after_failed_commit_goes_on(place: Bench, failure: BaseException) -> None:
    """The client gives some of its own failures on as they come, also as a cancellation of nobody."""
    async with place.kernel().running() as kernel:
        stream = kernel._consumers[0]
        while not stream.detail()["partitions"]:
            await asyncio.sleep(0.05)
        consumer: Any = stream.consumer
        commit, failed = consumer.commit, asyncio.Event()

        async def once(offsets: Any) -> None:
            if not failed.is_set():
                failed.set()
                raise failure
            await commit(offsets)

        consumer.commit = once
        event = said(created(place.locality))
        await place.say(event)
        await asyncio.wait_for(failed.wait(), 10)
        where = TopicPartition(event.topic(), partition_of(event.body.referral_id.encode(), 3))
        for _ in range(100):
            if await consumer.committed(where) == 1:
                break
            await asyncio.sleep(0.1)
        assert await consumer.committed(where) == 1, "what was not committed is never said again"
        assert kernel.live()


async def test_record_after_long_silence_is_received_at_once(place: Bench) -> None:
    """FastStream asks for so long, and where nothing came it looks away for as long again."""
    first, second = said(created(place.locality)), said(created(place.locality))
    async with place.kernel(batch_timeout_ms=5000).running() as kernel:
        await place.say(first)
        assert await kernel.wait_for(place.locality, first.body.referral_id, lambda v: v["contacts"] == 1, 10)
        await asyncio.sleep(5.5)
        await place.say(second)
        view = await kernel.wait_for(place.locality, second.body.referral_id, lambda v: v["meetings"] == 1, 2)
    assert view is not None
    assert view["meetings"] == 1
