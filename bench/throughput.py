"""One run of one program over a filled topic, timed and costed from outside.

The clock runs from the program's first records (the kernel: its first partitions) until every meeting is
published and every offset of the topic is committed. Processor seconds are those between the two.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

from pymongo import AsyncMongoClient

from bench.contenders import Contender, Task
from bench.events import Record
from bench.processes import spent
from bench.program import Failed, Program
from bench.stores import Stores, surroundings
from bench.topics import Published, Topics
from shared.contract.events.topics import topic

_LOOK_SECONDS = 0.04
_PATIENCE_SECONDS = 600.0


@dataclass(frozen=True)
class Work:
    """A filled topic: its records, and how many of them are of new referrals."""

    locality: str
    count: int
    new: int


@dataclass(frozen=True)
class Ran:
    """One run. `cpu` in seconds: of the program's processes together, of the stores, of the observer."""

    contender: str
    events: int
    seconds: float
    cpu: dict[str, float]
    published: Published | None = None
    # Seconds until the kernel had also received all of its own events again.
    own_heard: float | None = None

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.seconds


async def filled(topics: Topics, locality: str, records: Iterable[Record]) -> Work:
    """Makes a locality with these records of ReferralCreated."""
    await topics.make_locality(locality)
    written, new = await topics.fill(topic(locality, "referral-created"), records)
    return Work(locality, written, new)


async def run(
    stores: Stores, topics: Topics, work: Work, contender: Contender, number: int, read_back: bool = False
) -> Ran:
    """Runs the program over the work, in an empty database, and clears up afterwards.

    Raises:
        Absent: the program cannot be run on this machine.
        Failed: the program ended, or did not finish in time.
    """
    task = contender.task(stores, work.locality, number)
    command = contender.begin(task)
    await topics.empty([task.write])
    programs: list[Program] = []
    try:
        while len(programs) < contender.processes:
            name = f"{contender.key}-{len(programs) + 1}"
            given = surroundings(stores) if contender.kernel else stores.kafka.environment()
            programs.append(await Program.start(name, command, stores.folder, given))
        return await _timed(stores, topics, work, contender, task, programs, read_back)
    finally:
        await asyncio.gather(*(each.end() for each in programs))
        if contender.kernel:
            await topics.rewind(task.group, task.read)
        await topics.empty([task.write])
        async with AsyncMongoClient[dict[str, object]](stores.mongo_url) as client:
            await client.drop_database(task.database)


async def _timed(
    stores: Stores,
    topics: Topics,
    work: Work,
    contender: Contender,
    task: Task,
    programs: Sequence[Program],
    read_back: bool,
) -> Ran:
    before = _costs(stores, programs)
    for each in programs:
        each.go()
    began = min(
        [float(each) for each in await asyncio.gather(*(each.read_word("began") for each in programs))]
    )
    seconds = 0.0
    if contender.publishes:
        seconds = await until(programs, began, work.new, lambda: topics.written(task.write))
    if contender.commits:
        seconds = await until(programs, began, work.count, lambda: topics.committed(task.group, task.read))
    after = _costs(stores, programs)
    own = None
    if contender.kernel:
        own = await until(programs, began, work.new, lambda: topics.committed(task.group, task.write))
    published = await topics.read_back(task.write) if read_back and contender.publishes else None
    cpu = {name: after[name] - before[name] for name in after}
    return Ran(contender.key, work.count, seconds, cpu, published, own)


def _costs(stores: Stores, programs: Sequence[Program]) -> dict[str, float]:
    programs_together = sum(each.cpu() for each in programs)
    return {"programs": programs_together, **spent(stores.pids), "observer": time.process_time()}


async def until(
    programs: Sequence[Program], began: float, wanted: int, reached: Callable[[], Awaitable[int]]
) -> float:
    """Seconds from `began` until this number was reached.

    Raises:
        Failed: a program ended, or made no progress in time.
    """
    while (have := await reached()) < wanted:
        for each in programs:
            if not each.alive:
                raise Failed(f"{each.name} ended: {each.complaints()}")
        if time.monotonic() - began > _PATIENCE_SECONDS:
            raise Failed(f"no end in sight: {have} of {wanted}")
        await asyncio.sleep(_LOOK_SECONDS)
    return time.monotonic() - began
