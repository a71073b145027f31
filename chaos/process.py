"""A process that faults strike. It restarts when it ends, as under a supervisor."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import httpx

from deploy.local.child import Child
from deploy.local.errors import CannotRun
from deploy.local.reaper import Reaper

AGAIN_AFTER = 0.3
READY_WITHIN = 60.0


class Process:
    """Signals only the process that it started itself."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        log: Path,
        reaper: Reaper,
        ready: str,
        inherited: Sequence[int] = (),
        is_ready: Callable[[httpx.Response], bool] = lambda answer: answer.is_success,
    ) -> None:
        self.name = name
        self._is_ready = is_ready
        self._ready = ready
        self._child = Child(
            name, command, log=log, reaper=reaper, environment=environment, inherited=inherited
        )
        self._keeping: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The process id; None while it does not run."""
        return self._child.pid if self._child.exit_code is None else None

    def start(self) -> None:
        """Starts the process and keeps it running."""
        self._child.start()
        self._keeping = asyncio.create_task(self._keep())

    async def _keep(self) -> None:
        while True:
            await self._child.exited()
            await asyncio.sleep(AGAIN_AFTER)
            self._child.start()

    def signal(self, number: signal.Signals) -> None:
        """Signals the process, unless it has ended."""
        if self._child.exit_code is None and self._child.pid is not None:
            os.kill(self._child.pid, number)

    async def kill_for_good(self) -> None:
        """Kills the process and does not start it again, until `start`."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
        self.signal(signal.SIGKILL)
        if self._child.pid is not None:
            await self._child.exited()

    async def answers(self, within: float = READY_WITHIN) -> None:
        """Waits until the process is ready. Raises CannotRun if it is not ready in time."""
        end = time.monotonic() + within
        async with httpx.AsyncClient(trust_env=False, timeout=2.0) as http:
            while time.monotonic() < end:
                with contextlib.suppress(httpx.TransportError):
                    if self._is_ready(await http.get(self._ready)):
                        return
                await asyncio.sleep(0.1)
        raise CannotRun(f"{self.name} was not ready within {within:.0f} s: {self._child.last_words()}")

    async def stop(self) -> None:
        """Stops the process for good."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
        self.signal(signal.SIGCONT)
        await self._child.stop()
