"""The embedded run as a separate process, and its cost."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from bench.processes import recorded, spent
from deploy.local.ports import free_port
from deploy.local.reaper import ROOT

STARTS_WITHIN = 180.0


@dataclass(frozen=True)
class Run:
    """`state` is the run's folder, `url` the address of its front."""

    process: "subprocess.Popen[bytes]"
    state: Path
    said: Path
    url: str

    @classmethod
    def start(cls, folder: Path) -> "Run":
        """Starts the run in `folder`, with a broker and a database of its own."""
        port, state, said = free_port(), folder / "state", folder / "run.txt"
        ours = {key: value for key, value in os.environ.items() if not key.startswith("LINKWORK_")}
        with said.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-u", "-m", "bench.embedded", str(state)],
                cwd=ROOT,
                env={**ours, "PORT": str(port), "DEMO": "0"},
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        return cls(process, state, said, f"http://localhost:{port}")

    def until_it_answers(self) -> None:
        """Waits until the run answers. Exits with its output if it ends or takes too long."""
        deadline = time.monotonic() + STARTS_WITHIN
        while "Everything answers" not in self.said.read_text():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(self.said.read_text())
            time.sleep(0.2)

    def cpu_seconds(self) -> dict[str, float]:
        """Processor seconds so far, by process."""
        return spent(recorded(self.state / "processes"))

    def end(self) -> None:
        """Stops the run and waits for its end."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
