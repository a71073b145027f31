"""The bulk of the log, folded by several processes: each takes what one partition number holds of a locality.

A locality's three topics are parted alike, so all that is said of a referral lies in partitions of one
number, and no two processes write the same referral. A record that lies elsewhere is handed back as a stray.
"""

import asyncio
import gc
import signal
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from typing import Any, Final

from shared.contract.events.partitioning import murmur2, partition_of_hash
from shared.contract.events.topics import parse_topic
from shared.delivery.dlq.replays import Restored
from shared.delivery.rebuild.folding import Folded, Folding
from shared.delivery.rebuild.log import OffsetRange, consumer, read
from shared.delivery.rebuild.source import Place, Source

_MOST_HELD: Final = 100_000
"""Records in hand before they are folded: some 300 MB. A referral that goes on after that is read again."""


@dataclass(frozen=True)
class Task:
    """What one process does at a time. `counts`: how many partitions each of the topics has."""

    source: Source
    number: int
    stretches: tuple[OffsetRange, ...]
    counts: dict[str, int]
    aside: frozenset[Place]


@dataclass
class Ended:
    folded: Folded
    strays: list[Restored] = field(default_factory=list)


def tasks(
    source: Source,
    number: int,
    stretches: Iterable[OffsetRange],
    counts: dict[str, int],
    aside: frozenset[Place],
) -> list[Task]:
    """One for each locality and partition number, the largest first."""
    together: dict[tuple[str, int], list[OffsetRange]] = {}
    for stretch in stretches:
        named = parse_topic(stretch.topic)
        if named is not None:
            together.setdefault((named.locality, stretch.partition), []).append(stretch)
    made = [
        Task(source, number, tuple(parts), {part.topic: counts[part.topic] for part in parts}, aside)
        for parts in together.values()
    ]
    return sorted(made, key=lambda task: -sum(part.end - part.start for part in task.stretches))


async def fold_in_bulk(work: Sequence[Task], processes: int, say: Callable[[int], None]) -> Ended:
    """Does all of it in so many processes; none: in this one. `say` is told how many records are done."""
    ended = Ended(Folded())
    if processes == 0:
        running: Iterable[Any] = [asyncio.ensure_future(fold_task(task)) for task in work]
        pool = None
    else:
        loop = asyncio.get_running_loop()
        pool = ProcessPoolExecutor(processes, get_context("spawn"), _leave_stopping_to_whoever_began)
        running = [loop.run_in_executor(pool, partial(_in_process, task)) for task in work]
    try:
        for one in asyncio.as_completed(running):
            part = await one
            ended.folded.add(part.folded)
            ended.strays += part.strays
            say(ended.folded.records + len(ended.strays))
    finally:
        for one in running:
            one.cancel()
        if pool is not None:
            pool.shutdown(wait=True, cancel_futures=True)
    return ended


def _leave_stopping_to_whoever_began() -> None:
    """Ctrl-C in a terminal reaches every process: only the first has somebody to answer to."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _in_process(task: Task) -> Ended:
    gc.set_threshold(200_000, 20, 50)  # all that is held is looked through again and again else
    return asyncio.run(fold_task(task))


async def fold_task(task: Task) -> Ended:
    """Reads the stretches and folds what is in them."""
    part = task.source.rebuildable()
    mongo = task.source.mongo(part, task.number)
    folding = Folding(part, mongo, task.aside)
    ours = _Ours(task.counts)
    fresh = True
    try:
        async with consumer(task.source.kafka_bootstrap) as reader:
            async for records in read(reader, task.stretches):
                folding.take(ours.of(records))
                if folding.held >= _MOST_HELD:
                    await folding.fold(fresh=fresh)
                    fresh = False
        await folding.fold(fresh=fresh)
    finally:
        await mongo.close()
    return Ended(folding.done, ours.strays)


class _Ours:
    """Tells records that lie where their key belongs from strays."""

    def __init__(self, counts: dict[str, int]) -> None:
        self._counts = counts
        self._hashes: dict[bytes, int] = {}
        self.strays: list[Restored] = []

    def of(self, records: Sequence[Any]) -> list[Any]:
        ours = []
        for record in records:
            if self._belongs(record):
                ours.append(record)
            else:
                at = (record.topic, record.partition, record.offset)
                self.strays.append(Restored(*at, record.key, record.value, record.headers))
        return ours

    def _belongs(self, record: Any) -> bool:
        if record.key is None:
            return False
        hashed = self._hashes.get(record.key)
        if hashed is None:  # in Python, so once for all records of a referral
            hashed = self._hashes[record.key] = murmur2(record.key)
        return partition_of_hash(hashed, self._counts[record.topic]) == int(record.partition)
