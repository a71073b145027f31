"""Patch of FastStream's polling: a poll waits for records.

After an empty poll, FastStream's batch subscriber sleeps for `batch_timeout_ms` without polling
(`BatchSubscriber.get_msg`). A short time costs processor while nothing arrives, a long one delays records.
The patched consumer answers a poll only with records.
"""

from functools import partial
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from faststream.kafka import KafkaBroker

_WAIT_MS: Final = 1000
Polled = dict[TopicPartition, list["ConsumerRecord[bytes, bytes]"]]


def install(broker: KafkaBroker) -> None:
    """Patches the consumers of one connected broker."""
    config = broker.config.broker_config
    builds: Any = config.builder  # A partial of aiokafka's consumer with the connection's arguments.
    config.builder = partial(_WaitingConsumer, **builds.keywords)


class _WaitingConsumer(AIOKafkaConsumer):  # type: ignore[misc]  # aiokafka ships no types
    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> Polled:
        found: Polled = {}
        while not found:
            found = await super().getmany(*partitions, timeout_ms=_WAIT_MS, max_records=max_records)
        return found
