"""A run of the supervisor as another process, and what can be seen of it from outside."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from deploy.local.identity import identity
from deploy.local.ports import free_port
from deploy.local.reaper import ROOT
from shared.platform.kafka_connection import KafkaConnection

PATIENCE = 180.0


@dataclass
class Started:
    """`state` is the run's folder, `port` where its front listens."""

    process: subprocess.Popen[bytes]
    state: Path
    port: int
    output: Path

    def said(self) -> str:
        return self.output.read_text()

    def until(self, says: str) -> None:
        """Wait for a line that matches. Fails where the run ends, or nothing comes."""
        wait_for(
            lambda: re.search(says, self.said()) is not None or self.process.poll() is not None, self.said
        )
        assert re.search(says, self.said()), self.said()

    def children(self) -> dict[int, str]:
        """Every process that it has started and that is alive, with what it is known as."""
        known = [line.split(maxsplit=1) for line in (self.state / "processes").read_text().splitlines()]
        return {int(pid): name for pid, name in known if identity(int(pid)) == name}

    def child(self, running: str) -> int:
        """The pid of the child whose command line holds `running`."""
        return next(pid for pid in self.children() if running in Path(f"/proc/{pid}/cmdline").read_text())

    def kafka(self) -> KafkaConnection:
        """The run's own broker, as the user that may do everything."""
        port = json.loads((self.state / "ports.json").read_text())["kafka"]
        password = (self.state / "kafka" / "users" / "broker").read_text().strip()
        return KafkaConnection(f"127.0.0.1:{port}", "SASL_PLAINTEXT", "broker", SecretStr(password))

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Signal the supervisor and wait for its end. Returns the exit code."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


def start(
    state: Path, *arguments: str, port: int | None = None, stores: Mapping[str, str] | None = None
) -> Started:
    """Start a small run. `stores` are the variables that name stores; without them it starts its own."""
    port = port or free_port()
    output = state.parent / f"{state.name}-{time.monotonic_ns()}.txt"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("LINKWORK_")}
    with output.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-u", "-m", "tests.harness.local.small_run", str(state), *arguments],
            cwd=ROOT,
            env={**environment, **(stores or {}), "PORT": str(port), "DEMO": "1"},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    return Started(process, state, port, output)


def wait_for(true: Callable[[], bool], explain: Callable[[], str] = str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, explain()
        time.sleep(0.05)


def alive(children: Mapping[int, str]) -> list[int]:
    return [pid for pid, name in children.items() if identity(pid) == name]
