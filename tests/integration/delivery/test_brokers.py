"""A cluster is named by several of its brokers, and has the topics that were made for it and no others."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import UnknownTopicOrPartitionError
from faststream.kafka import KafkaBroker

from deploy.local.kafka import Kafka
from deploy.local.ports import LOOPBACK, free_port
from shared.contract.events.topics import dead_letter_topic, event_topics
from shared.delivery.kafka.producer import MAX_MESSAGE_BYTES, Producer
from shared.delivery.kafka.topics import create_topics
from shared.delivery.kernel import Kernel
from shared.delivery.outbox.rows import Message
from shared.platform.kafka_connection import KafkaConnection
from tests.harness.delivery.toy import TOY, Bench, created, locality_name, said


async def test_bootstrap_with_first_broker_away_connects(place: Bench) -> None:
    brokers = place.kafka.at(f"{LOOPBACK}:{free_port()},{place.kafka.bootstrap}")
    there = replace(place, options=replace(place.options, kafka=brokers))
    event = said(created(place.locality))
    async with there.kernel().running() as kernel:
        await place.say(event)
        view = await kernel.wait_for(
            place.locality, event.body.referral_id, lambda v: v["meetings"] == 1, seconds=10
        )
    assert view is not None
    assert view["stage"] == "booked"


async def topics_of(kafka: KafkaConnection) -> set[str]:
    admin = AIOKafkaAdminClient(**kafka.client_arguments())
    await admin.start()
    try:
        return set(await admin.list_topics())
    finally:
        await admin.close()


def with_an_admin(**settings: Any) -> KafkaBroker:
    """FastStream as it is where it does not only consume: then it makes each topic that it does not find."""
    return KafkaBroker(**settings | {"consumer_only": False})


@pytest.mark.parametrize("broker", [KafkaBroker, with_an_admin])
async def test_consumer_of_missing_topic_does_not_create_it(
    place: Bench, monkeypatch: pytest.MonkeyPatch, broker: Callable[..., KafkaBroker]
) -> None:
    """It would have one partition, and nobody would notice until a second process has nothing to do."""
    monkeypatch.setattr("shared.delivery.consumer.topic_consumer.KafkaBroker", broker)
    missing = locality_name()
    async with Kernel(TOY, replace(place.options, drain_seconds=0.5), [missing]).running() as kernel:
        consumer = await joined(kernel)
        assert consumer is not None
        await asyncio.sleep(1)
        assert not [name for name in await topics_of(place.kafka) if name.startswith(missing)]


async def joined(kernel: Kernel[Any, Any]) -> AIOKafkaConsumer | None:
    """The consumer of its one stream, once FastStream has begun it."""
    for _ in range(100):
        if kernel._consumers[0].consumer is not None:
            break
        await asyncio.sleep(0.1)
    return kernel._consumers[0].consumer


async def test_broker_with_unknown_topic_does_not_create_it(own_kafka: Kafka) -> None:
    """A client that asks where a topic lies asks to have it made, whether it means to or not."""
    await own_kafka.start()
    publisher = Producer(own_kafka.connection)
    (refused,) = await publisher.publish([Message("asked-for", b"k", b"v", {})])
    await publisher.close()
    assert isinstance(refused, UnknownTopicOrPartitionError)
    assert "asked-for" not in await topics_of(own_kafka.connection)


async def test_broker_retains_events_and_offsets_for_ever(own_kafka: Kafka) -> None:
    """Once a group's offsets expire it would read the whole log again."""
    await own_kafka.start()
    await create_topics(own_kafka.connection, ["meir"])
    kinds = ConfigResourceType
    broker = await settings_of(own_kafka.connection, ConfigResource(kinds.BROKER, "1"))
    assert (broker["log.retention.ms"], broker["offsets.retention.minutes"]) == ("-1", str(2**31 - 1))
    for name in event_topics("meir"):
        events = await settings_of(own_kafka.connection, ConfigResource(kinds.TOPIC, name))
        assert events["retention.ms"] == "-1"
    dead = ConfigResource(kinds.TOPIC, dead_letter_topic("matching"))
    letters = await settings_of(own_kafka.connection, dead)
    assert timedelta(milliseconds=int(letters["retention.ms"])) == timedelta(days=30)
    assert int(letters["max.message.bytes"]) > MAX_MESSAGE_BYTES


async def settings_of(kafka: KafkaConnection, resource: ConfigResource) -> dict[str, str]:
    admin = AIOKafkaAdminClient(**kafka.client_arguments())
    await admin.start()
    try:
        (answer,) = await admin.describe_configs([resource])
    finally:
        await admin.close()
    return {name: value for *_, entries in answer.resources for name, value, *_ in entries}
