"""Serves one endpoint: reads its events from the log into the database, and sends those that are due.

An endpoint that is slow or away fills its own share and nothing else. When so many events wait for it, no
more are read: they stay in the log, and none is lost.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from aiokafka.errors import KafkaError
from pymongo.errors import PyMongoError

from services.notifications.webhooks.attempts import Attempts
from services.notifications.webhooks.endpoint import Delivery, Endpoint
from services.notifications.webhooks.events import event_to_send
from services.notifications.webhooks.log import TopicsMissing, event_log
from shared.delivery.model.errors import Transient
from shared.platform.kafka_connection import KafkaConnection

_log = logging.getLogger(__name__)
# Events that wait for one endpoint.
MAX_WAITING: Final = 1000
# Attempts under way at one endpoint, and at one whose last attempt failed.
AT_ONCE: Final = 4
AT_ONCE_WHILE_FAILING: Final = 1
_PAGE: Final = 200
_POLL_MS: Final = 1000
_POLL_SECONDS: Final = 1.0
_AWAY_SECONDS: Final = 1.0
_AWAY: Final = (KafkaError, OSError, PyMongoError, Transient, TopicsMissing)


class EndpointRunner:
    """One endpoint in one process, which holds its lease."""

    def __init__(
        self,
        endpoint: str,
        attempts: Attempts,
        kafka: KafkaConnection,
        may_send: Callable[[], bool],
        max_waiting: int,
    ) -> None:
        """`may_send` is asked before each attempt: is the lease still ours, may the source still read?"""
        self._id = endpoint
        self._attempts = attempts
        self._endpoints, self._deliveries = attempts.endpoints, attempts.deliveries
        self._kafka = kafka
        self._may_send = may_send
        self._max_waiting = max_waiting
        self._woken = asyncio.Event()
        self._under_way: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Reads and sends until it is cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._again_and_again(self._read))
                tasks.create_task(self._again_and_again(self._send))
        finally:
            under_way = list(self._under_way.values())
            for attempt in under_way:
                attempt.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)

    async def _again_and_again(self, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await work()
            except _AWAY as error:
                _log.warning("a webhook waits: %s", type(error).__name__, extra={"endpoint": self._id})
            except Exception:
                _log.exception("a webhook is not served", extra={"endpoint": self._id})
            await asyncio.sleep(_AWAY_SECONDS)

    async def _read(self) -> None:
        """Reads the log from the stored positions; ends when the endpoint is gone."""
        endpoint = await self._endpoints.get(self._id)
        if endpoint is None:
            return
        async with event_log(self._kafka, endpoint.locality, endpoint.positions, endpoint.since) as log:
            room = 0
            while True:
                # Counted once it seems to be full, as what waits only becomes less meanwhile.
                if room <= 0:
                    room = self._max_waiting - await self._deliveries.waiting(self._id)
                if room <= 0:
                    await asyncio.sleep(_POLL_SECONDS)
                    continue
                records = await log.more(min(room, _PAGE), _POLL_MS)
                # The first time also without records: from then on the positions are those of the log.
                if not records and endpoint.positions is not None:
                    continue
                events = [event_to_send(record, endpoint.filter) for record in records]
                wanted = [event for event in events if event is not None]
                room -= await self._deliveries.enqueue(
                    endpoint, wanted, log.positions, self._attempts.clock()
                )
                self._woken.set()
                endpoint = await self._endpoints.get(self._id)
                if endpoint is None:
                    return

    async def _send(self) -> None:
        while True:
            self._woken.clear()
            endpoint = await self._endpoints.to_send(self._id) if self._may_send() else None
            if endpoint is not None:
                limit = AT_ONCE if endpoint.failing_since is None else AT_ONCE_WHILE_FAILING
                free = limit - len(self._under_way)
                if free > 0:
                    for delivery in await self._deliveries.due(self._id, list(self._under_way), free):
                        self._start(endpoint, delivery)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), _POLL_SECONDS)

    def _start(self, endpoint: Endpoint, delivery: Delivery) -> None:
        attempt = asyncio.create_task(self._attempt(endpoint, delivery))
        self._under_way[delivery.id] = attempt
        attempt.add_done_callback(lambda _: self._ended(delivery.id))

    def _ended(self, delivery: str) -> None:
        self._under_way.pop(delivery, None)
        self._woken.set()

    async def _attempt(self, endpoint: Endpoint, delivery: Delivery) -> None:
        try:
            await self._attempts.make(endpoint, delivery)
        except _AWAY as error:
            _log.warning("a webhook's result is not recorded: %s", type(error).__name__)
            await asyncio.sleep(_AWAY_SECONDS)
        except Exception:
            _log.exception("an attempt failed", extra={"endpoint": self._id})
            await asyncio.sleep(_AWAY_SECONDS)
