"""A consumer whose polls wait for records.

FastStream asks for records, waits `batch_timeout_ms` for them, and where none came sleeps as long again
without looking: a short time costs processor while nothing happens, a long one delays what comes. Here the
question waits until there is an answer.
"""

from functools import partial
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from faststream.kafka import KafkaBroker

_WAIT_MS = 1000
Polled = dict[TopicPartition, list["ConsumerRecord[bytes, bytes]"]]


def wait_for_records(broker: KafkaBroker) -> None:
    """Makes the consumers of a connected broker wait so."""
    config = broker.config.broker_config
    builds: Any = config.builder  # a partial of aiokafka's consumer with how to connect
    config.builder = partial(_Waiting, **builds.keywords)


class _Waiting(AIOKafkaConsumer):  # type: ignore[misc]  # aiokafka ships no types
    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> Polled:
        found: Polled = {}
        while not found:
            found = await super().getmany(*partitions, timeout_ms=_WAIT_MS, max_records=max_records)
        return found
