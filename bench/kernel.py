"""How many events a second the kernel works off: python -m bench.kernel [--events 20000] [--processes 1 2]

The topic is filled before the clock runs. The clock runs from when the first process has its partitions until
every meeting is published and every offset of the topic is committed; "own heard" is when the kernel has also
heard all of its own events again. Processor seconds are those between the two, of every process.
"""

import argparse
import asyncio
import itertools
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from pymongo import AsyncMongoClient

from bench.events import records
from bench.processes import spent
from bench.program import Failed, Program, python
from bench.stores import Stores, embedded_stores
from bench.topics import Published, Topics
from shared.events.topics import group, topic

_LOOK_SECONDS = 0.02
_PATIENCE_SECONDS = 600.0


@dataclass(frozen=True)
class Work:
    """A filled topic: so many records, of which so many are of new referrals."""

    locality: str
    count: int
    new: int


@dataclass(frozen=True)
class Ran:
    """One run. Seconds from the first partition on; processor seconds by process."""

    events: int
    seconds: float
    own_heard: float
    published: Published
    cpu: dict[str, float]

    @property
    def rate(self) -> float:
        return self.events / self.seconds


async def filled(topics: Topics, locality: str, count: int) -> Work:
    """A locality with so many records of ReferralCreated."""
    await topics.make_locality(locality)
    written, new = await topics.fill(topic(locality, "referral-created"), records(locality, count))
    return Work(locality, written, new)


async def run(stores: Stores, topics: Topics, work: Work, processes: int, *more: str) -> Ran:
    """Works it off with so many processes, in an empty database, and clears up behind."""
    read, written = topic(work.locality, "referral-created"), topic(work.locality, "meeting-booked")
    ours, database = group(work.locality, "matching"), f"bench_{work.locality}"
    command = python("bench.worker", stores.bootstrap, stores.mongo_url, database, work.locality, *more)
    programs = [
        await Program.start(f"kernel {number + 1}", command, stores.folder) for number in range(processes)
    ]
    try:
        before = _costs(stores, programs)
        for each in programs:
            each.go()
        began = min(await asyncio.gather(*(_began(each) for each in programs)))
        seconds = await _until(programs, began, work.new, lambda: topics.written(written))
        seconds = max(
            seconds, await _until(programs, began, work.count, lambda: topics.committed(ours, read))
        )
        after = _costs(stores, programs)
        own = await _until(programs, began, work.new, lambda: topics.committed(ours, written))
        published = await topics.read_back(written)
    finally:
        await asyncio.gather(*(each.end() for each in programs))
    cpu = {name: after[name] - before[name] for name in after}
    await topics.rewind(ours, read)
    await topics.empty([written])
    async with AsyncMongoClient[dict[str, object]](stores.mongo_url) as client:
        await client.drop_database(database)
    return Ran(work.count, seconds, own, published, cpu)


def _costs(stores: Stores, programs: Sequence[Program]) -> dict[str, float]:
    return spent(stores.pids) | {each.name: each.cpu() for each in programs}


async def _began(program: Program) -> float:
    return float(await program.hear("began"))


async def _until(
    programs: Sequence[Program], began: float, wanted: int, reached: Callable[[], Awaitable[int]]
) -> float:
    """Seconds since `began` when so much was reached."""
    while (have := await reached()) < wanted:
        if not all(each.alive for each in programs):
            raise Failed("a process of the kernel ended: " + programs[0].log.read_text()[-2000:])
        if time.monotonic() - began > _PATIENCE_SECONDS:
            raise Failed(f"no end in sight: {have} of {wanted}")
        await asyncio.sleep(_LOOK_SECONDS)
    return time.monotonic() - began


async def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0])
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--batch-records", type=int, default=2000)
    asked = parser.parse_args()
    print(f"{os.cpu_count()} cores, load before the start {os.getloadavg()[0]:.1f}")
    async with embedded_stores() as stores, Topics(stores.bootstrap) as topics:
        began = time.monotonic()
        work = await filled(topics, "bench", asked.events)
        print(
            f"{work.count} records written in {time.monotonic() - began:.1f} s, {work.new} of new referrals"
        )
        for _, processes in itertools.product(range(asked.rounds), asked.processes):
            ran = await run(stores, topics, work, processes, f"--batch-records={asked.batch_records}")
            cpu = ", ".join(f"{name} {seconds:.2f}" for name, seconds in sorted(ran.cpu.items()))
            print(
                f"{processes} processes: {ran.rate:,.0f} events/s, {ran.seconds:.2f} s, own heard after "
                f"{ran.own_heard:.2f} s, {ran.published}; processor s: {cpu}",
                flush=True,
            )


if __name__ == "__main__":
    asyncio.run(main())
