"""The relay: publishes the outbox, row by row, and deletes exactly what was acknowledged.

Each process writes rows in a lane of its own and publishes them itself, so that nobody waits for another's
poll. A lane whose process died is taken over when its lease lapses. A row may be published twice (a relay
dies between acknowledgement and delete); every reader folds a set, so that does no harm.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    KafkaError,
    MessageSizeTooLargeError,
    OutOfOrderSequenceNumber,
    RecordListTooLargeError,
    UnknownProducerId,
)
from pymongo.errors import PyMongoError

from shared import metrics
from shared.clock import Clock
from shared.delivery.leases import Leases
from shared.delivery.mongo import Mongo, Row
from shared.delivery.outbox import Message
from shared.delivery.round import OUTBOX

ASIDE = "outbox_aside"
MOST_MESSAGE_BYTES = 2_000_000
_PAGE_ROWS = 20
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
    ) -> None:
        self._service = service
        self.lane = lane
        self._mongo = mongo
        self._leases = leases
        self._bootstrap = bootstrap
        self._clock = clock
        self._lease_seconds = lease_seconds
        self._producer: AIOKafkaProducer | None = None
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
        await self._drop_producer()
        await self._leases.release([_lease(self.lane)])

    async def _publish_own(self) -> None:
        name = _lease(self.lane)
        while True:
            self._woken.clear()
            try:
                if not self._leases.held(name):
                    await self._leases.take(name)
                while await self._publish_page(self.lane):
                    pass
            except (KafkaError, PyMongoError, OSError) as error:
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
        """Looks for lanes that nobody publishes any more."""
        while not self._stopping:
            try:
                await self._observe()
                for lane in await self._mongo[OUTBOX].distinct("lane"):
                    if lane != self.lane and await self._leases.take(_lease(lane)):
                        while self._leases.held(_lease(lane)) and await self._publish_page(lane):
                            pass
                        await self._leases.release([_lease(lane)])
            except (KafkaError, PyMongoError, OSError) as error:
                await self._trouble(error)
            await asyncio.sleep(self._lease_seconds / 5)

    async def _publish_page(self, lane: str) -> bool:
        """Publishes up to a page of a lane's rows; False when there are none."""
        found = self._mongo[OUTBOX].find({"lane": lane}).sort("_id", 1).limit(_PAGE_ROWS)
        rows: list[Row] = await found.to_list(None)
        if not rows:
            return False
        messages = [(row["_id"], Message.restore(stored)) for row in rows for stored in row["m"]]
        too_large = await self._send(messages)
        if too_large:
            await self._set_aside(too_large)
        await self._mongo[OUTBOX].delete_many({"_id": {"$in": [row["_id"] for row in rows]}})
        metrics.outbox_published.labels(self._service, "ok").inc(len(messages) - len(too_large))
        return True

    async def _send(self, messages: Sequence[tuple[str, Message]]) -> list[tuple[str, Message]]:
        """Sends all and waits for all to be acknowledged; gives back those that can never be sent."""
        producer = await self._connected()
        never: list[tuple[str, Message]] = []
        sent: list[tuple[str, Message]] = []
        answers = []
        for row, message in messages:
            headers = [(name, value.encode()) for name, value in message.headers.items()]
            try:
                answer = await producer.send(message.topic, message.value, key=message.key, headers=headers)
            except MessageSizeTooLargeError:
                never.append((row, message))
            else:
                sent.append((row, message))
                answers.append(answer)
        for item, result in zip(sent, await asyncio.gather(*answers, return_exceptions=True), strict=True):
            if isinstance(result, MessageSizeTooLargeError | RecordListTooLargeError):
                never.append(item)
            elif isinstance(result, BaseException):
                raise result
        return never

    async def _set_aside(self, messages: Sequence[tuple[str, Message]]) -> None:
        rows = [{"row": row, "at": self._clock(), "m": message.stored()} for row, message in messages]
        await self._mongo[ASIDE].insert_many(rows)
        metrics.outbox_published.labels(self._service, "set_aside").inc(len(rows))
        _log.error("%d messages are too large for their topic and were set aside", len(rows))

    async def _connected(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = AIOKafkaProducer(
                bootstrap_servers=self._bootstrap,
                acks="all",
                enable_idempotence=True,
                max_request_size=MOST_MESSAGE_BYTES,
                max_batch_size=131_072,
                request_timeout_ms=15_000,
            )
            try:
                await producer.start()
            except BaseException:
                await producer.stop()
                raise
            self._producer = producer
        return self._producer

    async def _drop_producer(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            try:
                await asyncio.wait_for(producer.stop(), timeout=5)
            except (TimeoutError, KafkaError, OSError) as error:
                _log.warning("producer did not stop cleanly: %s", type(error).__name__)

    async def _trouble(self, error: Exception) -> None:
        _log.warning("relay waits: %s", type(error).__name__)
        metrics.outbox_published.labels(self._service, "failed").inc()
        if isinstance(error, OutOfOrderSequenceNumber | UnknownProducerId):
            await self._drop_producer()  # an idempotent producer that lost count never finds it again
        await asyncio.sleep(0.5)

    async def _observe(self) -> None:
        outbox = self._mongo[OUTBOX]
        metrics.outbox_pending.labels(self._service).set(await outbox.estimated_document_count())
        oldest = await outbox.find_one({}, {"at": 1}, sort=[("_id", 1)])
        age = (self._clock() - oldest["at"].astimezone(UTC)).total_seconds() if oldest else 0.0
        metrics.outbox_oldest.labels(self._service).set(max(age, 0.0))


def _lease(lane: str) -> str:
    return f"lane/{lane}"
