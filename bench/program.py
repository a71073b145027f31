"""A measured program in a process of its own, started on a signal."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.processes import cpu_seconds
from deploy.local.reaper import ROOT


class Failed(Exception):
    """The program ended, or printed nothing for too long."""


@dataclass
class Program:
    """A process that prints "ready", waits for a line, then prints "began <monotonic seconds>"."""

    name: str
    process: asyncio.subprocess.Process
    log: Path

    @classmethod
    async def start(
        cls, name: str, command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None
    ) -> "Program":
        """Starts the process, with its standard error in a file of `folder`, and waits until it is ready."""
        log = folder / f"{name}.log"
        with log.open("ab") as complaints:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=complaints,
                cwd=ROOT,
                env={**os.environ, **(environment or {})},
            )
        program = cls(name, process, log)
        try:
            await program.read_word("ready")
        except BaseException:
            await program.end()
            raise
        return program

    def go(self) -> None:
        """Gives the signal to begin."""
        if self.process.stdin is not None:
            self.process.stdin.write(b"go\n")

    async def read_word(self, word: str, seconds: float = 120.0) -> str:
        """Reads the rest of the line that begins with `word` from the program's output.

        Raises:
            Failed: the program ended first, or `seconds` passed.
        """
        if self.process.stdout is None:
            raise Failed(f"{self.name} has no output")
        try:
            async with asyncio.timeout(seconds):
                while line := await self.process.stdout.readline():
                    first, _, rest = line.decode().strip().partition(" ")
                    if first == word:
                        return rest
        except TimeoutError:
            raise Failed(f"{self.name} did not say {word!r} in time") from None
        raise Failed(f"{self.name} ended: {self.complaints()}")

    def complaints(self) -> str:
        """The end of the program's error output."""
        return self.log.read_text()[-2000:]

    def cpu(self) -> float:
        """Processor seconds so far."""
        return cpu_seconds(self.process.pid)

    @property
    def alive(self) -> bool:
        """True while the process runs."""
        return self.process.returncode is None

    async def end(self, grace: float = 20.0) -> None:
        """Asks the program to end, and kills it after a while."""
        if self.alive:
            self.process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(self.process.wait(), grace)
            except TimeoutError:
                self.process.kill()
                await self.process.wait()


def python(module: str, *arguments: str) -> list[str]:
    """The command that runs a module with this Python."""
    return [sys.executable, "-m", module, *arguments]
