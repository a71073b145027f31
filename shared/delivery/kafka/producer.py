"""Publishes messages and reports for each whether the broker has acknowledged it.

An error of one topic (missing, forbidden, or a message too large) is reported for its messages and does not
hold up other topics. The same holds for a partition that does not answer while others do, because it has no
leader or too few replicas. Every other error is the broker's and is raised. The next call then makes a new
producer, because an idempotent producer that lost its sequence, or whose sender died, never sends again. So
does the next call after a topic refused us for want of rights.
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
from shared.delivery.kafka.patches import connections
from shared.delivery.outbox.rows import Message
from shared.platform.kafka_connection import KafkaConnection

MAX_MESSAGE_BYTES: Final = 2_000_000
TOO_LARGE: Final = (MessageSizeTooLargeError, RecordListTooLargeError)
_OF_ONE_TOPIC: Final = (
    *TOO_LARGE,
    InvalidTopicError,
    PolicyViolationError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)
# A topic with a lower limit refuses the whole batch, so this stays well under every likely limit.
_BATCH_BYTES: Final = 131_072
# Time to find an unknown topic; the producer then does not look for it again for ten times as long.
_TOPIC_SECONDS: Final = 2.0
# An idempotent producer retries for ever, even on a topic that was deleted meanwhile.
_ANSWER_SECONDS: Final = 30.0
# A partition that did not answer, while others did, is left alone for so long. Not longer, because the broker
# may have died between the answers and be back.
_SILENT_SECONDS: Final = 10.0
_log = logging.getLogger(__name__)
connections.install()


class Producer:
    """One producer at a time, made when it is needed. Tasks must not share it."""

    def __init__(self, kafka: KafkaConnection) -> None:
        self._kafka = kafka
        self._producer: AIOKafkaProducer | None = None
        self._no_topic_until: dict[str, float] = {}
        self._silent_until: dict[TopicPartition, float] = {}
        self._partitions: dict[str, list[int]] = {}

    async def publish(self, messages: Sequence[Message]) -> list[Exception | None]:
        """Publishes all messages and waits for all.

        Returns for each None, once every replica has it, or its error.

        Raises:
            KafkaError, OSError: the broker is away or the producer lost its sequence; no result is known.
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
            if any(isinstance(result, TopicAuthorizationFailedError) for result in results):
                # The refused records had numbers of their own: the broker would accept nothing after them.
                await self.close()
            return results
        except (KafkaError, OSError):
            await self.close()
            raise

    async def _answered(self, sending: Mapping[TopicPartition, "asyncio.Task[None]"]) -> None:
        """Waits for the partitions' answers. A silent partition is left alone for a while.

        Raises:
            KafkaTimeoutError: no partition answers.
            KafkaError: an error that is not one topic's.
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
            # The client gave it up, which must not end the task that publishes.
            if task.cancelled():
                raise KafkaError("given up by the client")
            task.result()
        if not silent:
            return
        # This producer would go on retrying, and keep the order of its messages.
        await self.close()
        if not answered:
            raise KafkaTimeoutError
        until = time.monotonic() + _SILENT_SECONDS
        self._silent_until.update({place: until for place, task in sending.items() if task in silent})

    async def close(self) -> None:
        """Stops the producer, even while it waits for a broker that is away."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await _stop(producer)

    async def _connected(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = AIOKafkaProducer(
                **self._kafka.client_arguments(),
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
        """Waits for the metadata of all topics at once."""
        searched = [topic for topic in topics if self._no_topic_until.get(topic, 0.0) < time.monotonic()]
        found = await asyncio.gather(
            *(asyncio.wait_for(producer.partitions_for(topic), _TOPIC_SECONDS) for topic in searched),
            return_exceptions=True,
        )
        for topic, result in zip(searched, found, strict=True):
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
        """The messages of each partition, in order. Sets the errors of the others in `results`."""
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
        """Sends one partition's messages in batches, because an answer for each message doubles the cost.

        Removes answered messages from `waiting`.

        Raises:
            KafkaError: an error that is not the topic's.
        """
        rest = list(reversed(messages))
        while rest:
            batch, inside = producer.create_batch(), []
            while rest:
                at, message = rest[-1]
                headers = [(name, value.encode()) for name, value in message.headers.items()]
                taken = batch.append(key=message.key, value=message.value, timestamp=None, headers=headers)
                if taken is None:
                    break  # It is full, which an empty batch never is.
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
    # Before it stops, the producer would send for ever what it still has. The outbox has those messages too.
    producer._message_accumulator.fail_all(ProducerClosed())  # noqa: SLF001  # no other way to give up
    try:
        await asyncio.wait_for(producer.stop(), timeout=5)
    except Exception as error:
        _log.warning("producer did not stop cleanly: %s", type(error).__name__)
    finally:  # Even if this task is cancelled meanwhile.
        await producer.client.close()
