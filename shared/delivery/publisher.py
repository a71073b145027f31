"""Publishes messages and says of each whether the broker has it.

What is wrong with one topic (it is missing, we have no right to write it, a message is too large for it) is
said of its messages and holds up no other topic's. Everything else is the broker's trouble: it is raised, and
the next call begins with a producer of its own, because an idempotent one that lost count never finds it
again and one whose sender died never sends again.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Final

from aiokafka import AIOKafkaProducer
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

from shared.delivery.outbox import Message

MOST_MESSAGE_BYTES: Final = 2_000_000
TOO_LARGE: Final = (MessageSizeTooLargeError, RecordListTooLargeError)
_OF_ONE_TOPIC: Final = (
    *TOO_LARGE,
    InvalidTopicError,
    PolicyViolationError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)
_TOPIC_SECONDS = 2.0
"""How long a topic that nobody knows is waited for; and then not asked for again for ten times as long."""
_ANSWER_SECONDS = 30.0
"""An idempotent producer tries again for ever, also on a topic that was deleted meanwhile."""
_log = logging.getLogger(__name__)


class Publisher:
    """One producer at a time, made when it is needed. Not to be shared by tasks."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._producer: AIOKafkaProducer | None = None
        self._no_topic_until: dict[str, float] = {}

    async def publish(self, messages: Sequence[Message]) -> list[Exception | None]:
        """Publishes all and waits for all; for each, None where every replica has it, or what is wrong.

        Raises:
            KafkaError, OSError: the broker is away or the producer lost count; nothing is known of any.
        """
        try:
            producer = await self._connected()
            await self._find_topics(producer, {message.topic for message in messages})
            answers = [await self._send(producer, message) for message in messages]
            futures = [answer for answer in answers if isinstance(answer, asyncio.Future)]
            if futures:
                _, unanswered = await asyncio.wait(futures, timeout=_ANSWER_SECONDS)
                if unanswered:
                    raise KafkaTimeoutError
            errors = [answer if isinstance(answer, Exception) else answer.exception() for answer in answers]
            for error in errors:
                if error is not None and not isinstance(error, _OF_ONE_TOPIC):
                    raise error
            return [error if isinstance(error, Exception) else None for error in errors]
        except (KafkaError, OSError):
            await self.close()
            raise

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
                max_request_size=MOST_MESSAGE_BYTES,
                max_batch_size=131_072,
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

    async def _send(
        self, producer: AIOKafkaProducer, message: Message
    ) -> "asyncio.Future[object] | Exception":
        if message.topic in self._no_topic_until:
            unknown: Exception = UnknownTopicOrPartitionError(message.topic)
            return unknown
        headers = [(name, value.encode()) for name, value in message.headers.items()]
        try:
            answer: asyncio.Future[object] = await producer.send(
                message.topic, message.value, key=message.key, headers=headers
            )
        except _OF_ONE_TOPIC as error:
            refused: Exception = error
            return refused
        answer.add_done_callback(_noted)
        return answer


async def _stop(producer: AIOKafkaProducer) -> None:
    # What it still has it would try to send for ever before it stops. The outbox has it: let it go.
    producer._message_accumulator.fail_all(ProducerClosed())  # noqa: SLF001  # there is no other way to give up
    try:
        await asyncio.wait_for(producer.stop(), timeout=5)
    except Exception as error:
        _log.warning("producer did not stop cleanly: %s", type(error).__name__)
    finally:  # also where this task is cancelled meanwhile
        await producer.client.close()


def _noted(answer: "asyncio.Future[object]") -> None:
    """Looks at an answer that nobody may wait for any more, or asyncio complains about it."""
    if not answer.cancelled():
        answer.exception()
