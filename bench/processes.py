"""The processor time and memory of a process."""

import os
from collections.abc import Mapping
from pathlib import Path

from deploy.local.identity import identity

_NAMES = {"kafka.Kafka": "Kafka", "mongod": "MongoDB", "caddy": "front", "deploy.local.front": "front"}
_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """Processor time of a live process and all of its threads, user and system, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def resident_bytes(pid: int) -> int:
    """Memory that a live process holds, in bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def recorded(record: Path) -> dict[str, int]:
    """The live processes of a reaper's record, by the name of the part or store."""
    alive = {}
    for line in record.read_text().splitlines():
        pid, known_as = line.split(maxsplit=1)
        if identity(int(pid)) == known_as:
            alive[_name(Path(f"/proc/{pid}/cmdline").read_text().split("\0"))] = int(pid)
    return alive


def spent(pids: Mapping[str, int]) -> dict[str, float]:
    """Processor seconds so far of each process."""
    return {name: cpu_seconds(pid) for name, pid in pids.items()}


def _name(command: list[str]) -> str:
    for part, name in _NAMES.items():
        if any(word.endswith(part) for word in command):
            return name
    return next((word.rpartition(".")[2] for word in command if "." in word and "/" not in word), command[0])
