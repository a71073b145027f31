"""Measures the kernel's memory and speed while its data grows by tenths; then rebuilds all of it."""

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pymongo import AsyncMongoClient

from bench.contenders import Task, kernel
from bench.events import records
from bench.place import Places
from bench.processes import resident_bytes
from bench.program import Program
from bench.sizes import Size
from bench.stores import surroundings
from bench.throughput import filled, until
from shared.delivery.rebuild.run import Rebuild
from shared.delivery.rebuild.source import Source

LOCALITY = "bench-growth"
TENTHS = 10


async def measure(size: Size, places: Places, say: Callable[[str], None]) -> dict[str, Any]:
    """Rate and resident memory of every tenth, and the size of the facts and their indexes at the end."""
    async with places() as place:
        stores, topics = place.stores, place.topics
        work = await filled(topics, LOCALITY, records(LOCALITY, size.grown))
        contender = kernel(1)
        task = contender.task(stores, LOCALITY, 0)
        program = await Program.start("kernel", contender.begin(task), stores.folder, surroundings(stores))
        tenths: list[dict[str, float]] = []
        try:
            program.go()
            began = float(await program.read_word("began"))
            last = 0.0
            for tenth in range(1, TENTHS + 1):
                goal = work.new * tenth // TENTHS
                # The memory of a batch varies by a tenth: the median of many samples of the latter half.
                looks: list[int] = []

                async def written(looks: list[int] = looks) -> int:
                    looks.append(resident_bytes(program.process.pid))
                    return await topics.written(task.write)

                at = await until([program], began, goal, written)
                resident = statistics.median(looks[len(looks) // 2 :])
                rate = work.count / TENTHS / (at - last)
                tenths.append({"rate": rate, "resident": resident})
                say(f"{tenth}/{TENTHS}: {rate:,.0f} events/s, {resident / 2**20:.0f} MiB")
                last = at
            await until([program], began, work.count, lambda: topics.committed(task.group, task.read))
            await until([program], began, work.new, lambda: topics.committed(task.group, task.write))
            stored = await _stored(stores.mongo_url, task.database)
        finally:
            await program.end()
        rebuilt = await _rebuilt(task, say)
    return {
        "events": work.count,
        "new": work.new,
        "tenths": tenths,
        "stored": stored,
        "rebuilt": rebuilt,
    }


async def _rebuilt(task: Task, say: Callable[[str], None]) -> dict[str, Any]:
    """Two processes fold the log into a second generation, which replaces the first."""
    source = Source(
        "bench.meetings:rebuildable", Path(), task.stores.kafka, task.stores.mongo_url, task.database
    )
    began = time.monotonic()
    report = await Rebuild(source, [LOCALITY], say=lambda _: None, processes=2).run()
    seconds = time.monotonic() - began
    say(f"{report.folded.records} records rebuilt in {seconds:.1f} s")
    return {
        "records": report.folded.records,
        "seconds": seconds,
        "steps": report.seconds,
        "pause": report.pause,
    }


async def _stored(url: str, database: str) -> dict[str, int]:
    """Bytes of the referrals' documents: as they are, on disk, and of their indexes."""
    async with AsyncMongoClient[dict[str, Any]](url) as client:
        await client.admin.command("fsync")
        said = await client[database].command("collStats", "referrals")
    return {
        "documents": said["count"],
        "size": said["size"],
        "on_disk": said["storageSize"],
        "indexes": said["totalIndexSize"],
    }
