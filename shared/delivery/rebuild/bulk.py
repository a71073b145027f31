"""Folds the bulk of the log in several processes, each with one partition number of one locality.

A locality's three topics have the same number of partitions. All events of a referral lie in partitions of
one number, so no two processes write the same referral. A record that lies elsewhere is returned as a stray.
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
from shared.delivery.rebuild.folding import FoldCounts, Folding
from shared.delivery.rebuild.log import OffsetRange, consumer, read
from shared.delivery.rebuild.source import RecordPosition, Source

# 100,000 records take some 300 MB. A referral that goes on after that is read again from the database.
_MAX_HELD: Final = 100_000


@dataclass(frozen=True)
class FoldTask:
    """The work of one process at a time. `partition_counts` holds each topic's number of partitions."""

    source: Source
    number: int
    ranges: tuple[OffsetRange, ...]
    partition_counts: dict[str, int]
    dead_letter_positions: frozenset[RecordPosition]


@dataclass
class BulkResult:
    """The counts of a task, and the records that lie in a partition where their key does not belong."""

    folded: FoldCounts
    strays: list[Restored] = field(default_factory=list)


def fold_tasks(
    source: Source,
    number: int,
    ranges: Iterable[OffsetRange],
    partition_counts: dict[str, int],
    dead_letter_positions: frozenset[RecordPosition],
) -> list[FoldTask]:
    """One task for each locality and partition number, the largest first."""
    by_partition: dict[tuple[str, int], list[OffsetRange]] = {}
    for offset_range in ranges:
        named = parse_topic(offset_range.topic)
        if named is not None:
            by_partition.setdefault((named.locality, offset_range.partition), []).append(offset_range)
    made = [
        FoldTask(
            source,
            number,
            tuple(parts),
            {part.topic: partition_counts[part.topic] for part in parts},
            dead_letter_positions,
        )
        for parts in by_partition.values()
    ]
    return sorted(made, key=lambda task: -sum(part.end - part.start for part in task.ranges))


async def fold_in_bulk(work: Sequence[FoldTask], processes: int, say: Callable[[int], None]) -> BulkResult:
    """Runs the tasks in so many processes; 0 is this process. `say` receives the number of records done."""
    result = BulkResult(FoldCounts())
    if processes == 0:
        running: Iterable[Any] = [asyncio.ensure_future(fold_task(task)) for task in work]
        pool = None
    else:
        loop = asyncio.get_running_loop()
        pool = ProcessPoolExecutor(processes, get_context("spawn"), _ignore_interrupts)
        running = [loop.run_in_executor(pool, partial(_in_process, task)) for task in work]
    try:
        for one in asyncio.as_completed(running):
            part = await one
            result.folded.add(part.folded)
            result.strays += part.strays
            say(result.folded.records + len(result.strays))
    finally:
        for one in running:
            one.cancel()
        if pool is not None:
            pool.shutdown(wait=True, cancel_futures=True)
    return result


def _ignore_interrupts() -> None:
    """Leaves Ctrl-C to the first process. A terminal sends the signal to every process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _in_process(task: FoldTask) -> BulkResult:
    gc.set_threshold(200_000, 20, 50)  # Otherwise the collector scans all held records again and again.
    return asyncio.run(fold_task(task))


async def fold_task(task: FoldTask) -> BulkResult:
    """Reads the ranges of a task and folds their records."""
    part = task.source.rebuildable()
    mongo = task.source.mongo(part, task.number)
    folding = Folding(part, mongo, task.dead_letter_positions)
    ours = _PlacementCheck(task.partition_counts)
    fresh = True
    try:
        async with consumer(task.source.kafka) as reader:
            async for records in read(reader, task.ranges):
                folding.take(ours.of(records))
                if folding.held >= _MAX_HELD:
                    await folding.fold(fresh=fresh)
                    fresh = False
        await folding.fold(fresh=fresh)
    finally:
        await mongo.close()
    return BulkResult(folding.done, ours.strays)


class _PlacementCheck:
    """Separates records that lie in the partition of their key from strays."""

    def __init__(self, partition_counts: dict[str, int]) -> None:
        self._partition_counts = partition_counts
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
        if hashed is None:  # It is slow in Python, so once for all records of a referral.
            hashed = self._hashes[record.key] = murmur2(record.key)
        return partition_of_hash(hashed, self._partition_counts[record.topic]) == int(record.partition)
