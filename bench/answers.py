"""Measures the time from a record in one topic to its answer in another, at a steady rate."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from bench.events import Record
from shared.contract.events.topics import topic
from shared.platform.kafka_connection import KafkaConnection


class Answers:
    """Writes records on schedule, and notes when the answer to each record can be read.

    Times run from the moment at which a record was due. If the machine stalls, the records that it delays
    still count.
    """

    def __init__(self, producer: AIOKafkaProducer, into: str) -> None:
        self._producer = producer
        self._topic = into
        self._due: dict[bytes, float] = {}
        self.seconds: list[float] = []

    @classmethod
    @asynccontextmanager
    async def of(cls, kafka: KafkaConnection, locality: str) -> "AsyncIterator[Answers]":
        """Puts a locality's new referrals, and reads its meetings from now on."""
        into, until = topic(locality, "referral-created"), topic(locality, "meeting-booked")
        async with cls.between(kafka, into, until) as answers:
            yield answers

    @classmethod
    @asynccontextmanager
    async def between(cls, kafka: KafkaConnection, into: str, until: str) -> "AsyncIterator[Answers]":
        """Puts records into one topic, and reads what has their keys in another from now on."""
        reader = AIOKafkaConsumer(until, **kafka.client_arguments(), enable_auto_commit=False)
        async with AIOKafkaProducer(**kafka.client_arguments()) as producer, reader:
            await reader.seek_to_end()
            await producer.partitions_for(into)  # fetches the position, once
            answers = cls(producer, into)
            listening = asyncio.create_task(answers._listen(reader))
            try:
                yield answers
            finally:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)

    @property
    def unanswered(self) -> int:
        """The number of records whose answer has not been read yet."""
        return len(self._due)

    def forget(self) -> None:
        """Starts counting from zero."""
        self._due, self.seconds = {}, []

    async def send(self, records: Iterable[Record], rate: float, enough: asyncio.Event | None = None) -> None:
        """Writes records at a fixed rate, regardless of answers, until it is `enough`."""
        began = time.perf_counter()
        for number, record in enumerate(records):
            due = began + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            if enough is not None and enough.is_set():
                return
            self._due[record.key] = due
            await self._producer.send(self._topic, record.value, key=record.key, headers=list(record.headers))

    async def all(self, patience: float) -> None:
        """Waits until all records are answered, or for this number of seconds."""
        end = time.perf_counter() + patience
        while self._due and time.perf_counter() < end:
            await asyncio.sleep(0.01)

    async def _listen(self, reader: AIOKafkaConsumer) -> None:
        async for record in reader:
            due = self._due.pop(record.key or b"", None)
            if due is not None:
                self.seconds.append(time.perf_counter() - due)
