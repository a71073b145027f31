"""A child process in a session of its own, its output in a log file."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from deploy.local.errors import CannotRun
from deploy.local.reaper import ROOT, Reaper


def python(module: str, *arguments: str) -> list[str]:
    """The command that runs a module with this Python, its output unbuffered."""
    return [sys.executable, "-u", "-m", module, *arguments]


class Child:
    """A process: started, watched by the reaper, and stopped by a request before it is killed."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        reaper: Reaper,
        environment: Mapping[str, str] | None = None,
        inherited: Sequence[int] = (),
        nice: int = 0,
    ) -> None:
        self.name = name
        self.log = log
        self._command = list(command)
        self._reaper = reaper
        self._environment = environment
        self._inherited = inherited
        self._nice = nice
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process id; None before the first start."""
        return None if self._process is None else self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while the process runs (or was never started); negative for the signal that ended it."""
        return None if self._process is None else self._process.poll()

    def start(self) -> None:
        """Starts the process, appends its output to the log, and has the reaper watch it."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=None if self._environment is None else dict(self._environment),
                cwd=ROOT,
                start_new_session=True,
                pass_fds=self._inherited,
            )
        self._reaper.watch(self._process.pid)
        if self._nice:
            _yield_to_others(self._process.pid, self._nice)

    def last_words(self) -> str:
        """The last line of the log, which says why the process ended, and where the rest is."""
        lines = [line for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
        return f"{lines[-1].strip() if lines else 'it said nothing'} (its log is {self.log})"

    async def tell(self, say: Callable[[str], None]) -> None:
        """Prints the newest line of the log, once a second if there is a new one. Never returns."""
        told = self.log.stat().st_size if self.log.exists() else 0
        while True:
            await asyncio.sleep(1.0)
            written = self.log.read_bytes()[told:]
            lines = written[: written.rfind(b"\n") + 1]
            told += len(lines)
            if lines:
                say(lines.decode(errors="replace").splitlines()[-1])

    async def exited(self) -> int:
        """Waits for the end of the process. Returns the exit code."""
        while (code := self.exit_code) is None:
            await asyncio.sleep(0.03)
        return code

    async def stop(self, *, grace: float = 10.0) -> None:
        """Asks the process to end; after `grace` seconds, kills it and all of its session."""
        if self._process is None or self.exit_code is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self.exited(), grace)
        except TimeoutError:
            os.killpg(self._process.pid, signal.SIGKILL)
            await self.exited()

    async def finish(self) -> None:
        """Runs the process to its end. Raises CannotRun, with the last line of its log, if it fails."""
        self.start()
        try:
            code = await self.exited()
        except asyncio.CancelledError:
            await self.stop(grace=1.0)
            raise
        if code != 0:
            raise CannotRun(self.last_words())


def _yield_to_others(pid: int, nice: int) -> None:
    """Gives a process the processor only when processes that people wait for do not need it."""
    with contextlib.suppress(OSError):  # the process has ended, or this system has no such priority
        os.setpriority(os.PRIO_PROCESS, pid, nice)
        # Linux may share the processor among sessions first, and only then within each.
        Path(f"/proc/{pid}/autogroup").write_text(str(nice))
