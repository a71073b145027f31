"""`linkwork hand-over` as an operator runs it: a process whose steps are read from what it prints.

The command is run again until it ends well, as its promise is that this resumes it. A listener may kill or
stop it at any step.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from deploy.local.errors import CannotRun
from deploy.local.reaper import ROOT, Reaper

AGAIN_AFTER = 0.5
MOST_RUNS = 60


@dataclass
class Command:
    """One invocation, repeated until it succeeds. `said` holds every printed line."""

    arguments: Sequence[str]
    environment: Mapping[str, str]
    reaper: Reaper
    log: Path
    said: list[str] = field(default_factory=list)
    runs: int = 0
    _process: asyncio.subprocess.Process | None = None

    async def succeed(
        self, within: float, at_step: Callable[[str], Awaitable[None]], read_step: Callable[[str], str | None]
    ) -> float:
        """Runs the command until it ends with 0. Returns the seconds that this took.

        Args:
            within: seconds.
            at_step: is awaited at each step that a line names, while the command goes on.
            read_step: the name of the step that a line says is done, or None.

        Raises:
            CannotRun: it does not end well in time.
        """
        began = time.monotonic()
        try:
            async with asyncio.timeout(within):
                while self.runs < MOST_RUNS:
                    if await self._run(at_step, read_step) == 0:
                        return time.monotonic() - began
                    await asyncio.sleep(AGAIN_AFTER)
        except TimeoutError:
            pass
        finally:
            await self.stop()
        raise CannotRun(f"{' '.join(self.arguments)} did not succeed in {self.runs} runs: {self.said[-5:]}")

    async def _run(
        self, at_step: Callable[[str], Awaitable[None]], read_step: Callable[[str], str | None]
    ) -> int:
        self.runs += 1
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-u", "-m", "linkwork", *self.arguments),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=dict(self.environment),
            cwd=ROOT,
            start_new_session=True,
        )
        self._process = process
        self.reaper.watch(process.pid)
        if process.stdout is None:
            raise CannotRun("the command has no output")
        while line := await process.stdout.readline():
            text = line.decode(errors="replace").rstrip()
            self.said.append(text)
            await asyncio.to_thread(self._note, text)
            step = read_step(text)
            if step is not None:
                await at_step(step)
        return await process.wait()

    def _note(self, text: str) -> None:
        with self.log.open("a") as log:
            log.write(f"{datetime.now(UTC):%H:%M:%S} {self.arguments[1]} {self.arguments[2]}: {text}\n")

    def signal(self, number: signal.Signals) -> None:
        """Signals the command, unless it has ended."""
        process = self._process
        if process is not None and process.returncode is None:
            os.kill(process.pid, number)

    async def stop(self) -> None:
        """Ends the command if it still runs."""
        process = self._process
        if process is not None and process.returncode is None:
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGKILL)
            await process.wait()
