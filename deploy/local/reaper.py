"""A small process that ends the others when the one that started them is gone.

It reads a line, `pid identity`, for every child that is started. When its input ends, because the parent
closed it or was killed, it ends what is still alive, the last started first.
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
    """The parent's side: one for a run."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "deploy.local.reaper"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
            start_new_session=True,
            text=True,
        )

    def watch(self, pid: int) -> None:
        """Have `pid`, the leader of its own session, ended when this process is gone."""
        known_as = identity(pid)
        if known_as is not None and self._process is not None and self._process.stdin is not None:
            self._process.stdin.write(f"{pid} {known_as}\n")
            self._process.stdin.flush()

    def close(self) -> None:
        """End what is left of the watched processes, and the reaper with them."""
        if self._process is not None:
            self._process.communicate()
            self._process = None


def reap(lines: Iterable[str]) -> None:
    watched = [line.split() for line in lines]
    for pid, known_as in reversed(watched):
        end(int(pid), known_as, grace=GRACE)


if __name__ == "__main__":
    # A terminal's Ctrl-C goes to the parent, which tells us by closing the pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    reap(sys.stdin)
