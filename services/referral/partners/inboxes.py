"""The consumer of all inboxes: records in, offsets committed of what admission has finished with."""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.errors import KafkaError

from shared.contract.events.inbox_end import InboxEnd
from shared.contract.events.topics import (
    ADMISSION_GROUP,
    inbox_topic,
    locality_of_source,
    source_of_inbox,
)
from shared.delivery.consumer.topic_consumer import client_runs, lag_of
from shared.delivery.kafka.instance import evict_members
from shared.delivery.kafka.patches import connections, record_batches
from shared.delivery.options import Options
from shared.delivery.outbox.rows import Message

_log = logging.getLogger(__name__)
record_batches.install()
connections.install()

# A source's queue stops taking records at the first number, and takes them again at the second.
_FULL: Final = 2000
_ROOM: Final = 1000
# Records of one fetch of an inbox: few enough that a flood's records take little time to be read.
_FETCH_BYTES: Final = 262_144
# A new inbox is found after so long at the latest.
_METADATA_SECONDS: Final = 30
_RETRY_BACKOFF_MS: Final = 400


@dataclass(slots=True)
class FetchedRecord:
    """A record of an inbox; `outcome` and `message` once it is judged. A counted refusal has no message.

    Attributes:
        fetched: when it was fetched, in seconds of a clock that does not go back.
        end: the body of an inbox's end.
    """

    source: str
    record: Any
    assignment: int
    fetched: float
    outcome: str | None = None
    message: Message | None = None
    end: InboxEnd | None = None

    @property
    def partition(self) -> TopicPartition:
        """The partition in which it lies."""
        return TopicPartition(self.record.topic, self.record.partition)


class Inboxes:
    """The inboxes of the sources that have one. A source without its topic holds up no other."""

    def __init__(
        self, options: Options, given_up: Callable[[], Awaitable[None]], assigned: Callable[[], None]
    ) -> None:
        """`given_up` is called before partitions may go to another member, `assigned` after that."""
        self._options = options
        self._listener = _Listener(given_up, assigned)
        self._client_id = "-".join(filter(None, ("linkwork-admission", options.instance_id)))
        self._consumer: AIOKafkaConsumer | None = None
        self._topics: frozenset[str] = frozenset()
        self._done: dict[TopicPartition, int] = {}

    @property
    def partitions(self) -> frozenset[TopicPartition]:
        """The partitions that this process judges."""
        return frozenset(self._consumer.assignment()) if self._consumer is not None else frozenset()

    async def open(self) -> None:
        """Connects.

        Raises:
            KafkaError, OSError: the broker is away.
        """
        if self._consumer is not None and not client_runs(self._consumer):
            await self.close()  # A task of the client has ended, which the client itself never mends.
        if self._consumer is not None:
            return
        milliseconds = self._options.session_timeout_ms
        consumer = AIOKafkaConsumer(
            **self._options.kafka.client_arguments(),
            client_id=self._client_id,
            group_id=ADMISSION_GROUP,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            isolation_level="read_committed",
            max_partition_fetch_bytes=_FETCH_BYTES,
            metadata_max_age_ms=_METADATA_SECONDS * 1000,
            # By topic, the first member would have every inbox, as each has one partition. With a second
            # strategy, aiokafka 0.14 joins twice at each rebalance, and two members may never come to rest.
            partition_assignment_strategy=[RoundRobinPartitionAssignor],
            session_timeout_ms=milliseconds,
            heartbeat_interval_ms=milliseconds // 3,
            rebalance_timeout_ms=milliseconds + int(self._options.drain_seconds * 1000),
            max_poll_interval_ms=15 * 60 * 1000,
            retry_backoff_ms=_RETRY_BACKOFF_MS,
        )
        try:
            await consumer.start()
        except BaseException:
            await _stopped(consumer)
            raise
        self._consumer, self._topics = consumer, frozenset()

    async def evict_predecessor(self) -> None:
        """As `shared.delivery.kafka.instance.evict_predecessor`, for the group of admission."""
        if self._options.instance_id:
            await evict_members(self._options.kafka, {ADMISSION_GROUP: self._client_id})

    async def close(self) -> None:
        """Leaves the group."""
        consumer, self._consumer = self._consumer, None
        self._done = {}
        if consumer is not None:
            await _stopped(consumer)

    def subscribe(self, sources: Iterable[str]) -> None:
        """Reads the inboxes of these sources from now on."""
        wanted = frozenset(inbox_topic(source) for source in sources)
        if self._consumer is None or wanted == self._topics:
            return
        self._consumer.subscribe(topics=sorted(wanted), listener=self._listener)
        self._topics = wanted

    async def poll(self, seconds: float) -> Mapping[TopicPartition, list[Any]]:
        """The records that have arrived, or those of the next so many seconds.

        Raises:
            KafkaError: the broker refuses, or is away.
        """
        if self._consumer is None:
            return {}
        found: Mapping[TopicPartition, list[Any]] = await self._consumer.getmany(
            timeout_ms=max(1, int(seconds * 1000))
        )
        return found

    async def lag(self) -> Counter[str]:
        """The records that were not fetched yet, by locality."""
        consumer, found = self._consumer, Counter[str]()
        for partition in self.partitions:
            source = source_of_inbox(partition.topic)
            if consumer is not None and source is not None:
                found[locality_of_source(source) or ""] += await lag_of(consumer, partition)
        return found

    def hold(self, partition: TopicPartition, waiting: int) -> None:
        """Stops or resumes fetching from a partition, after the number of its source's waiting records."""
        if self._consumer is None or partition not in self._consumer.assignment():
            return
        paused = partition in self._consumer.paused()
        if waiting >= _FULL and not paused:
            self._consumer.pause(partition)
        elif waiting <= _ROOM and paused:
            self._consumer.resume(partition)

    def done(self, partition: TopicPartition, offset: int) -> None:
        """Notes that all records before this offset are finished with."""
        self._done[partition] = offset

    async def commit(self) -> None:
        """Commits what was noted of the partitions that are still this process's. Logs a failure."""
        consumer, ours = self._consumer, self.partitions
        offsets = {partition: offset for partition, offset in self._done.items() if partition in ours}
        self._done = {}
        if consumer is None or not offsets:
            return
        try:
            async with asyncio.timeout(self._options.drain_seconds):
                await consumer.commit(offsets)
        except (KafkaError, TimeoutError, asyncio.CancelledError) as error:
            self._done = {**offsets, **self._done}
            task = asyncio.current_task()
            # aiokafka passes some of its own failures on as a cancellation of no task of ours.
            if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
                raise
            _log.warning("offsets of inboxes not committed: %s", type(error).__name__)

    def forget(self) -> None:
        """Drops what was noted: another member may own the partitions now."""
        self._done = {}


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no types
    def __init__(self, given_up: Callable[[], Awaitable[None]], assigned: Callable[[], None]) -> None:
        self._given_up = given_up
        self._assigned = assigned

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        if revoked:
            await self._given_up()

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        # Records that the former assignment still gave would be taken for the next ones.
        self._assigned()


async def _stopped(consumer: AIOKafkaConsumer) -> None:
    with contextlib.suppress(Exception):
        await asyncio.wait_for(consumer.stop(), timeout=5)
    with contextlib.suppress(Exception):
        await consumer._client.close()  # noqa: SLF001  # aiokafka leaves it open if the broker is away
