"""Follows the log of a run while it grows: which referrals are answered, and by which owner of booking."""

import asyncio
import time
from collections.abc import Iterable

from aiokafka import AIOKafkaConsumer, ConsumerRecord
from aiokafka.errors import KafkaError

from chaos.handover.epochs import ANSWERS, OUR_WORDS, OURS
from chaos.log import MARKER, entry_of, read, topics_of
from shared.platform.kafka_connection import KafkaConnection


class Watch:
    """The newest referrals and their first answers, in seconds since 1970."""

    def __init__(self, kafka: KafkaConnection, localities: Iterable[str]) -> None:
        self._kafka = kafka
        self._topics = topics_of(localities)
        self._task: asyncio.Task[None] | None = None
        self.created: dict[str, tuple[str, float]] = {}
        self.answered: dict[str, tuple[str, float]] = {}
        self.events = 0

    def start(self) -> None:
        """Starts to read the log from here on."""
        self._task = asyncio.create_task(self._follow())

    async def _follow(self) -> None:
        while True:
            consumer = AIOKafkaConsumer(
                *self._topics,
                **self._kafka.client_arguments(),
                auto_offset_reset="latest",
                request_timeout_ms=5000,
            )
            try:
                await consumer.start()
                while True:
                    for records in (await consumer.getmany(timeout_ms=300)).values():
                        for record in records:
                            self._take(record)
            except (KafkaError, OSError):
                await asyncio.sleep(0.5)
            finally:
                await consumer.stop()

    def _take(self, record: "ConsumerRecord[bytes, bytes]") -> None:
        entry = entry_of(record)
        event = None if ("ce_type", MARKER) in entry.headers else read(entry)
        if event is None:
            return
        self.events += 1
        if event.name == "referral-created":
            self.created.setdefault(event.referral, (event.locality, time.time()))
        if event.kind in ANSWERS:
            word = event.who.rpartition("/")[2]
            owner = OURS if word in OUR_WORDS else word
            self.answered.setdefault(event.referral, (owner, time.time()))

    async def answers(self, locality: str, owner: str, since: float, within: float) -> None:
        """Waits until this owner answers a referral of after `since`. Raises TimeoutError."""
        async with asyncio.timeout(within):
            while True:
                for referral, (where, at) in reversed(self.created.items()):
                    if at < since:
                        break
                    if where == locality and self.answered.get(referral, ("", 0))[0] == owner:
                        return
                await asyncio.sleep(0.1)

    async def stop(self) -> None:
        """Stops to read."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
