"""Consumer of one locality's topics for one service: a FastStream batch subscriber with manual commits."""

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
from shared.delivery.kafka.patches import connections, polling, record_batches
from shared.delivery.model.service_definition import R, V
from shared.delivery.offsets.stream_gate import StreamGate
from shared.delivery.offsets.verdict import OUR_MARK
from shared.delivery.options import Options
from shared.platform import metrics

_log = logging.getLogger(__name__)
record_batches.install()
connections.install()
# With the default of 100 ms, the consumers of a process keep the processor from a broker that restarts.
_RETRY_BACKOFF_MS = 400
_SILENT_SECONDS = 10.0
_CLIENT_TASKS = (
    ("_coordinator", "_coordination_task"),
    ("_fetcher", "_fetch_task"),
    ("_client", "_sync_task"),
)
Raw = tuple["ConsumerRecord[bytes, bytes]", ...]


async def parse_safely(raw: Raw, original: Callable[[Raw], Awaitable[Any]]) -> Any:
    """Passes the records on as they are, and shows FastStream one record without headers.

    FastStream decodes every header as UTF-8. A binary or null header makes the parser and its fall-back
    raise, and FastStream skips the records. It also obeys a `reply_to` header.
    """
    message = await original((replace(raw[0], headers=(), value=b""),))
    message.raw_message = raw
    return message


async def undecoded(message: Any) -> Raw:
    """Returns the raw records.

    `consumer/incoming.py` decodes each by itself, to dead-letter a bad one alone.
    """
    raw: Raw = message.raw_message
    return raw


