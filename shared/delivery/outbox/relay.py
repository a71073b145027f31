"""The relay: publishes the outbox, row by row, and deletes exactly what was acknowledged.

Each process writes rows in a lane of its own and publishes them itself, so that nobody waits for another's
poll: rows are handed over as soon as they are committed, and read from the database only at the start and
after trouble. A lane whose process died is taken over when its lease lapses. A row may be published twice (a
relay dies between acknowledgement and delete); every reader folds a set, so that does no harm. What one topic
does not take rests for a while, and longer each time; the rows behind it go on.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, timedelta

from aiokafka.errors import KafkaError
from pymongo.errors import OperationFailure, PyMongoError

from shared.delivery.kafka.producer import TOO_LARGE, Producer
from shared.delivery.mongo.database import Mongo, Row
from shared.delivery.mongo.leases import INSTANCES, Leases
from shared.delivery.mongo.server_time import server_now_plus
from shared.delivery.outbox.rows import Message, OutboxRow
from shared.delivery.unit_of_work.unit_of_work import OUTBOX
from shared.platform import metrics
from shared.platform.clock import Clock

OUTBOX_DEAD_LETTERS = "outbox_dead_letters"
_PAGE_ROWS = 20
_MOST_HANDED = 200
_REMEMBERED = 1000
_LEFT_SECONDS = 2.0
_MOST_LOOKED_AT = 1000
_MOST_REST_SECONDS = 60
_log = logging.getLogger(__name__)


class Relay:
    """Publishes one process's lane of the outbox, and the lanes of processes that died."""

    def __init__(
        self,
        service: str,
        lane: str,
        mongo: Mongo,
        leases: Leases,
        bootstrap: str,
        clock: Clock,
        lease_seconds: float,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._service = service
        self.lane = lane
        self._mongo = mongo
        self._leases = leases
        self._clock = clock
        self._lease_seconds = lease_seconds
        self._seconds = seconds
        self._own = Producer(bootstrap)
        self._swept = Producer(bootstrap)
        self._woken = asyncio.Event()
        self._handed: list[OutboxRow] = []
        self._behind = True
        """Whether there may be rows in the lane that were not handed over."""
        self._forgotten: deque[str] = deque(maxlen=_REMEMBERED)
        """Rows published and lightly deleted: they may be read a little longer, or be back for good."""
        self._lay_there: set[str] = set()
        self._looked_at = float("-inf")
        self._stopping = False
        self._tasks: list[asyncio.Task[None]] = []

    def hand_over(self, rows: Sequence[OutboxRow]) -> None:
        """These were committed in this process's lane."""
        if not rows:
            return
        if len(self._handed) + len(rows) > _MOST_HANDED:
            self._handed.clear()  # the broker is away, and the database has them all
            self._behind = True
        if not self._behind:
            self._handed += rows
        self._woken.set()

    def look(self) -> None:
        """There may be rows in this process's lane that nobody handed over."""
        self._handed.clear()
        self._behind = True
        self._woken.set()

    @property
    def lease(self) -> str:
        """The lease that says that this process lives. Renewed beside the publishing, which may last."""
        return _lease(self.lane)

    @property
    def live(self) -> bool:
        """Whether both loops still go round."""
        return not any(task.done() for task in self._tasks)

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._publish_own()), asyncio.create_task(self._sweep())]

    async def stop(self, seconds: float = 5.0) -> None:
        """Publishes what is left, within a bound, then ends."""
        self._stopping = True
        self._woken.set()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(self._own.close(), self._swept.close(), return_exceptions=True)
        await self._leases.release([_lease(self.lane)])

    async def _publish_own(self) -> None:
        while True:
            try:
                await self._publish_lane()
            except Exception as error:
                self._handed.clear()
                self._behind = True
                await self._trouble(error)
                continue
            if self._stopping:
                return
            await self._woken.wait()

    async def _publish_lane(self) -> None:
        while True:
            self._woken.clear()
            if self._behind:
                found = await self.publish_page(self._own, {"lane": self.lane, "not_before": None})
                # Rows that were committed while we looked may not have been seen, and were not handed over.
                self._behind = found or self._woken.is_set()
            elif self._handed:
                rows, self._handed = self._handed, []
                done = await self._publish(self._own, rows)
                # Were this forgotten, they would be published again: no need to wait for anybody's disk.
                await self._mongo.light(OUTBOX).delete_many({"_id": {"$in": done}})
                self._forgotten.extend(done)
            else:
                return

    async def _sweep(self) -> None:
        """Looks for lanes that nobody publishes any more, and for rows that have rested long enough."""
        while not self._stopping:
            try:
                await self._observe()
                await self._look_for_left_rows()
                lapsed = [name.removeprefix(_lease("")) for name in await self._leases.lapsed(_lease(""))]
                for lane in {*lapsed, *await self._mongo[OUTBOX].distinct("lane")}:
                    await self._sweep_lane(lane)
                for prefix in (_lease(""), INSTANCES):
                    await self._leases.forget_lapsed(prefix)
            except Exception as error:
                await self._trouble(error)
            await asyncio.sleep(self._lease_seconds / 5)

    async def _sweep_lane(self, lane: str) -> None:
        rested = {"lane": lane, "not_before": {"$ne": None}, "$expr": {"$lte": ["$not_before", "$$NOW"]}}
        if lane == self.lane:
            while not self._stopping and await self.publish_page(self._swept, rested):
                pass
        elif await self._leases.take(_lease(lane)):
            await self._end_transactions(lane)
            for which in ({"lane": lane, "not_before": None}, rested):
                while self._leases.held(_lease(lane)) and await self.publish_page(self._swept, which):
                    pass
            await self._leases.release([_lease(lane)])

    async def _end_transactions(self, lane: str) -> None:
        try:
            ended = await self._mongo.end_transactions_of(process_name(lane))
        except OperationFailure as error:
            # Not allowed to: then they end by themselves, when MongoDB finds them too old.
            _log.warning("transactions of a dead process are left: %s", type(error).__name__)
        else:
            if ended:
                _log.warning("ended %d transactions of a process that died", ended)

    async def publish_page(self, publisher: Producer, which: Row) -> bool:
        """Publishes up to a page of such rows; False when there are none.

        Raises:
            KafkaError, OSError, PyMongoError: broker or database are away; the rows are still there.
        """
        stored: list[Row] = (
            await self._mongo[OUTBOX].find(which).sort("_id", 1).limit(_PAGE_ROWS).to_list(None)
        )
        if not stored:
            return False
        again = [row["_id"] for row in stored if row["_id"] in self._forgotten]
        rows = [OutboxRow.restore(row) for row in stored if row["_id"] not in again]
        done = await self._publish(publisher, rows)
        await self._mongo[OUTBOX].delete_many({"_id": {"$in": done + again}})
        return True

    async def _publish(self, publisher: Producer, rows: Sequence[OutboxRow]) -> list[str]:
        """The ids of those that need not be kept."""
        places = [(row, message) for row in rows for message in row.messages]
        results = await publisher.publish([message for _, message in places])
        unsent: dict[str, list[Message]] = {}
        too_large: list[tuple[str, Message]] = []
        for (row, message), error in zip(places, results, strict=True):
            if isinstance(error, TOO_LARGE):
                too_large.append((row.id, message))
            elif error is not None:
                _log.warning(
                    "a topic takes nothing: %s", type(error).__name__, extra={"topic": message.topic}
                )
                unsent.setdefault(row.id, []).append(message)
        await self._dead_letter(too_large)
        for row in rows:
            if row.id in unsent:
                await self._rest(row, unsent[row.id])
        metrics.outbox_published.labels(self._service, "ok").inc(sum(error is None for error in results))
        return [row.id for row in rows if row.id not in unsent]

    async def _rest(self, row: OutboxRow, unsent: Sequence[Message]) -> None:
        """Keeps of a row what was not acknowledged, until it is tried again."""
        failures = min(row.failures + 1, 16)
        again = server_now_plus(timedelta(seconds=min(2**failures, _MOST_REST_SECONDS)))
        left = {"$literal": [message.stored() for message in unsent]}
        change = [{"$set": {"m": left, "not_before": again, "failures": failures}}]
        await self._mongo[OUTBOX].update_one({"_id": row.id}, change)
        metrics.outbox_published.labels(self._service, "failed").inc(len(unsent))

    async def _dead_letter(self, messages: Sequence[tuple[str, Message]]) -> None:
        if not messages:
            return
        rows = [{"row": row, "at": self._clock(), "m": message.stored()} for row, message in messages]
        await self._mongo[OUTBOX_DEAD_LETTERS].insert_many(rows)
        metrics.outbox_published.labels(self._service, "dead_lettered").inc(len(rows))
        _log.error("%d messages are too large for their topic and were set aside", len(rows))

    async def _trouble(self, error: Exception) -> None:
        expected = isinstance(error, KafkaError | PyMongoError | OSError)
        _log.warning("relay waits: %s", type(error).__name__, exc_info=None if expected else error)
        metrics.outbox_published.labels(self._service, "failed").inc()
        await asyncio.sleep(0.5)

    async def _look_for_left_rows(self) -> None:
        """Rows of a transaction whose commit was not answered were handed over by nobody; and those that were
        deleted lightly are there again where the database died before it had written so.

        They are those that lie there at two looks. What time is written on them says nothing: it is that of a
        clock which may be an hour wrong.
        """
        now = self._seconds()
        if now - self._looked_at < _LEFT_SECONDS:
            return
        self._looked_at = now
        which = {"lane": self.lane, "not_before": None}
        found = {
            row["_id"] async for row in self._mongo[OUTBOX].find(which, {"_id": 1}).limit(_MOST_LOOKED_AT)
        }
        if found & self._lay_there:
            self.look()
        self._lay_there = found

    async def _observe(self) -> None:
        outbox = self._mongo[OUTBOX]
        metrics.outbox_pending.labels(self._service).set(await outbox.estimated_document_count())
        oldest = await outbox.find_one({}, {"at": 1}, sort=[("_id", 1)])
        age = (self._clock() - oldest["at"].astimezone(UTC)).total_seconds() if oldest else 0.0
        metrics.outbox_oldest.labels(self._service).set(max(age, 0.0))


def process_name(lane: str) -> str:
    """What the process of this lane is called towards the database."""
    return f"linkwork {lane}"


def _lease(lane: str) -> str:
    return f"lane/{lane}"
