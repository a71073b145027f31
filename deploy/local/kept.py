"""A process that is started, and started again when it ends by itself."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from deploy.local.errors import CannotRun

Say = Callable[[str], None]
FIRST_DELAY = 0.5
LONGEST_DELAY = 30.0
# What ran this long was well: the next delay starts from the shortest again.
WELL_AFTER = 60.0


class Kept(Protocol):
    """A store or a part. `start` returns when it answers, and raises CannotRun if it never does."""

    @property
    def name(self) -> str: ...
    @property
    def log(self) -> Path: ...
    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def exited(self) -> int: ...


async def keep(thing: Kept, say: Say, *, attempts: int | None = None) -> None:
    """Start `thing` again whenever it ends; never returns.

    Raises CannotRun after so many `attempts` one after the other, where a number is given.
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
