"""Replicas that join, stop and die under load, and what each move costs."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final

import httpx

from bench.scale.observing import STARTS_WITHIN, consumed, cpu_of, pids_of
from bench.statistics import percentile
from chaos.commits import Commits
from chaos.faults import StrikeRecord
from chaos.load import Load
from chaos.log import Entry
from chaos.plan import SERVICES, Strike
from chaos.stack import Stack
from chaos.waits import Doing, Wait

STEADY: Final = "steady"
JOINS: Final = "joins"
KILLED: Final = "killed"
STOPPED: Final = "stopped"
# Seconds after a move in which a wait counts as its consequence.
AFTERWARDS: Final = 8.0


def name_of(service: str, number: int) -> str:
    """The process of a service's replica; the first has the service's name."""
    return service if number == 1 else f"{service}-{number}"


def names(numbers: Sequence[int]) -> list[str]:
    """The processes of these replicas of every service."""
    return [name_of(service, number) for service in SERVICES for number in numbers]


@dataclass
class Moves:
    """Moves replicas of all services at once, and records each move and each steady time."""

    stack: Stack
    load: Load
    http: httpx.AsyncClient
    records: list[StrikeRecord] = field(default_factory=list)
    steady: list[dict[str, Any]] = field(default_factory=list)

    async def join(self, numbers: Sequence[int]) -> None:
        """Starts these replicas of each service."""
        began = time.time()
        await self.stack.start_processes(names(numbers), STARTS_WITHIN)
        await self._record(JOINS, numbers, began)

    async def kill(self, number: int) -> None:
        """Kills this replica of each service for good, with SIGKILL."""
        began = time.time()
        await asyncio.gather(*(self.stack.processes[name].kill_for_good() for name in names([number])))
        await self._record(KILLED, [number], began)

    async def stop(self, number: int) -> None:
        """Stops this replica of each service in order."""
        began = time.time()
        await asyncio.gather(*(self.stack.processes[name].stop() for name in names([number])))
        await self._record(STOPPED, [number], began)

    async def _record(self, move: str, numbers: Sequence[int], began: float) -> None:
        moved = time.time()
        await asyncio.sleep(AFTERWARDS)
        for service in SERVICES:
            targets = tuple(name_of(service, number) for number in numbers)
            # Until the start has ended, the load shares two cores with it.
            self.records.append(StrikeRecord(Strike(move, targets), began, max(moved, began + AFTERWARDS)))

    async def stay(self, count: int, seconds: float) -> None:
        """Stays with so many replicas, and notes the work of each and its cost."""
        replicas = names(range(1, count + 1))
        pids = pids_of(self.stack)
        before = {name: await consumed(self.http, self.stack, name) for name in replicas}
        cpu, referrals, began = cpu_of(pids), self.load.begun, time.time()
        await asyncio.sleep(seconds)
        after, referred = cpu_of(pids), self.load.begun - referrals
        ended = time.time()
        events = {name: await consumed(self.http, self.stack, name) - before[name] for name in replicas}
        for service in SERVICES:
            self.records.append(StrikeRecord(Strike(STEADY, (service,), rest=count), began, ended))
        spent = {name: after[name] - cpu[name] for name in after}
        self.steady.append(
            {
                "replicas": count,
                "seconds": ended - began,
                "referrals": referred,
                "events": {
                    service: [events[name_of(service, number)] for number in range(1, count + 1)]
                    for service in SERVICES
                },
                "cpu": _by_service(spent),
            }
        )


def _by_service(spent: Mapping[str, float]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, seconds in spent.items():
        part = name.rstrip("-0123456789")
        found[part] = found.get(part, 0.0) + seconds
    return found


def waits_of(records: Sequence[StrikeRecord], doing: Doing) -> list[dict[str, Any]]:
    """The longest wait of each move or steady time, by service, with the number of replicas if steady."""
    return [_row(doing.wait(record)) for record in records]


def _row(wait: Wait) -> dict[str, Any]:
    strike = wait.record.strike
    return {
        "move": strike.fault,
        "service": strike.parts[0],
        "longest": wait.without,
        "replicas": int(strike.rest) if strike.fault == STEADY else None,
    }


def usual_waits(
    records: Sequence[StrikeRecord], log: Sequence[Entry], commits: Commits
) -> list[dict[str, Any]]:
    """The waits of records from publication to commit, in steady times, by service and number of replicas."""
    found: dict[tuple[str, int], list[float]] = {}
    for record in records:
        if record.strike.fault != STEADY:
            continue
        (service,) = record.strike.parts
        waits = found.setdefault((service, int(record.strike.rest)), [])
        for entry in log:
            if record.began <= entry.at <= record.mended:
                handled = commits.handled_at(f"{entry.topic.partition('.')[0]}.{service}", entry)
                if handled is not None:
                    waits.append(max(0.0, handled - entry.at))
    return [
        {
            "service": service,
            "replicas": count,
            "p50": median(waits),
            "p99": percentile(sorted(waits), 0.99),
        }
        for (service, count), waits in found.items()
        if waits
    ]
