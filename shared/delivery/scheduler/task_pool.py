"""A bounded pool of tasks in hand: a slow one keeps its place and does not hold up the others."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence

from shared.delivery.mongo.database import Document

_log = logging.getLogger(__name__)


class BoundedTaskPool:
    """The scheduled tasks that this process runs at present, `limit` at a time."""

    def __init__(self, limit: int, wait_seconds: float) -> None:
        """Makes an empty pool. `each` waits `wait_seconds` for the tasks that it started."""
        self._free = asyncio.Semaphore(limit)
        self._wait_seconds = wait_seconds
        self._running: dict[str, asyncio.Task[bool]] = {}

    def __iter__(self) -> Iterator[asyncio.Task[bool]]:
        return iter(list(self._running.values()))

    async def each(self, rows: Sequence[Document], handle: Callable[[Document], Awaitable[bool]]) -> bool:
        """Starts every row that is not running; returns True if one of them is done already.

        Waits while the pool is full, and a little for the last ones, because most take no longer.
        """
        started = []
        for row in rows:
            if str(row["_id"]) not in self._running:
                await self._free.acquire()
                started.append(self._start(row, handle))
        if not started:
            return False
        ended, _ = await asyncio.wait(started, timeout=self._wait_seconds)
        return any(task.exception() is None and task.result() for task in ended)

    def _start(self, row: Document, handle: Callable[[Document], Awaitable[bool]]) -> asyncio.Task[bool]:
        name = str(row["_id"])

        def ended(task: asyncio.Task[bool]) -> None:
            del self._running[name]
            self._free.release()
            if not task.cancelled() and (error := task.exception()) is not None:
                _log.error("scheduled task failed", exc_info=error)

        task = self._running[name] = asyncio.ensure_future(handle(row))
        task.add_done_callback(ended)
        return task
