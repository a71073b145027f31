"""Catch-up after an hour of downtime, while new events arrive: two processes of the kernel."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from bench.answers import Answers
from bench.contenders import kernel
from bench.events import newcomers, records
from bench.place import Places
from bench.program import Program
from bench.sizes import Size
from bench.statistics import short, summary
from bench.stores import surroundings
from bench.throughput import filled, until
from shared.contract.events.topics import group, topic

BEHIND, UP_TO_DATE = "bench-behind", "bench-level"
RATE = 100
_AFTER_SECONDS = 5.0
_PATIENCE = 10.0


async def measure(size: Size, places: Places, say: Callable[[str], None]) -> dict[str, Any]:
    """Seconds until a locality's backlog is gone, and the wait of another locality's new events."""
    async with places() as place:
        stores, topics = place.stores, place.topics
        await topics.make_locality(UP_TO_DATE)
        work = await filled(topics, BEHIND, records(BEHIND, size.backlog))
        contender = kernel(2)
        command = [*contender.begin(contender.task(stores, BEHIND, 0)), UP_TO_DATE]
        programs = [
            await Program.start(f"kernel {number}", command, stores.folder, surroundings(stores))
            for number in (1, 2)
        ]
        read, written, ours = (
            topic(BEHIND, "referral-created"),
            topic(BEHIND, "meeting-booked"),
            group(BEHIND, "matching"),
        )
        try:
            async with Answers.of(stores.kafka, UP_TO_DATE) as answers:
                for each in programs:
                    each.go()
                began = min(
                    [float(each) for each in await asyncio.gather(*(p.read_word("began") for p in programs))]
                )
                async with _coming(answers):
                    await until(programs, began, work.new, lambda: topics.written(written))
                    seconds = await until(programs, began, work.count, lambda: topics.committed(ours, read))
                meanwhile = summary(answers.seconds, answers.unanswered)
                say(f"{work.count} worked off in {seconds:.1f} s; meanwhile {short(meanwhile)}")
                answers.forget()
                async with _coming(answers):
                    await asyncio.sleep(min(_AFTER_SECONDS, size.seconds))
                after = summary(answers.seconds, answers.unanswered)
        finally:
            await asyncio.gather(*(each.end() for each in programs))
    return {"backlog": work.count, "seconds": seconds, "rate": RATE, "meanwhile": meanwhile, "after": after}


@asynccontextmanager
async def _coming(answers: Answers) -> AsyncIterator[None]:
    """Publishes new events at a steady rate, and waits for their meetings at the end."""
    enough = asyncio.Event()
    coming = asyncio.create_task(answers.send(newcomers(UP_TO_DATE), RATE, enough))
    try:
        yield
    finally:
        enough.set()
        await coming
        await answers.all(_PATIENCE)
