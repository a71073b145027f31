"""Publishes messages and says of each whether the broker has it.

What is wrong with one topic (it is missing, we have no right to write it, a message is too large for it) is
said of its messages and holds up no other topic's. So it is with a partition that does not answer (it has no
leader, or too few replicas) while others do. Everything else is the broker's trouble: it is raised, and the
next call begins with a producer of its own, because an idempotent one that lost count never finds it again
and one whose sender died never sends again.
"""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Final

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import (
    InvalidTopicError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    PolicyViolationError,
    ProducerClosed,
    RecordListTooLargeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from shared.contract.events.partitioning import partition_of
from shared.delivery.kafka.patches.connections import lose_closed_connections
from shared.delivery.outbox.rows import Message

MAX_MESSAGE_BYTES: Final = 2_000_000
TOO_LARGE: Final = (MessageSizeTooLargeError, RecordListTooLargeError)
_OF_ONE_TOPIC: Final = (
    *TOO_LARGE,
    InvalidTopicError,
    PolicyViolationError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)
_BATCH_BYTES = 131_072
"""A topic whose limit is lower refuses many for one: keep it well under every likely limit."""
_TOPIC_SECONDS = 2.0
"""How long a topic that nobody knows is waited for; and then not asked for again for ten times as long."""
_ANSWER_SECONDS = 30.0
"""An idempotent producer tries again for ever, also on a topic that was deleted meanwhile."""
_SILENT_SECONDS = 10.0
"""So long a partition that did not answer, while others did, is not asked again. Not longer: the broker may
have died between the answers, and be back."""
_log = logging.getLogger(__name__)
lose_closed_connections()


class Producer:
    """One producer at a time, made when it is needed. Not to be shared by tasks."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._producer: AIOKafkaProducer | None = None
        self._no_topic_until: dict[str, float] = {}
        self._silent_until: dict[TopicPartition, float] = {}
        self._partitions: dict[str, list[int]] = {}

    async def publish(self, messages: Sequence[Message]) -> list[Exception | None]:
        """Publishes all and waits for all; for each, None where every replica has it, or what is wrong.

        Raises:
            KafkaError, OSError: the broker is away or the producer lost count; nothing is known of any.
        """
        try:
            producer = await self._connected()
            await self._find_topics(producer, {message.topic for message in messages})
            results: list[Exception | None] = [None] * len(messages)
            places = self._places(messages, results)
            waiting = {at for here in places.values() for at in here}
            sending = {
                place: asyncio.create_task(
                    self._send(producer, place, [(at, messages[at]) for at in here], results, waiting)
                )
                for place, here in places.items()
            }
            await self._answered(sending)
            for at in waiting:
                results[at] = KafkaTimeoutError()
            return results
        except (KafkaError, OSError):
            await self.close()
            raise

    async def _answered(self, sending: Mapping[TopicPartition, "asyncio.Task[None]"]) -> None:
        """Waits for the partitions' answers; those that give none are not asked again for a while.

        Raises:
            KafkaTimeoutError: none of them answers.
            KafkaError: what is not one topic's fault.
        """
        if not sending:
            return
        try:
            answered, silent = await asyncio.wait(sending.values(), timeout=_ANSWER_SECONDS)
        finally:
            for task in sending.values():
                task.cancel()
            await asyncio.gather(*sending.values(), return_exceptions=True)
        for task in answered:
            # By nobody: the client gave it up, and whoever publishes must not end with it.
            if task.cancelled():
                raise KafkaError("given up by the client")
            task.result()
        if not silent:
            return
        # This producer would go on trying, with what came first to come first.
        await self.close()
        if not answered:
            raise KafkaTimeoutError
        until = time.monotonic() + _SILENT_SECONDS
        self._silent_until.update({place: until for place, task in sending.items() if task in silent})

    async def close(self) -> None:
        """Ends the producer, also one that still waits for a broker that is away."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await _stop(producer)

    async def _connected(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = AIOKafkaProducer(
                bootstrap_servers=self._bootstrap,
                acks="all",
                enable_idempotence=True,
                max_request_size=MAX_MESSAGE_BYTES,
                max_batch_size=_BATCH_BYTES,
                request_timeout_ms=15_000,
            )
            try:
                await producer.start()
            except BaseException:
                await _stop(producer)
                raise
            self._producer = producer
        return self._producer

    async def _find_topics(self, producer: AIOKafkaProducer, topics: set[str]) -> None:
        """Waits, all at once, for topics that the producer has not met yet."""
        wanted = [topic for topic in topics if self._no_topic_until.get(topic, 0.0) < time.monotonic()]
        found = await asyncio.gather(
            *(asyncio.wait_for(producer.partitions_for(topic), _TOPIC_SECONDS) for topic in wanted),
            return_exceptions=True,
        )
        for topic, result in zip(wanted, found, strict=True):
            if isinstance(result, TimeoutError | KafkaError):
                self._no_topic_until[topic] = time.monotonic() + 10 * _TOPIC_SECONDS
            elif isinstance(result, BaseException):
                raise result
            else:
                self._no_topic_until.pop(topic, None)
                self._partitions[topic] = sorted(result)

    def _places(
        self, messages: Sequence[Message], results: list[Exception | None]
    ) -> dict[TopicPartition, list[int]]:
        """Which messages go where, in their order; of the others `results` says what is wrong."""
        places: dict[TopicPartition, list[int]] = {}
        for at, message in enumerate(messages):
            partitions = self._partitions.get(message.topic)
            if message.topic in self._no_topic_until or partitions is None:
                results[at] = UnknownTopicOrPartitionError(message.topic)
            elif message.size > MAX_MESSAGE_BYTES:
                results[at] = MessageSizeTooLargeError(message.topic)
            else:
                partition = partitions[partition_of(message.key, len(partitions))]
                place = TopicPartition(message.topic, partition)
                if self._silent_until.get(place, 0.0) > time.monotonic():
                    results[at] = KafkaTimeoutError()
                else:
                    places.setdefault(place, []).append(at)
        return places

    @staticmethod
    async def _send(
        producer: AIOKafkaProducer,
        place: TopicPartition,
        messages: Sequence[tuple[int, Message]],
        results: list[Exception | None],
        waiting: set[int],
    ) -> None:
        """Sends one partition's messages in batches of our own making: an answer each costs as much again.

        What was answered is taken out of `waiting`.

        Raises:
            KafkaError: what is not the topic's fault.
        """
        rest = list(reversed(messages))
        while rest:
            batch, inside = producer.create_batch(), []
            while rest:
                at, message = rest[-1]
                headers = [(name, value.encode()) for name, value in message.headers.items()]
                taken = batch.append(key=message.key, value=message.value, timestamp=None, headers=headers)
                if taken is None:
                    break  # it is full, which an empty one never is
                inside.append(at)
                rest.pop()
            batch.close()
            try:
                await (await producer.send_batch(batch, place.topic, partition=place.partition))
            except _OF_ONE_TOPIC as error:
                for at in inside:
                    results[at] = error
            waiting.difference_update(inside)


async def _stop(producer: AIOKafkaProducer) -> None:
    # What it still has it would try to send for ever before it stops. The outbox has it: let it go.
    producer._message_accumulator.fail_all(ProducerClosed())  # noqa: SLF001  # there is no other way to give up
    try:
        await asyncio.wait_for(producer.stop(), timeout=5)
    except Exception as error:
        _log.warning("producer did not stop cleanly: %s", type(error).__name__)
    finally:  # also where this task is cancelled meanwhile
        await producer.client.close()
