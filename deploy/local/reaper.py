"""A small process that ends the others when the process that started them is gone.

It reads a line, `pid identity`, for every child that is started. When its input ends, because the parent
closed it or was killed, it ends the living children, the last started first.
"""

import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from deploy.local.identity import end, identity

GRACE = 10.0
ROOT = Path(__file__).parents[2]


class Reaper:
    """The parent's side, one for a run.

    The watched processes are written to `record` as well. If both are killed, the next run finds them there.
    """

    def __init__(self, record: Path | None = None) -> None:
        self._record = record
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Starts the reaper's process in a session of its own."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "deploy.local.reaper"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
            start_new_session=True,
            text=True,
        )
        self._write_down(self._process.pid)

    def watch(self, pid: int) -> None:
        """Registers `pid`, the leader of its own session, to be ended when this process is gone."""
        line = self._write_down(pid)
        if line is not None and self._process is not None and self._process.stdin is not None:
            self._process.stdin.write(line)
            self._process.stdin.flush()

    def _write_down(self, pid: int) -> str | None:
        known_as = identity(pid)
        if known_as is None:
            return None  # The process has ended already.
        line = f"{pid} {known_as}\n"
        if self._record is not None:
            with self._record.open("a") as record:
                record.write(line)
        return line

    def close(self) -> None:
        """Ends the remaining watched processes, and the reaper with them."""
        if self._process is not None:
            self._process.communicate()
            self._process = None


def reap(lines: Iterable[str]) -> None:
    """Reads `pid identity` lines to their end, then ends these processes, the last first."""
    watched = [line.rstrip("\n").split(maxsplit=1) for line in lines]
    for pid, known_as in reversed(watched):
        end(int(pid), known_as, grace=GRACE)


if __name__ == "__main__":
    # A terminal's Ctrl-C goes to the parent, which then closes the pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    reap(sys.stdin)
