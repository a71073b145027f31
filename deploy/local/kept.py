"""Restarts a process that ends by itself."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from deploy.local.errors import CannotRun

Say = Callable[[str], None]
FIRST_DELAY = 0.5
LONGEST_DELAY = 30.0
# A process that ran this long was healthy: the next delay is the shortest again.
WELL_AFTER = 60.0


class Kept(Protocol):
    """A store or a part that `keep` restarts."""

    @property
    def name(self) -> str:
        """The name in the run's output."""

    @property
    def log(self) -> Path:
        """The file with the output of the process."""

    async def start(self) -> None:
        """Starts the process and returns when it answers. Raises CannotRun if it never does."""

    async def stop(self) -> None:
        """Stops the process and waits for its end."""

    async def exited(self) -> int:
        """Waits for the end of the process. Returns the exit code."""


async def keep(thing: Kept, say: Say, *, attempts: int | None = None) -> None:
    """Starts `thing` again whenever it ends. Never returns.

    Raises:
        CannotRun: `thing` ended again after `attempts` restarts in a row. None restarts it without limit.
    """
    tried = 0
    started = time.monotonic()
    while True:
        code = await thing.exited()
        if time.monotonic() - started > WELL_AFTER:
            tried = 0
        if attempts is not None and tried >= attempts:
            raise CannotRun(f"{thing.name} keeps ending (code {code}): its log is {thing.log}.")
        delay = min(FIRST_DELAY * 2**tried, LONGEST_DELAY)
        tried += 1
        say(f"{thing.name} ended (code {code}): starting it again in {delay:g} s; its log is {thing.log}")
        await asyncio.sleep(delay)
        started = time.monotonic()
        try:
            await thing.start()
        except CannotRun as reason:
            say(str(reason))
            await thing.stop()
        else:
            say(f"{thing.name} answers again")
