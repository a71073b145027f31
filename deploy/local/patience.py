"""Waits for a start as long as it makes progress, but not for ever."""

import asyncio
import os
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

from deploy.local.errors import CannotRun

STALLED_SECONDS = 60.0
LONGEST_SECONDS = 300.0
TELL_SECONDS = 15.0
Say = Callable[[str], None]


def quiet(_: str) -> None:
    """Prints nothing."""


async def wait_while_it_gets_on(
    answers: Coroutine[Any, Any, None],
    *,
    name: str,
    log: Path,
    progress: Callable[[], object],
    say: Say = quiet,
    stalled: float = STALLED_SECONDS,
    longest: float = LONGEST_SECONDS,
    tell: float = TELL_SECONDS,
) -> None:
    """Waits until `answers` returns, and reports every `tell` seconds that it still waits for `name`.

    `progress` gives a value that changes while the process works. On a busy machine a start takes minutes,
    and a fixed limit would end a run that progresses.

    Raises:
        CannotRun: `progress` has not changed for `stalled` seconds, or `longest` seconds are over.
        Any error that `answers` raises.
    """
    waiting = asyncio.ensure_future(answers)
    began = moved = told = time.monotonic()
    seen = progress()
    try:
        while True:
            done, _ = await asyncio.wait({waiting}, timeout=min(0.5, stalled / 4, tell))
            if done:
                return waiting.result()
            now = time.monotonic()
            if (current := progress()) != seen:
                seen, moved = current, now
            if now - moved > stalled:
                raise CannotRun(f"{name} did nothing for {stalled:.0f} s: its log is {log}.")
            if now - began > longest:
                raise CannotRun(f"{name} was not ready within {longest:.0f} s: its log is {log}.")
            if now - told > tell:
                told = now
                say(f"Waiting for {name}, which is still starting ...")
    finally:
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)


def work_of(pid: int | None, log: Path) -> tuple[int, int]:
    """Returns the processor time that a process has used, in ticks, and the size of its log, in bytes.

    A value that cannot be read is 0: on systems without /proc the log alone shows progress.
    """
    ticks = size = 0
    with suppress(OSError, ValueError, IndexError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks = int(fields[11]) + int(fields[12])
    with suppress(OSError):
        size = os.stat(log).st_size
    return ticks, size


async def together(*work: Coroutine[Any, Any, None]) -> None:
    """Runs all awaitables. If one raises, cancels the others, waits for them, and raises the same error."""
    try:
        async with asyncio.TaskGroup() as group:
            for each in work:
                group.create_task(each)
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
