"""Throughput: the kernel in one process and more, and other programs at the same job, in rounds.

In each round every program runs once, so that whatever the machine does besides meets all of them.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

from aiokafka.errors import KafkaError
from pymongo.errors import PyMongoError

from bench.contenders import PEERS, Contender, kernel
from bench.environments import Absent
from bench.events import records
from bench.place import Places
from bench.program import Failed
from bench.sizes import Size
from bench.throughput import Work, filled, run
from bench.topics import Topics

OTHER_ENVIRONMENTS = ("streams", "hexkit")


def contenders(size: Size) -> Iterator[Contender]:
    """Who takes part in a measurement of this size."""
    for processes in size.processes:
        yield kernel(processes)
    for peer in PEERS:
        if size.peers or not peer.key.startswith(OTHER_ENVIRONMENTS):
            yield peer


async def measure(size: Size, places: Places, say: Callable[[str], None]) -> dict[str, Any]:
    """Every run of every program; which could not be run here at all, and which runs failed, and why."""
    runs: list[dict[str, Any]] = []
    absent: dict[str, str] = {}
    failed: list[str] = []
    async with places() as place:
        stores, topics = place.stores, place.topics
        works = await _filled(topics, size)
        for number in range(size.rounds):
            for contender in contenders(size):
                if contender.key in absent:
                    continue
                try:
                    first = number == 0
                    ran = await run(stores, topics, works[contender.size], contender, number, read_back=first)
                except Absent as reason:
                    absent[contender.key] = str(reason)
                    say(str(reason))
                    continue
                except (Failed, KafkaError, PyMongoError, OSError) as reason:
                    failed.append(f"{contender.label}, round {number + 1}: {reason or type(reason).__name__}")
                    say(failed[-1])
                    continue
                runs.append(asdict(ran) | {"round": number, "rate": ran.rate})
                say(f"round {number + 1}, {contender.label}: {ran.rate:,.0f} events/s")
                await asyncio.sleep(0.5)  # let the stores come to rest
    labels = {contender.key: contender.label for contender in contenders(size)}
    return {
        "labels": labels,
        "runs": runs,
        "absent": absent,
        "failed": failed,
        "events": size.many,
        "rounds": size.rounds,
    }


async def _filled(topics: Topics, size: Size) -> dict[str, Work]:
    counts = {"many": size.many, "some": size.some, "few": size.few}
    works = {
        name: await filled(topics, f"bench-{name}", records(f"bench-{name}", count))
        for name, count in counts.items()
    }
    if size.peers:
        for_hexkit = records("bench-hexkit", size.few, hexkit=True)
        works["few_for_hexkit"] = await filled(topics, "bench-hexkit", for_hexkit)
    return works
