"""Measures the kernel alone, from an event in to the decided event out: at steady rates, one process."""

from collections.abc import Callable
from itertools import islice
from typing import Any

from bench.answers import Answers
from bench.contenders import kernel
from bench.events import newcomers
from bench.place import Places
from bench.program import Program
from bench.sizes import Size
from bench.statistics import short, summary
from bench.stores import surroundings

LOCALITY = "bench-latency"
_WARM_UP_SECONDS = 3
_PATIENCE = 10.0


async def measure(size: Size, places: Places, say: Callable[[str], None]) -> dict[str, Any]:
    """Percentiles at each rate."""
    measured = []
    async with places() as place:
        stores, topics = place.stores, place.topics
        await topics.make_locality(LOCALITY)
        contender = kernel(1)
        program = await Program.start(
            "kernel",
            contender.begin(contender.task(stores, LOCALITY, 0)),
            stores.folder,
            surroundings(stores),
        )
        try:
            program.go()
            await program.read_word("began")
            async with Answers.of(stores.kafka, LOCALITY) as answers:
                for rate in size.rates:
                    for seconds in (min(_WARM_UP_SECONDS, size.seconds), size.seconds):
                        answers.forget()
                        before = program.cpu()
                        await answers.send(islice(newcomers(LOCALITY), int(rate * seconds)), rate)
                        await answers.all(_PATIENCE)
                    cpu = (program.cpu() - before) / (rate * seconds)
                    row = {"rate": rate, "cpu_ms": 1000 * cpu, **summary(answers.seconds, answers.unanswered)}
                    measured.append(row)
                    say(f"{rate} events/s: {short(row)}")
        finally:
            await program.end()
    return {"rates": measured, "seconds": size.seconds}
