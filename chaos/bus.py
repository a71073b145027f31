"""Publishes events until the broker has them, and reads the meetings that come back."""

import asyncio
import contextlib
import json
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import replace

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.errors import KafkaError

from chaos.counting import BOOKERS
from chaos.says import Saying
from shared.platform.kafka_connection import KafkaConnection

MOST_BYTES = 2_000_000


class Bus:
    """A partner's connection. `said` holds the events that all replicas acknowledged."""

    def __init__(self, kafka: KafkaConnection) -> None:
        self._kafka = kafka
        self._producer: AIOKafkaProducer | None = None
        self._restarting = asyncio.Lock()
        # Time of the acknowledgement by event, in seconds since 1970.
        self.said: list[tuple[Saying, float]] = []

    async def start(self) -> None:
        """Connects the first producer."""
        await self._renewed(None)

    async def _renewed(self, broken: AIOKafkaProducer | None) -> AIOKafkaProducer:
        """A working producer in place of a broken one. A broken idempotent producer may never recover."""
        async with self._restarting:
            if self._producer is not None and self._producer is not broken:
                return self._producer
            if self._producer is not None:
                with contextlib.suppress(Exception):
                    await asyncio.wait_for(self._producer.stop(), 2)
            while True:
                producer = AIOKafkaProducer(
                    **self._kafka.client_arguments(),
                    acks="all",
                    enable_idempotence=True,
                    linger_ms=5,
                    request_timeout_ms=5000,
                    max_request_size=MOST_BYTES,
                )
                try:
                    await producer.start()
                except (KafkaError, OSError):
                    with contextlib.suppress(Exception):
                        await producer.stop()
                    await asyncio.sleep(0.2)
                else:
                    self._producer = producer
                    return producer

    async def say(self, sayings: Iterable[Saying], *, past_admission: bool = False) -> None:
        """Returns when the broker has all of them, in the partner's inbox unless `past_admission`.

        An event that the broker may have already is published again, unchanged.
        """
        await asyncio.gather(*(self._say(each, past_admission) for each in sayings))

    async def _say(self, each: Saying, past_admission: bool) -> None:
        await self.put(each if past_admission else replace(each, topic=each.inbox))
        self.said.append((each, time.time()))

    async def put(self, each: Saying) -> None:
        """Publishes a record without adding it to `said`, so that no check counts it as an event."""
        broken = None
        while True:
            producer = await self._renewed(broken)
            try:
                await producer.send_and_wait(
                    each.topic, each.value, key=each.key, headers=each.headers, partition=each.partition
                )
            except (KafkaError, OSError, RuntimeError):
                broken = producer
                await asyncio.sleep(0.1)
            else:
                return

    async def stop(self) -> None:
        """Closes the connection."""
        if self._producer is not None:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(self._producer.stop(), 5)


class Meetings:
    """The newest meetings that owners of booking booked, as read from the bus."""

    def __init__(self, kafka: KafkaConnection, localities: Iterable[str]) -> None:
        self._kafka = kafka
        self._topics = [f"{slug}.meeting-booked.v1" for slug in localities]
        self._listening: asyncio.Task[None] | None = None
        # (locality, referral, meeting), the oldest first.
        self.new: deque[tuple[str, str, str]] = deque(maxlen=5000)
        self.of: dict[str, str] = {}  # The latest meeting received for each referral.
        self._heard_of: set[str] = set()

    def start(self) -> None:
        """Starts to read the bus."""
        self._listening = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        consumer = AIOKafkaConsumer(
            *self._topics,
            **self._kafka.client_arguments(),
            auto_offset_reset="latest",
            request_timeout_ms=5000,
        )
        while True:
            try:
                await consumer.start()
                break
            except (KafkaError, OSError):
                await asyncio.sleep(0.5)
        try:
            while True:
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    for record in records:
                        self._heard(record.topic.partition(".")[0], dict(record.headers), record.value)
        finally:
            await consumer.stop()

    def _heard(self, locality: str, headers: dict[str, bytes], value: bytes | None) -> None:
        # As bytes: a harmful record may have a source that is no text, and must not end this task.
        if (
            headers.get("ce_source") in {f"/{locality}{one}".encode() for one in BOOKERS}
            and value is not None
        ):
            body = json.loads(value)
            if body["meeting_id"] in self._heard_of:
                return  # a repeat changes nothing
            self._heard_of.add(body["meeting_id"])
            self.new.append((locality, body["referral_id"], body["meeting_id"]))
            self.of[body["referral_id"]] = body["meeting_id"]

    async def stop(self) -> None:
        """Stops to read the bus."""
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
