"""The relay: publishes the outbox, row by row, and deletes exactly what was acknowledged.

Each process writes rows in a lane of its own and publishes them itself, so that nobody waits for another's
poll. A lane whose process died is taken over when its lease lapses. A row may be published twice (a relay
dies between acknowledgement and delete); every reader folds a set, so that does no harm. What one topic does
not take rests for a while, and longer each time; the rows behind it go on.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, timedelta
from typing import Any

from aiokafka.errors import KafkaError
from pymongo.errors import OperationFailure, PyMongoError

from shared import metrics
from shared.clock import Clock
from shared.delivery.leases import Leases
from shared.delivery.mongo import Mongo, Row
from shared.delivery.outbox import Message
from shared.delivery.publisher import TOO_LARGE, Publisher
from shared.delivery.round import OUTBOX

ASIDE = "outbox_aside"
_PAGE_ROWS = 20
_MOST_REST_SECONDS = 60
_log = logging.getLogger(__name__)
Stored = dict[str, Any]


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
    ) -> None:
        self._service = service
        self.lane = lane
        self._mongo = mongo
        self._leases = leases
        self._clock = clock
        self._lease_seconds = lease_seconds
        self._own = Publisher(bootstrap)
        self._swept = Publisher(bootstrap)
        self._woken = asyncio.Event()
        self._stopping = False
        self._tasks: list[asyncio.Task[None]] = []

    def wake(self) -> None:
        """There are new rows in this process's lane."""
        self._woken.set()

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
        name = _lease(self.lane)
        while True:
            self._woken.clear()
            try:
                more = True
                while more:
                    if not self._leases.held(name):
                        await self._leases.take(name)
                    more = await self.publish_page(self._own, {"lane": self.lane, "again": None})
            except Exception as error:
                await self._trouble(error)
                continue
            if self._stopping:
                return
            try:
                await asyncio.wait_for(self._woken.wait(), timeout=self._lease_seconds / 3)
            except TimeoutError:
                await self._renew(name)

    async def _renew(self, name: str) -> None:
        try:
            await self._leases.take(name)
        except PyMongoError as error:
            _log.warning("lease not renewed: %s", type(error).__name__)

    async def _sweep(self) -> None:
        """Looks for lanes that nobody publishes any more, and for rows that have rested long enough."""
        while not self._stopping:
            try:
                await self._observe()
                lapsed = [name.removeprefix(_lease("")) for name in await self._leases.lapsed(_lease(""))]
                for lane in {*lapsed, *await self._mongo[OUTBOX].distinct("lane")}:
                    await self._sweep_lane(lane)
                await self._leases.forget_lapsed(_lease(""))
            except Exception as error:
                await self._trouble(error)
            await asyncio.sleep(self._lease_seconds / 5)

    async def _sweep_lane(self, lane: str) -> None:
        rested = {"lane": lane, "again": {"$lte": self._clock()}}
        if lane == self.lane:
            while not self._stopping and await self.publish_page(self._swept, rested):
                pass
        elif await self._leases.take(_lease(lane)):
            await self._end_transactions(lane)
            for which in ({"lane": lane, "again": None}, rested):
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

    async def publish_page(self, publisher: Publisher, which: Row) -> bool:
        """Publishes up to a page of such rows; False when there are none.

        Raises:
            KafkaError, OSError, PyMongoError: broker or database are away; the rows are still there.
        """
        rows: list[Row] = await self._mongo[OUTBOX].find(which).sort("_id", 1).limit(_PAGE_ROWS).to_list(None)
        if not rows:
            return False
        places = [(row, stored) for row in rows for stored in row["m"]]
        results = await publisher.publish([Message.restore(stored) for _, stored in places])
        unsent: dict[str, list[Stored]] = {}
        too_large: list[tuple[str, Stored]] = []
        for (row, stored), error in zip(places, results, strict=True):
            if isinstance(error, TOO_LARGE):
                too_large.append((row["_id"], stored))
            elif error is not None:
                _log.warning("a topic takes nothing: %s", type(error).__name__, extra={"topic": stored["t"]})
                unsent.setdefault(row["_id"], []).append(stored)
        await self._set_aside(too_large)
        for row in rows:
            if row["_id"] in unsent:
                await self._rest(row, unsent[row["_id"]])
        done = [row["_id"] for row in rows if row["_id"] not in unsent]
        await self._mongo[OUTBOX].delete_many({"_id": {"$in": done}})
        metrics.outbox_published.labels(self._service, "ok").inc(sum(error is None for error in results))
        return True

    async def _rest(self, row: Row, unsent: Sequence[Stored]) -> None:
        """Keeps of a row what was not acknowledged, until it is tried again."""
        rests = min(row.get("rests", 0) + 1, 16)
        again = self._clock() + timedelta(seconds=min(2**rests, _MOST_REST_SECONDS))
        change = {"$set": {"m": list(unsent), "again": again, "rests": rests}}
        await self._mongo[OUTBOX].update_one({"_id": row["_id"]}, change)
        metrics.outbox_published.labels(self._service, "failed").inc(len(unsent))

    async def _set_aside(self, messages: Sequence[tuple[str, Stored]]) -> None:
        if not messages:
            return
        rows = [{"row": row, "at": self._clock(), "m": stored} for row, stored in messages]
        await self._mongo[ASIDE].insert_many(rows)
        metrics.outbox_published.labels(self._service, "set_aside").inc(len(rows))
        _log.error("%d messages are too large for their topic and were set aside", len(rows))

    async def _trouble(self, error: Exception) -> None:
        expected = isinstance(error, KafkaError | PyMongoError | OSError)
        _log.warning("relay waits: %s", type(error).__name__, exc_info=None if expected else error)
        metrics.outbox_published.labels(self._service, "failed").inc()
        await asyncio.sleep(0.5)

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
