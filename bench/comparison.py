"""Throughput of the kernel in one process and in several, and of other programs with the same job, in rounds.

Each program runs once a round, so that other work of the machine affects all of them.
"""

import asyncio
from collections.abc import Callable, Sequence, Set
from dataclasses import asdict, replace
from typing import Any, Final

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
_LONGER: Final = 4
_LONG_ROUNDS: Final = 2


def contenders(size: Size) -> list[Contender]:
    """The programs in a measurement of this size."""
    peers = [peer for peer in PEERS if size.peers or not peer.key.startswith(OTHER_ENVIRONMENTS)]
    return [*(kernel(processes) for processes in size.processes), *peers]


def contenders_over_many(size: Size) -> list[Contender]:
    """The programs that run over four times as many records: slow starters, and their rivals."""
    rivals = [peer for peer in PEERS if size.peers and peer.key.startswith("streams")]
    return [*(kernel(processes) for processes in size.processes if processes <= 2), *rivals]


async def measure(size: Size, places: Places, say: Callable[[str], None]) -> dict[str, Any]:
    """Runs every program. Returns the runs, the programs that cannot run here, and the failures."""
    return await _measure(contenders(size), size, places, say)


async def measure_over_many(size: Size, places: Places, say: Callable[[str], None]) -> dict[str, Any]:
    """The same over four times as many records.

    A Java program is still being compiled for most of the usual number.
    """
    longer = replace(size, many=_LONGER * size.many, rounds=min(size.rounds, _LONG_ROUNDS))
    return await _measure(contenders_over_many(size), longer, places, say)


async def _measure(
    those: Sequence[Contender], size: Size, places: Places, say: Callable[[str], None]
) -> dict[str, Any]:
    runs: list[dict[str, Any]] = []
    absent: dict[str, str] = {}
    failed: list[str] = []
    async with places() as place:
        stores, topics = place.stores, place.topics
        works = await _filled(topics, size, {contender.size for contender in those})
        for number in range(size.rounds):
            for contender in those:
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
    labels = {contender.key: contender.label for contender in those}
    return {
        "labels": labels,
        "runs": runs,
        "absent": absent,
        "failed": failed,
        "events": size.many,
        "rounds": size.rounds,
    }


async def _filled(topics: Topics, size: Size, wanted: Set[str]) -> dict[str, Work]:
    counts = {"many": size.many, "some": size.some, "few": size.few}
    works = {
        name: await filled(topics, f"bench-{name}", records(f"bench-{name}", count))
        for name, count in counts.items()
        if name in wanted
    }
    if "few_for_hexkit" in wanted:
        for_hexkit = records("bench-hexkit", size.few, hexkit=True)
        works["few_for_hexkit"] = await filled(topics, "bench-hexkit", for_hexkit)
    return works
