"""One locality's stream into one part: a FastStream batch subscriber with manual acknowledgement."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Generic

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import IllegalStateError, KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker

from shared.contract.events.topics import Part, group
from shared.delivery.consumer.batch import BatchHandler
from shared.delivery.kafka.instance import client_id
from shared.delivery.kafka.patches.connections import lose_closed_connections
from shared.delivery.kafka.patches.polling import wait_for_records
from shared.delivery.kafka.patches.record_batches import read_any_header_name
from shared.delivery.model.service_definition import R, V
from shared.delivery.options import Options
from shared.platform import metrics

_log = logging.getLogger(__name__)
read_any_header_name()
lose_closed_connections()
_TRY_AGAIN_MS = 400
"""A process has a consumer for each locality: at the 100 ms that a client alone may take, all of them keep
the processor from a broker that is starting again."""
_SILENT_SECONDS = 10.0
_TASKS = (("_coordinator", "_coordination_task"), ("_fetcher", "_fetch_task"), ("_client", "_sync_task"))
Raw = tuple["ConsumerRecord[bytes, bytes]", ...]


async def parse_safely(raw: Raw, original: Callable[[Raw], Awaitable[Any]]) -> Any:
    """Parses a batch without looking at anybody's headers.

    FastStream decodes every header as UTF-8; one binary or null header makes it raise, its fall-back raise
    too, and the records are passed over. It also believes `reply_to`. So it is shown one record without
    headers, and the records come to us as they are.
    """
    message = await original((replace(raw[0], headers=(), value=b""),))
    message.raw_message = raw
    return message


async def as_they_come(message: Any) -> Raw:
    """Bodies are decoded record by record, where a bad one can be set aside alone."""
    raw: Raw = message.raw_message
    return raw


class TopicConsumer(Generic[V, R]):
    """Consumes a locality's event topics in the group `<locality>.<part>` and hands batches on."""

    def __init__(
        self, part: Part, locality: str, topics: Sequence[str], handler: BatchHandler[V, R], options: Options
    ) -> None:
        self.locality = locality
        self.part = part
        self._handler = handler
        self._options = options
        self._busy = asyncio.Lock()
        self._stopping = asyncio.Event()
        self._starting: asyncio.Task[None] | None = None
        self._in_hand: asyncio.Task[None] | None = None
        self._broker = KafkaBroker(
            options.kafka_bootstrap.split(","),  # which FastStream, unlike its client, does not do
            client_id=client_id(part, locality, options.instance_id),
            consumer_only=True,  # a producer and an admin client for each locality would serve nobody
            allow_auto_create_topics=False,
            apply_types=False,  # it would look for the handler's arguments in a thread, for every batch
            graceful_timeout=options.drain_seconds,
            retry_backoff_ms=_TRY_AGAIN_MS,
            logger=None,
        )
        self._subscriber = self._broker.subscriber(
            *topics,
            batch=True,
            group_id=group(locality, part),
            max_records=options.batch_records,
            batch_timeout_ms=options.batch_timeout_ms,
            fetch_min_bytes=options.fetch_bytes,
            fetch_max_wait_ms=options.fetch_wait_ms,
            auto_offset_reset="earliest",
            isolation_level="read_committed",  # what a partner's transaction gave up was never said
            ack_policy=AckPolicy.MANUAL,
            no_reply=True,
            parser=parse_safely,
            decoder=as_they_come,
            listener=_Listener(self),
            partition_assignment_strategy=[RangePartitionAssignor],
            session_timeout_ms=options.session_timeout_ms,
            heartbeat_interval_ms=options.session_timeout_ms // 3,
            # Longer than a batch in hand is waited for, or the group goes on without us.
            rebalance_timeout_ms=options.session_timeout_ms + int(options.drain_seconds * 1000),
            max_poll_interval_ms=15 * 60 * 1000,
            title=f"{part} hears {locality}",
        )
        self._subscriber(self._on_batch)

        self._given = 0
        """Records of the batch in hand: fetched, and not handled yet."""
        self._handled: dict[TopicPartition, int] = {}
        """Offsets to be committed: of each partition, the one after the last record that was handled."""
        self._committing: asyncio.Task[None] | None = None

    @property
    def consumer(self) -> AIOKafkaConsumer | None:
        return self._subscriber.consumer

    @property
    def live(self) -> bool:
        """Whether it hears and says what it has heard, or is about to.

        A consume loop that fails is begun again by FastStream; the client's own tasks are begun again by
        nobody.
        """
        if self._committing is not None and self._committing.done():
            return False
        tasks = self._subscriber.tasks
        if tasks:
            return not all(task.done() for task in tasks) and _whole(self.consumer)
        return self._starting is None or not self._starting.done()

    def start(self) -> None:
        """Starts in the background: one locality's missing topic must not hold up the others."""
        self._starting = asyncio.create_task(self._start())
        self._committing = asyncio.create_task(self._keep_committing())

    async def _start(self) -> None:
        while not self._stopping.is_set():
            try:
                await self._broker.connect()
                wait_for_records(self._broker)
                await self._broker.start()
            except Exception as error:
                _log.warning(
                    "stream waits for the broker: %s", type(error).__name__, extra={"locality": self.locality}
                )
                with contextlib.suppress(Exception):  # what was half started may not stop cleanly
                    await self._broker.stop()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), timeout=1)
            else:
                return

    async def stop(self) -> None:
        """Lets the batch in hand finish within a bound, then leaves the group."""
        self._stopping.set()
        if self._starting is not None:
            # A start that is cut short leaves connections open: let it finish if it can.
            await asyncio.wait([self._starting], timeout=self._options.drain_seconds)
            self._starting.cancel()
            await asyncio.gather(self._starting, return_exceptions=True)
        await self.drained()
        if self._committing is not None:
            self._committing.cancel()
            await asyncio.gather(self._committing, return_exceptions=True)
        # A broker that is away is asked for ever; what is not said to it comes again, as repeats.
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.commit_handled(), timeout=self._options.drain_seconds)
        consumer = self.consumer
        await self._broker.stop()
        if consumer is not None:
            await consumer._client.close()  # noqa: SLF001  # left open by aiokafka where the broker is away
        if self._in_hand is not None:
            # It would wait for ever for a broker or database that is away.
            self._in_hand.cancel()
            await asyncio.gather(self._in_hand, return_exceptions=True)

    async def drained(self) -> None:
        """Waits, bounded, for the batch in hand."""
        try:
            await asyncio.wait_for(self._busy.acquire(), timeout=self._options.drain_seconds)
        except TimeoutError:
            _log.warning("batch in hand did not finish in time", extra={"locality": self.locality})
        else:
            self._busy.release()

    def detail(self) -> dict[str, Any]:
        """How the stream stands, for /readyz."""
        consumer = self.consumer
        if consumer is None:
            return {"state": "starting", "partitions": 0}
        waits_for = self._handler.waits_for or ("broker" if self._unanswered(consumer) else None)
        state = "stopped" if self._handler.breaker.open else "waiting" if waits_for else "running"
        return {"state": state, "partitions": len(consumer.assignment()), "waits_for": waits_for}

    def _unanswered(self, consumer: AIOKafkaConsumer) -> bool:
        """Whether the broker has answered nothing for so long that it must be away, though it is asked.

        It is not while there is a batch in hand: the client has enough then.
        """
        answered = [at for p in consumer.assignment() if (at := consumer.last_poll_timestamp(p)) is not None]
        return bool(answered) and not self._given and time.time() - max(answered) / 1000 > _SILENT_SECONDS

    async def observe(self) -> None:
        """Brings the gauges up to date."""
        consumer = self.consumer
        if consumer is None:
            return
        lag = sum([await _lag(consumer, partition) for partition in consumer.assignment()]) + self._given
        metrics.consumer_lag.labels(self.part, self.locality).set(lag)
        metrics.partitions_assigned.labels(self.part, self.locality).set(len(consumer.assignment()))
        if lag == 0 and not self._unanswered(consumer):
            metrics.last_progress.labels(self.part, self.locality).set_to_current_time()

    async def _on_batch(self, records: Raw) -> None:
        # A cancelled handler may have committed its transaction all the same: never cancel it midway.
        self._in_hand = asyncio.create_task(self._handle(records))
        await asyncio.shield(self._in_hand)

    async def _handle(self, records: Raw) -> None:
        async with self._busy:
            if self._stopping.is_set():
                return
            self._given = len(records)
            if await self._handler.handle(records, self._stopping):
                self._given = 0
                metrics.last_progress.labels(self.part, self.locality).set_to_current_time()
                self.note_handled(records)

    def note_handled(self, records: Iterable["ConsumerRecord[bytes, bytes]"]) -> None:
        """These need not come again; it is told to the broker a little later, for many at once."""
        for record in records:
            partition = TopicPartition(record.topic, record.partition)
            self._handled[partition] = max(self._handled.get(partition, 0), record.offset + 1)

    async def _keep_committing(self) -> None:
        while True:
            await asyncio.sleep(self._options.commit_seconds)
            try:
                async with asyncio.timeout(self._options.drain_seconds):
                    await self.commit_handled()
            except TimeoutError:
                self._not_committed("TimeoutError")

    async def commit_handled(self) -> None:
        """Commits exactly what was handled, and only of partitions that are still ours.

        A commit that names one lost partition raises and commits none. What is not committed is kept for the
        next time, whatever the reason: the client gives some of its own failures on as they come, also as a
        cancellation of nobody, and whoever ended with it would go on handling records and never say so.
        """
        handled, self._handled = self._handled, {}
        consumer = self.consumer
        if consumer is None or not handled:
            return
        ours = consumer.assignment()
        offsets = {partition: offset for partition, offset in handled.items() if partition in ours}
        if not offsets:
            return
        try:
            await consumer.commit(offsets)
        except (Exception, asyncio.CancelledError) as error:
            self._keep(offsets)
            me = asyncio.current_task()
            if isinstance(error, asyncio.CancelledError) and me is not None and me.cancelling():
                raise
            self._not_committed(type(error).__name__)

    def _keep(self, offsets: Mapping[TopicPartition, int]) -> None:
        for partition, offset in offsets.items():
            self._handled[partition] = max(self._handled.get(partition, 0), offset)

    def forget(self, partitions: Iterable[TopicPartition]) -> None:
        """These are somebody else's now, who says how far they have come."""
        for partition in partitions:
            self._handled.pop(partition, None)

    def _not_committed(self, why: str) -> None:
        # Where the records come again they are found to be repeats.
        metrics.offset_commit_failures.labels(self.part, self.locality).inc()
        _log.warning("offsets not committed: %s", why, extra={"locality": self.locality})


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no types
    def __init__(self, stream: TopicConsumer[Any, Any]) -> None:
        self._stream = stream

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        if revoked:
            await self._stream.drained()
            await self._stream.commit_handled()
            self._stream.forget(revoked)

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        metrics.rebalances.labels(self._stream.part, self._stream.locality).inc()


def _whole(consumer: AIOKafkaConsumer | None) -> bool:
    """Whether the client has all of its tasks: it joins the group, fetches, and knows who leads what."""
    tasks = (getattr(getattr(consumer, part, None), task, None) for part, task in _TASKS)
    return not any(task.done() for task in tasks if task is not None)


async def _lag(consumer: AIOKafkaConsumer, partition: TopicPartition) -> int:
    high = consumer.highwater(partition)
    if high is None:
        return 0  # nothing was fetched of it yet
    try:
        position: int = await asyncio.wait_for(consumer.position(partition), timeout=1)
    except (TimeoutError, KafkaError, IllegalStateError):
        return 0  # it was taken from us meanwhile
    return max(int(high) - position, 0)
