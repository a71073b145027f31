"""Patch of FastStream's polling: a poll waits for records.

After an empty poll, FastStream's batch subscriber sleeps for `batch_timeout_ms` without polling
(`BatchSubscriber.get_msg`). A short time costs processor while nothing arrives, a long one delays records.
The patched consumer answers a poll only with records.

If the right to read a topic is withdrawn, the client raises for all topics, and FastStream pauses for 5 s
each time. The patched consumer leaves that topic alone for a while and goes on with the others.

Each poll first passes the gate (`offsets/stream_gate.py`), which decides where the stream goes on.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from functools import partial
from typing import Any, Final, Protocol

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import TopicAuthorizationFailedError
from faststream.kafka import KafkaBroker

_WAIT_MS: Final = 1000
# After so long, a topic that was refused is read again.
_REFUSED_SECONDS: Final = 2.0
_log = logging.getLogger(__name__)
Polled = dict[TopicPartition, list["ConsumerRecord[bytes, bytes]"]]


class Gate(Protocol):
    """Lets records pass whose consumer reads from where it should."""

    def lets_pass(self, partition: TopicPartition) -> bool:
        """True if records of this partition may pass. A change of partitions shuts the gate at once."""


Passed = Callable[[AIOKafkaConsumer], Awaitable[None]]


def install(broker: KafkaBroker, gate: Gate, passed: Passed) -> None:
    """Patches the consumers of one connected broker. `passed` waits until the gate is open."""
    config = broker.config.broker_config
    builds: Any = config.builder  # A partial of aiokafka's consumer with the connection's arguments.
    config.builder = partial(_WaitingConsumer, gate, passed, **builds.keywords)


class _WaitingConsumer(AIOKafkaConsumer):  # type: ignore[misc]  # aiokafka ships no types
    def __init__(self, gate: Gate, passed: Passed, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._gate = gate
        self._passed = passed

    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None
    ) -> Polled:
        found: Polled = {}
        while not found:
            await self._passed(self)
            try:
                polled = await super().getmany(*partitions, timeout_ms=_WAIT_MS, max_records=max_records)
            except TopicAuthorizationFailedError as refused:
                self._leave_alone({str(topic) for topic in refused.args})
                continue
            # Before a poll, the gate seeks to where it stays open; what it did not let pass comes again.
            found = {at: records for at, records in polled.items() if self._gate.lets_pass(at)}
        return found

    def _leave_alone(self, topics: Collection[str]) -> None:
        """Reads nothing of these topics for a while."""
        paused = [partition for partition in self.assignment() if partition.topic in topics]
        self.pause(*paused)
        _log.warning("no right to read", extra={"topics": sorted(topics)})
        asyncio.get_running_loop().call_later(_REFUSED_SECONDS, self._read_again, paused)

    def _read_again(self, partitions: Collection[TopicPartition]) -> None:
        self.resume(*(partition for partition in partitions if partition in self.assignment()))
