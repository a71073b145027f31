"""Reads erasures from the log, which is the second copy of the tombstones: a restored database lacks some."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.contract.events import envelope
from shared.contract.events.envelope import Envelope
from shared.contract.events.outcomes import PersonErased
from shared.contract.events.topics import topic
from shared.delivery.kafka.broker_view import BrokerView
from shared.delivery.kafka.patches import connections, record_batches
from shared.delivery.mongo.database import Mongo
from shared.delivery.offsets.handled import HandledOffsets
from shared.delivery.offsets.verdict import HandledOffset, first_unhandled
from shared.delivery.stopping import to_its_end
from shared.platform.kafka_connection import KafkaConnection

_POLL_MS: Final = 500
_POLL_RECORDS: Final = 2000
_FETCH_WAIT_MS: Final = 100
# Every person_erased holds its kind in clear: most records need not be decoded.
_KIND: Final = b"person_erased"
_OffsetOf = Mapping[TopicPartition, int]


class LogMissing(Exception):
    """A topic does not exist, or may not be read: nobody can say who was erased."""


class ErasureLog:
    """The log's erasures behind what the database has handled."""

    def __init__(self, kafka: KafkaConnection, mongo: Mongo) -> None:
        self._kafka = kafka
        self._mongo = mongo

    async def unhandled(self, localities: Sequence[str]) -> list[Envelope]:
        """Every person_erased of these localities that lies behind the handled offsets, up to the log's end.

        Records that cannot be read are left to the stream.

        Raises:
            LogMissing: a topic does not exist, or may not be read.
            KafkaError, OSError, TimeoutError: the broker does not answer, or refuses us.
            PyMongoError: the database is away.
        """
        if not localities:
            return []
        logs = await self._logs(localities)
        async with self._consumer() as consumer:
            ends: _OffsetOf = await consumer.end_offsets(list(logs))
            handled: dict[TopicPartition, HandledOffset] = {}
            for locality in localities:
                handled |= await HandledOffsets(self._mongo, locality).read()
            begins = {at: first_unhandled(handled.get(at), log, ends[at]) for at, log in logs.items()}
            behind = {at: begin for at, begin in begins.items() if begin < ends[at]}
            return await _read(consumer, behind, ends) if behind else []

    async def _logs(self, localities: Sequence[str]) -> dict[TopicPartition, str]:
        """The partitions in which outcomes stand, with the ids of their topics."""
        topics = [topic(each, "outcome-recorded") for each in localities]
        view = BrokerView(self._kafka)
        try:
            states = await view.topics(topics)
        finally:
            await view.close()
        if missing := sorted(set(topics) - set(states)):
            raise LogMissing(missing[0])
        return {
            TopicPartition(name, number): state.log
            for name, state in states.items()
            for number in state.partitions
        }

    @asynccontextmanager
    async def _consumer(self) -> AsyncIterator[AIOKafkaConsumer]:
        """A client that belongs to no group."""
        record_batches.install()
        connections.install()
        consumer = AIOKafkaConsumer(
            **self._kafka.client_arguments(),
            group_id=None,
            client_id="linkwork-erasures",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            fetch_max_wait_ms=_FETCH_WAIT_MS,
        )
        try:
            await to_its_end(consumer.start())
            yield consumer
        finally:
            await to_its_end(consumer.stop())
            await consumer._client.close()  # noqa: SLF001  # aiokafka leaves it open if the broker is away


async def _read(consumer: AIOKafkaConsumer, begins: _OffsetOf, ends: _OffsetOf) -> list[Envelope]:
    consumer.assign(list(begins))
    for at, begin in begins.items():
        consumer.seek(at, begin)
    found: list[Envelope] = []
    while any([await consumer.position(at) < ends[at] for at in begins]):
        pages = await consumer.getmany(timeout_ms=_POLL_MS, max_records=_POLL_RECORDS)
        for records in pages.values():
            found += [event for record in records if (event := _erasure_in(record)) is not None]
    return found


def _erasure_in(record: Any) -> Envelope | None:
    if record.value is None or _KIND not in record.value:
        return None
    event = envelope.read(record.topic, record.key, record.value, record.headers)
    return event if isinstance(event, Envelope) and isinstance(event.body, PersonErased) else None