class TopicConsumer(Generic[V, R]):
    """Consumes a locality's event topics in the group `<locality>.<service>` and hands batches on."""

    def __init__(
        self,
        service: Part,
        locality: str,
        topics: Sequence[str],
        handler: BatchHandler[V, R],
        options: Options,
        gate: StreamGate,
        starts: asyncio.Semaphore | None = None,
    ) -> None:
        self.locality = locality
        self.service = service
        self._handler = handler
        self._options = options
        self.gate = gate
        self._starts = starts or asyncio.Semaphore()  # Bounds how many of a process connect at once.
        self._busy = asyncio.Lock()
        self._stopping = asyncio.Event()
        self._starting: asyncio.Task[None] | None = None
        self._in_hand: asyncio.Task[None] | None = None
        self._broker = KafkaBroker(
            **options.kafka.faststream_arguments(),
            client_id=client_id(service, locality, options.instance_id),
            consumer_only=True,  # A producer and an admin client for each locality have no use.
            allow_auto_create_topics=False,
            apply_types=False,  # It would look up the handler's arguments in a thread, for every batch.
            graceful_timeout=options.drain_seconds,
            retry_backoff_ms=_RETRY_BACKOFF_MS,
            logger=None,
        )
        self._subscriber = self._broker.subscriber(
            *topics,
            batch=True,
            group_id=group(locality, service),
            max_records=options.batch_records,
            batch_timeout_ms=options.batch_timeout_ms,
            fetch_min_bytes=options.fetch_bytes,
            fetch_max_wait_ms=options.fetch_wait_ms,
            auto_offset_reset="earliest",
            isolation_level="read_committed",  # Aborted transactions of partners do not count.
            ack_policy=AckPolicy.MANUAL,
            no_reply=True,
            parser=parse_safely,
            decoder=undecoded,
            listener=_Listener(self),
            partition_assignment_strategy=[RangePartitionAssignor],
            session_timeout_ms=options.session_timeout_ms,
            heartbeat_interval_ms=options.session_timeout_ms // 3,
            # Longer than the drain of a batch in hand, or the group goes on without this member.
            rebalance_timeout_ms=options.session_timeout_ms + int(options.drain_seconds * 1000),
            max_poll_interval_ms=15 * 60 * 1000,
            title=f"{service} hears {locality}",
        )
        self._subscriber(self._on_batch)

        # Records of the batch in hand: fetched and not handled yet.
        self._given = 0
        # The offset after the last handled record of each partition, to be committed.
        self._handled: dict[TopicPartition, int] = {}
        self._committing: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None

    @property
    def consumer(self) -> AIOKafkaConsumer | None:
        """The client, once the consumer has started."""
        return self._subscriber.consumer

    @property
    def live(self) -> bool:
        """True if it consumes, commits and watches, or is about to.

        FastStream restarts a consume loop that fails. The client's own tasks are not restarted.
        """
        if any(task is not None and task.done() for task in (self._committing, self._watching)):
            return False
        tasks = self._subscriber.tasks
        if tasks:
            return not all(task.done() for task in tasks) and client_runs(self.consumer)
        return self._starting is None or not self._starting.done()

    def start(self) -> None:
        """Starts in the background, so that a missing topic of one locality does not hold up the others."""
        self._starting = asyncio.create_task(self._start())
        self._committing = asyncio.create_task(self._keep_committing())
        self._watching = asyncio.create_task(self.gate.watch(lambda: self.consumer))

    async def _start(self) -> None:
        while not self._stopping.is_set():
            try:
                async with self._starts:
                    await self._broker.connect()
                    polling.install(self._broker, self.gate, self._passed)
                    await self._broker.start()
            except Exception as error:
                _log.warning(
                    "stream waits for the broker: %s", type(error).__name__, extra={"locality": self.locality}
                )
                with contextlib.suppress(Exception):  # A partial start may not stop cleanly.
                    await self._broker.stop()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), timeout=1)
            else:
                return

    async def stop(self) -> None:
        """Lets the batch in hand finish within a bound, then leaves the group."""
        self._stopping.set()
        if self._starting is not None:
            # A start that is cut short leaves connections open, so let it finish if it can.
            await asyncio.wait([self._starting], timeout=self._options.drain_seconds)
            self._starting.cancel()
            await asyncio.gather(self._starting, return_exceptions=True)
        await self.drained()
        for task in (self._committing, self._watching):
            if task is not None:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        # The client retries for ever while the broker is away. Records not committed come again as
        # duplicates.
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.commit_handled(), timeout=self._options.drain_seconds)
        consumer = self.consumer
        await self._broker.stop()
        if consumer is not None:
            await consumer._client.close()  # noqa: SLF001  # aiokafka leaves it open if the broker is away
        if self._in_hand is not None:
            # It waits for ever for a broker or a database that is away.
            self._in_hand.cancel()
            await asyncio.gather(self._in_hand, return_exceptions=True)

    async def drained(self) -> None:
        """Waits for the batch in hand, `drain_seconds` at most."""
        try:
            await asyncio.wait_for(self._busy.acquire(), timeout=self._options.drain_seconds)
        except TimeoutError:
            _log.warning("batch in hand did not finish in time", extra={"locality": self.locality})
        else:
            self._busy.release()

    def detail(self) -> dict[str, Any]:
        """State of the stream, for /readyz."""
        consumer, gate = self.consumer, self.gate
        partitions = 0 if consumer is None else len(consumer.assignment())
        if gate.missing:
            return {"state": "topic_missing", "partitions": partitions, "missing": gate.missing}
        if gate.mismatch is not None:
            return {"state": "stopped", "partitions": partitions, "reason": gate.mismatch}
        if consumer is None:
            return {"state": "starting", "partitions": 0}
        waits_for = self._handler.waits_for or gate.away or ("broker" if self._unanswered(consumer) else None)
        state = "stopped" if self._handler.breaker.open else "waiting" if waits_for else "running"
        return {"state": state, "partitions": partitions, "waits_for": waits_for}

    def _unanswered(self, consumer: AIOKafkaConsumer) -> bool:
        """True if the broker must be away, because it has answered no fetch for too long.

        While a batch is in hand, the client has records enough and does not fetch.
        """
        answered = [at for p in consumer.assignment() if (at := consumer.last_poll_timestamp(p)) is not None]
        return bool(answered) and not self._given and time.time() - max(answered) / 1000 > _SILENT_SECONDS

    async def observe(self) -> None:
        """Updates the gauges."""
        consumer = self.consumer
        if consumer is None:
            return
        lag = sum([await lag_of(consumer, partition) for partition in consumer.assignment()]) + self._given
        metrics.consumer_lag.labels(self.service, self.locality).set(lag)
        metrics.partitions_assigned.labels(self.service, self.locality).set(len(consumer.assignment()))
        if lag == 0 and not self._unanswered(consumer):
            metrics.last_progress.labels(self.service, self.locality).set_to_current_time()

    async def _passed(self, consumer: AIOKafkaConsumer) -> None:
        """Waits until the gate is open. Between two polls, no batch is in hand."""
        await self.gate.passed(consumer, self._restart_from)

    def _restart_from(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Forgets what was to be committed, as it is read again; these offsets are committed instead."""
        self._handled = dict(offsets)

    async def _on_batch(self, records: Raw) -> None:
        # Never cancel a handler midway: it may have committed its transaction all the same.
        self._in_hand = asyncio.create_task(self._handle(records))
        await asyncio.shield(self._in_hand)

    async def _handle(self, records: Raw) -> None:
        async with self._busy:
            if self._stopping.is_set():
                return
            self._given = len(records)
            if await self._handler.handle(records, self._stopping):
                self._given = 0
                metrics.last_progress.labels(self.service, self.locality).set_to_current_time()
                self.note_handled(records)

    def note_handled(self, records: Iterable["ConsumerRecord[bytes, bytes]"]) -> None:
        """Notes records whose offsets may be committed. One commit, a little later, serves many batches."""
        for record in records:
            partition = TopicPartition(record.topic, record.partition)
            self._handled[partition] = max(self._handled.get(partition, 0), record.offset + 1)

    async def _keep_committing(self) -> None:
        while True:
            await asyncio.sleep(self._options.commit_seconds)
            if not self._handled:
                continue
            try:
                async with asyncio.timeout(self._options.drain_seconds):
                    await self.commit_handled()
            except TimeoutError:
                self._not_committed("TimeoutError")

    async def commit_handled(self) -> None:
        """Stores and commits the offsets of handled records, of the partitions that this member still owns.

        The database stores them first, so that a committed offset of ours never passes a handled one.
        A commit that names one lost partition raises and commits none. Offsets that were not committed are
        kept for the next commit, whatever the reason. aiokafka passes some of its own failures on as a
        cancellation of no task of ours; a loop that ended with it would never commit again.
        """
        handled, self._handled = self._handled, {}
        consumer, turn = self.consumer, self.gate.turn
        if consumer is None or not handled or self.gate.mismatch is not None:
            return  # Of another log, they say nothing. Else they come again.
        ours = consumer.assignment()
        offsets = {partition: offset for partition, offset in handled.items() if partition in ours}
        if not offsets:
            return
        try:
            if await self.gate.advance(offsets):
                await consumer.commit({at: (offset, OUR_MARK) for at, offset in offsets.items()})
        except (Exception, asyncio.CancelledError) as error:
            if turn == self.gate.turn:  # Else the gate has sought, and they come again.
                self._keep(offsets)
            me = asyncio.current_task()
            if isinstance(error, asyncio.CancelledError) and me is not None and me.cancelling():
                raise
            self._not_committed(type(error).__name__)

    def _keep(self, offsets: Mapping[TopicPartition, int]) -> None:
        for partition, offset in offsets.items():
            self._handled[partition] = max(self._handled.get(partition, 0), offset)

    def forget(self, partitions: Iterable[TopicPartition]) -> None:
        """Drops the offsets of partitions that another member now owns and commits."""
        for partition in partitions:
            self._handled.pop(partition, None)

    def _not_committed(self, reason: str) -> None:
        # If the records come again, they are duplicates.
        metrics.offset_commit_failures.labels(self.service, self.locality).inc()
        _log.warning("offsets not committed: %s", reason, extra={"locality": self.locality})


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no types
    def __init__(self, consumer: TopicConsumer[Any, Any]) -> None:
        self._consumer = consumer

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        self._consumer.gate.shut()
        if revoked:
            await self._consumer.drained()
            await self._consumer.commit_handled()
            self._consumer.forget(revoked)

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        self._consumer.gate.shut()
        metrics.rebalances.labels(self._consumer.service, self._consumer.locality).inc()


def client_runs(consumer: AIOKafkaConsumer | None) -> bool:
    """True if the client's tasks all run: it joins the group, fetches, and refreshes the metadata."""
    tasks = (getattr(getattr(consumer, part, None), task, None) for part, task in _CLIENT_TASKS)
    return not any(task.done() for task in tasks if task is not None)


async def lag_of(consumer: AIOKafkaConsumer, partition: TopicPartition) -> int:
    """The records of a partition that the client has not given out yet."""
    high = consumer.highwater(partition)
    if high is None:
        return 0  # Nothing was fetched from it yet.
    try:
        async with asyncio.timeout(1):  # Unlike `wait_for`, without a task for each partition.
            position: int = await consumer.position(partition)
    except (TimeoutError, KafkaError, IllegalStateError):
        return 0  # Another member took it over meanwhile.
    return max(int(high) - position, 0)
