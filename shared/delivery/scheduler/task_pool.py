"""Several rows in hand at once: one that takes long keeps its hand, and holds up nobody else's."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence

from shared.delivery.mongo.database import Document

_log = logging.getLogger(__name__)


class BoundedTaskPool:
    """The rows that this process works on just now, `most` at a time."""

    def __init__(self, most: int, patience: float) -> None:
        """`patience` is for how many seconds to wait for what was begun before looking for more."""
        self._free = asyncio.Semaphore(most)
        self._patience = patience
        self._tasks: dict[str, asyncio.Task[bool]] = {}

    def __iter__(self) -> Iterator[asyncio.Task[bool]]:
        return iter(list(self._tasks.values()))

    async def each(self, rows: Sequence[Document], handle: Callable[[Document], Awaitable[bool]]) -> bool:
        """Begins with every row that is not in hand; True where one of them is done with already.

        It waits while all hands are full, and a little for the last ones: most take no longer.
        """
        begun = []
        for row in rows:
            if str(row["_id"]) not in self._tasks:
                await self._free.acquire()
                begun.append(self._begin(row, handle))
        if not begun:
            return False
        ended, _ = await asyncio.wait(begun, timeout=self._patience)
        return any(task.exception() is None and task.result() for task in ended)

    def _begin(self, row: Document, handle: Callable[[Document], Awaitable[bool]]) -> asyncio.Task[bool]:
        name = str(row["_id"])

        def let_go(task: asyncio.Task[bool]) -> None:
            del self._tasks[name]
            self._free.release()
            if not task.cancelled() and (error := task.exception()) is not None:
                _log.error("due row failed", exc_info=error)

        task = self._tasks[name] = asyncio.ensure_future(handle(row))
        task.add_done_callback(let_go)
        return task
