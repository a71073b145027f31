"""The part under test as a process that the kit starts, kills and starts again."""

import asyncio
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Protocol

import httpx

from conformance.clause import Away

_READY_WITHIN: Final = 90.0


class Part(Protocol):
    """The part, as far as the kit governs it."""

    async def start(self) -> None:
        """Starts it, and waits until it is ready."""

    async def kill(self) -> None:
        """Ends it at once, as `kill -9` does."""

    async def wipe(self) -> bool:
        """Forgets what the stopped part keeps. Gives False if nobody told how."""

    @property
    def governed(self) -> bool:
        """False for a part that the kit did not start."""


class CommandPart:
    """A part that a command starts. The command finds addresses in its environment."""

    def __init__(self, start: str, wipe: str, ready: str, environment: Mapping[str, str], log: Path) -> None:
        self._start, self._wipe, self._ready = start, wipe, ready
        self._environment = {**os.environ, **environment}
        self._log = log
        self._process: asyncio.subprocess.Process | None = None

    @property
    def governed(self) -> bool:
        """True if there is a command."""
        return bool(self._start)

    async def start(self) -> None:
        """Starts the command in a session of its own."""
        if not self._start:
            return
        with self._log.open("ab") as out:
            self._process = await asyncio.create_subprocess_shell(
                self._start, stdout=out, stderr=out, env=self._environment, start_new_session=True
            )
        await self._until_ready()

    async def kill(self) -> None:
        """Kills the command and all that it started."""
        if self._process is not None:
            if self._process.returncode is None:
                os.killpg(self._process.pid, signal.SIGKILL)
            await self._process.wait()
            self._process = None

    async def wipe(self) -> bool:
        """Runs the command that forgets."""
        if not self._wipe:
            return False
        done = await asyncio.create_subprocess_shell(self._wipe, env=self._environment)
        return await done.wait() == 0

    async def _until_ready(self) -> None:
        if not self._ready:
            await asyncio.sleep(1)
            self._check_alive()
            return
        async with httpx.AsyncClient(trust_env=False, timeout=5) as http:
            end = asyncio.get_running_loop().time() + _READY_WITHIN
            while asyncio.get_running_loop().time() < end:
                self._check_alive()
                try:
                    if not (await http.get(self._ready)).is_server_error:
                        return
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.2)
        within = f"{_READY_WITHIN:.0f} s"
        raise Away(f"the part does not answer at {self._ready} within {within}: see {self._log}")

    def _check_alive(self) -> None:
        if self._process is not None and self._process.returncode is not None:
            raise Away(f"the command of --start ended with {self._process.returncode}: see {self._log}")
