"""Ends what runs side by side within a bound, so that no stop hangs."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

_END_SECONDS: Final = 3.0
T = TypeVar("T")
_log = logging.getLogger(__name__)


async def ended_within(seconds: float, *stops: Coroutine[Any, Any, None]) -> None:
    """Runs these stops side by side, and cancels those that take longer. Their errors end nothing else."""
    tasks = [asyncio.create_task(stop) for stop in stops]
    done, late = await asyncio.wait(tasks, timeout=seconds)
    for task in late:
        task.cancel()
        _log.warning("not stopped in time: %s", getattr(task.get_coro(), "__qualname__", "?"))
    for task in done:
        if (error := task.exception()) is not None:
            _log.warning("stopped with %s", type(error).__name__)


async def cancelled_within(seconds: float, *tasks: asyncio.Task[None]) -> None:
    """Cancels these tasks and waits for their end, but not for one whose client swallows the cancellation."""
    for task in tasks:
        task.cancel()
    if tasks:
        _, late = await asyncio.wait(tasks, timeout=seconds)
        for task in late:
            _log.warning("a task did not end in time: %s", getattr(task.get_coro(), "__qualname__", "?"))


async def to_its_end(work: Coroutine[Any, Any, T]) -> T:
    """Lets work go on to its end, within a bound, although its caller is cancelled.

    A start of aiokafka that is cut short leaves connections open.
    """
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task], timeout=_END_SECONDS)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        raise
