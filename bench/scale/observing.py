"""Observes the processes of a system from outside: processor, memory, connections, streams, records."""

import asyncio
import re
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
from prometheus_client.parser import text_string_to_metric_families

from bench.processes import cpu_seconds, recorded, resident_bytes
from chaos.stack import Stack

_ESTABLISHED: Final = "01"
_SOCKET: Final = re.compile(r"socket:\[(\d+)\]")
_LOOK_SECONDS: Final = 0.2
# A machine that computes other things too starts many processes slowly.
STARTS_WITHIN: Final = 300.0
STORES: Final = ("Kafka", "MongoDB")


def pids_of(stack: Stack) -> dict[str, int]:
    """The running processes of the system by name, with both stores."""
    found = {name: process.pid for name, process in stack.processes.items()}
    stores = recorded(stack.folder / "processes")
    return {name: pid for name, pid in found.items() if pid is not None} | {
        name: stores[name] for name in STORES
    }


def cpu_of(pids: Mapping[str, int]) -> dict[str, float]:
    """Processor seconds so far. A process that has ended meanwhile is left out."""
    return {name: cpu_seconds(pid) for name, pid in pids.items() if Path(f"/proc/{pid}").exists()}


def memory_of(pids: Mapping[str, int]) -> dict[str, int]:
    """Resident bytes."""
    return {name: resident_bytes(pid) for name, pid in pids.items()}


def connections_to(pid: int, port: int) -> int:
    """The established connections of a process to a port of this machine."""
    links = [link.readlink().name for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()]
    inodes = {found[1] for link in links if (found := _SOCKET.fullmatch(link))}
    return sum(_leads_to(line.split(), port, inodes) for line in _sockets())


def _sockets() -> list[str]:
    files = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
    return [line for file in files if file.exists() for line in file.read_text().splitlines()[1:]]


def _leads_to(fields: Sequence[str], port: int, inodes: Collection[str]) -> bool:
    remote = int(fields[2].rpartition(":")[2], 16)
    return fields[3] == _ESTABLISHED and remote == port and fields[9] in inodes


@dataclass(frozen=True)
class Streams:
    """The streams of one process: the partitions that it has of each locality, and how many run."""

    partitions: Mapping[str, int]
    running: int

    @property
    def total(self) -> int:
        """The partitions of all localities."""
        return sum(self.partitions.values())


async def streams_of(http: httpx.AsyncClient, stack: Stack, name: str) -> Streams:
    """The streams of a process as it tells them. Raises httpx.HTTPError."""
    answer = (await http.get(f"{stack.address(name)}/readyz")).json()
    streams: Mapping[str, Any] = answer.get("streams", {})
    running = sum(stream["state"] == "running" for stream in streams.values())
    return Streams({slug: stream["partitions"] for slug, stream in streams.items()}, running)


async def consumed(http: httpx.AsyncClient, stack: Stack, name: str) -> float:
    """The records that a process has handled so far."""
    text = (await http.get(f"{stack.address(name)}/metrics")).text
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "linkwork_events_consumed_total"
    )


async def until(what: str, test: Callable[[], Any], within: float) -> float:
    """Seconds until the awaited test is true. A process that does not answer yet is asked again.

    Raises:
        TimeoutError: `what` did not happen in time.
    """
    began = time.monotonic()
    while time.monotonic() - began < within:
        try:
            if await test():
                return time.monotonic() - began
        except (httpx.HTTPError, OSError, KeyError, ValueError):
            pass  # It starts, or has just been killed.
        await asyncio.sleep(_LOOK_SECONDS)
    raise TimeoutError(f"not within {within:.0f} s: {what}")


def client() -> httpx.AsyncClient:
    """A client for the processes' own ports."""
    # A process closes idle connections after seconds, perhaps while a request is on its way.
    return httpx.AsyncClient(trust_env=False, timeout=20, limits=httpx.Limits(max_keepalive_connections=0))
