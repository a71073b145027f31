"""The relay publishes the outbox, row by row, and deletes exactly the rows that were acknowledged.

Each process writes rows in a lane of its own and publishes them itself. A commit hands its rows over in
memory; the relay reads the database only at the start and after an error. Another process takes over a lane
when its lease lapses, because its process died.

If a relay dies between acknowledgement and delete, the row is published twice. Every reader folds a set, so
that does no harm. Messages that their topic refuses are retried later, with growing delays; other rows go on.
If a topic refuses us for want of rights, its later rows wait unsent. One of them asks again and again, and
wakes the others when it may. Rows that were decided in an ended epoch of their part are set aside.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, timedelta
from typing import Final

from aiokafka.errors import KafkaError, TopicAuthorizationFailedError
from pymongo import UpdateOne
from pymongo.errors import OperationFailure, PyMongoError

from shared.delivery.kafka.producer import TOO_LARGE, Producer
from shared.delivery.mongo.database import Mongo, Row
from shared.delivery.mongo.leases import INSTANCES, SHARES, Leases
from shared.delivery.mongo.server_time import server_now_plus
from shared.delivery.outbox.lanes import LANES, lease_of, process_name
from shared.delivery.outbox.rows import Message, OutboxRow
from shared.delivery.outbox.unpublished import OUTBOX_SET_ASIDE, keep_ended, keep_too_large
from shared.delivery.unit_of_work.unit_of_work import OUTBOX
from shared.platform import metrics
from shared.platform.clock import Clock
from shared.platform.kafka_connection import KafkaConnection

_PAGE_ROWS: Final = 20
_MAX_HANDED_OVER: Final = 200
_MAX_DELETED: Final = 1000
_LEFT_SECONDS: Final = 2.0
_FORGET_SECONDS: Final = 60.0
_MAX_LEFT: Final = 1000
_MAX_DELAY_SECONDS: Final = 60
_log = logging.getLogger(__name__)


class Relay:
    """Publishes this process's lane of the outbox, and the lanes of dead processes."""

    def __init__(
        self,
        service: str,
        lane: str,
        mongo: Mongo,
        leases: Leases,
        kafka: KafkaConnection,
        clock: Clock,
        lease_seconds: float,
        seconds: Callable[[], float] = time.monotonic,
        *,
        sandboxes: Callable[[], Sequence[str]] = tuple,
        is_ended: Callable[[str, int], bool] = lambda *_: False,
    ) -> None:
        """`sandboxes` are the localities whose rows raise no alert.

        `is_ended` tells of a source and an epoch whether its part has been handed over since.
        """
        self._service = service
        self.lane = lane
        self._mongo = mongo
        self._leases = leases
        self._clock = clock
        self._lease_seconds = lease_seconds
        self._seconds = seconds
        self._sandboxes = sandboxes
        self._is_ended = is_ended
        self._own = Producer(kafka)
        self._swept = Producer(kafka)
        self._woken = asyncio.Event()
        self._handed_over: list[OutboxRow] = []
        # Whether the lane may hold rows that were not handed over.
        self._behind = True
        # Rows published and deleted without the wait for a majority. A crash of the database may bring them
        # back.
        self._deleted: deque[str] = deque(maxlen=_MAX_DELETED)
        self._seen_before: set[str] = set()
        self._looked_at = float("-inf")
        self._forgot_at = float("-inf")
        # Topics that refused us for want of rights, and those of them that took a message since.
        self._refused: set[str] = set()
        self._returned: set[str] = set()
        self._stopping = False
        self._tasks: list[asyncio.Task[None]] = []

    def hand_over(self, rows: Sequence[OutboxRow]) -> None:
        """Takes rows that were committed in this process's lane."""
        if not rows:
            return
        if len(self._handed_over) + len(rows) > _MAX_HANDED_OVER:
            self._handed_over.clear()  # The broker is away, and the database has them all.
            self._behind = True
        if not self._behind:
            self._handed_over += rows
        self._woken.set()

    def read_lane(self) -> None:
        """Makes the relay read its lane from the database, which may hold rows that were not handed over."""
        self._handed_over.clear()
        self._behind = True
        self._woken.set()

    @property
    def lease(self) -> str:
        """The lease that shows that this process lives.

        The kernel renews it, because publishing may take long.
        """
        return lease_of(self.lane)

    @property
    def live(self) -> bool:
        """True if both loops run."""
        return not any(task.done() for task in self._tasks)

    def start(self) -> None:
        """Starts both loops."""
        self._tasks = [asyncio.create_task(self._publish_own()), asyncio.create_task(self._sweep())]

    async def stop(self, seconds: float = 5.0) -> None:
        """Publishes the rest of the lane, for so many seconds at most, then ends."""
        self._stopping = True
        self._woken.set()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(self._own.close(), self._swept.close(), return_exceptions=True)
        await self._leases.release([lease_of(self.lane)])

    async def _publish_own(self) -> None:
        while True:
            try:
                await self._publish_lane()
            except Exception as error:
                self._handed_over.clear()
                self._behind = True
                await self._wait_out(error)
                continue
            if self._stopping:
                return
            await self._woken.wait()

    async def _publish_lane(self) -> None:
        while True:
            self._woken.clear()
            if self._behind:
                found = await self.publish_page(self._own, {"lane": self.lane, "not_before": None})
                # Rows committed during this read may be missing from it, and were not handed over.
                self._behind = found or self._woken.is_set()
            elif self._handed_over:
                rows, self._handed_over = self._handed_over, []
                done = await self._publish(self._own, rows)
                # If the database loses this delete, the rows are published again, so no disk need be awaited.
                await self._mongo.light(OUTBOX).delete_many({"_id": {"$in": done}})
                self._deleted.extend(done)
            else:
                return

    async def _sweep(self) -> None:
        """Publishes the lanes of dead processes, and rows whose delay is over."""
        while not self._stopping:
            try:
                await self._look_around()
                await self._ask_again()
                lapsed = [name.removeprefix(LANES) for name in await self._leases.lapsed(LANES)]
                for lane in {*lapsed, *await self._mongo[OUTBOX].distinct("lane")}:
                    await self._sweep_lane(lane)
                await self._forget_lapsed()
            except Exception as error:
                await self._wait_out(error)
            await asyncio.sleep(self._lease_seconds / 5)

    async def _sweep_lane(self, lane: str) -> None:
        delayed = {"lane": lane, "not_before": {"$ne": None}, "$expr": {"$lte": ["$not_before", "$$NOW"]}}
        if lane == self.lane:
            while not self._stopping and await self.publish_page(self._swept, delayed):
                pass
        elif await self._leases.take(lease_of(lane)):
            await self._end_transactions(lane)
            for which in ({"lane": lane, "not_before": None}, delayed):
                while self._leases.held(lease_of(lane)) and await self.publish_page(self._swept, which):
                    pass
            await self._leases.release([lease_of(lane)])

    async def _end_transactions(self, lane: str) -> None:
        try:
            ended = await self._mongo.end_transactions_of(process_name(lane))
        except OperationFailure as error:
            # Without the right to end them, MongoDB ends them when they are too old.
            _log.warning("transactions of a dead process are left: %s", type(error).__name__)
        else:
            if ended:
                _log.warning("ended %d transactions of a process that died", ended)

    async def publish_page(self, publisher: Producer, which: Row) -> bool:
        """Publishes a page of such rows. Returns False if there are none.

        Raises:
            KafkaError, OSError, PyMongoError: broker or database are away; the rows stay.
        """
        stored: list[Row] = (
            await self._mongo[OUTBOX].find(which).sort("_id", 1).limit(_PAGE_ROWS).to_list(None)
        )
        if not stored:
            return False
        again = [row["_id"] for row in stored if row["_id"] in self._deleted]
        rows = [OutboxRow.restore(row) for row in stored if row["_id"] not in again]
        done = await self._publish(publisher, rows)
        await self._mongo[OUTBOX].delete_many({"_id": {"$in": done + again}})
        return True

    async def _publish(self, publisher: Producer, rows: Sequence[OutboxRow]) -> list[str]:
        """Publishes rows; returns the ids of those to delete."""
        ended = [row for row in rows if row.source is not None and self._is_ended(row.source, row.epoch)]
        if ended:
            await keep_ended(self._mongo, self._service, ended, self._clock())
            rows = [row for row in rows if row not in ended]
        messages = [(row, message) for row in rows for message in row.messages]
        results = await self._results(publisher, [message for _, message in messages])
        unsent: dict[str, list[Message]] = {}
        too_large: list[tuple[OutboxRow, Message]] = []
        faults: dict[str, Exception] = {}
        for (row, message), error in zip(messages, results, strict=True):
            if isinstance(error, TOO_LARGE):
                too_large.append((row, message))
            elif error is not None:
                faults[message.topic] = error
                unsent.setdefault(row.id, []).append(message)
        for topic, fault in faults.items():
            _log.warning("a topic takes nothing: %s", type(fault).__name__, extra={"topic": topic})
        if too_large:
            await keep_too_large(self._mongo, self._service, too_large, self._clock())
        await self._delay([(row, unsent[row.id]) for row in rows if row.id in unsent])
        # After the rows are delayed: a topic of which no row is delayed is not asked again.
        self._refused |= {
            topic for topic, fault in faults.items() if isinstance(fault, TopicAuthorizationFailedError)
        }
        accepted = {
            message.topic for (_, message), error in zip(messages, results, strict=True) if error is None
        }
        self._returned |= self._refused & accepted
        metrics.outbox_published.labels(self._service, "ok").inc(sum(error is None for error in results))
        return [row.id for row in ended] + [row.id for row in rows if row.id not in unsent]

    async def _results(self, publisher: Producer, messages: Sequence[Message]) -> list[Exception | None]:
        """Publishes messages. Those of a topic that refused us wait without being sent with the others.

        Each refusal costs a new producer, and would delay the other topics of the lane.
        """
        held = frozenset(self._refused) if publisher is self._own else frozenset()
        sent = [message for message in messages if message.topic not in held]
        answers = iter(await publisher.publish(sent) if sent else ())
        return [
            TopicAuthorizationFailedError(message.topic) if message.topic in held else next(answers)
            for message in messages
        ]

    async def _delay(self, rows: Sequence[tuple[OutboxRow, Sequence[Message]]]) -> None:
        """Keeps the messages of rows that were not acknowledged, for a later retry."""
        if not rows:
            return
        writes = []
        for row, unsent in rows:
            failures = min(row.failures + 1, 16)
            not_before = server_now_plus(timedelta(seconds=min(2**failures, _MAX_DELAY_SECONDS)))
            left = {"$literal": [message.stored() for message in unsent]}
            change = [{"$set": {"m": left, "not_before": not_before, "failures": failures}}]
            writes.append(UpdateOne({"_id": row.id}, change))
        await self._mongo[OUTBOX].bulk_write(writes, ordered=False)
        metrics.outbox_published.labels(self._service, "failed").inc(sum(len(unsent) for _, unsent in rows))

    async def _ask_again(self) -> None:
        """Publishes a row of each topic that refused us for want of rights, and all rows if it is taken."""
        for topic in list(self._refused):
            which = {"lane": self.lane, "not_before": {"$ne": None}, "m.t": topic}
            row = await self._mongo[OUTBOX].find_one(which, {"_id": 1}, sort=[("_id", 1)])
            if row is None:
                self._refused.discard(topic)
            else:
                await self.publish_page(self._swept, {"_id": row["_id"]})
        # Now these rows are deleted. Before, the lane would publish them once more.
        topics, self._returned = self._returned, set()
        if topics:
            await self._wake(topics)

    async def _wake(self, topics: Collection[str]) -> None:
        """Makes the delayed rows of these topics due, because their rights have returned."""
        self._refused -= set(topics)
        which = {"lane": self.lane, "not_before": {"$ne": None}, "m.t": {"$in": sorted(topics)}}
        woken = await self._mongo[OUTBOX].update_many(which, {"$set": {"not_before": None, "failures": 0}})
        if woken.modified_count:
            self.read_lane()

    async def _wait_out(self, error: Exception) -> None:
        expected = isinstance(error, KafkaError | PyMongoError | OSError)
        _log.warning("relay waits: %s", type(error).__name__, exc_info=None if expected else error)
        metrics.outbox_published.labels(self._service, "failed").inc()
        await asyncio.sleep(0.5)

    async def _forget_lapsed(self) -> None:
        now = self._seconds()
        if now - self._forgot_at >= _FORGET_SECONDS:
            for prefix in (LANES, INSTANCES, SHARES):
                await self._leases.forget_lapsed(prefix)
            self._forgot_at = now

    async def _look_around(self) -> None:
        """Updates the gauges and looks for left rows, every two seconds."""
        now = self._seconds()
        if now - self._looked_at >= _LEFT_SECONDS:
            self._looked_at = now
            await self._observe()
            await self._look_for_left_rows()

    async def _look_for_left_rows(self) -> None:
        """Finds rows of the lane that were never handed over, and rows that came back.

        A commit without an answer hands over nothing, and a crash of the database may undo a delete. Such
        rows are there at two looks in a row. Their own time says nothing, because its clock may be wrong.
        """
        which = {"lane": self.lane, "not_before": None}
        found = {row["_id"] async for row in self._mongo[OUTBOX].find(which, {"_id": 1}).limit(_MAX_LEFT)}
        if found & self._seen_before:
            self.read_lane()
        self._seen_before = found

    async def _observe(self) -> None:
        outbox = self._mongo[OUTBOX]
        metrics.outbox_pending.labels(self._service).set(await outbox.estimated_document_count())
        real = {"locality": {"$nin": names}} if (names := list(self._sandboxes())) else {}
        oldest = await outbox.find_one(real, {"at": 1}, sort=[("_id", 1)])
        age = (self._clock() - oldest["at"].astimezone(UTC)).total_seconds() if oldest else 0.0
        metrics.outbox_oldest.labels(self._service).set(max(age, 0.0))
        aside = await self._mongo[OUTBOX_SET_ASIDE].count_documents(real)
        metrics.outbox_set_aside.labels(self._service).set(aside)
