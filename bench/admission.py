"""Measures the hop of partners' events, and how much a flood from one source delays everybody else."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import islice
from typing import Any, Final

from bench.answers import Answers
from bench.contenders import kernel
from bench.events import newcomers
from bench.partners import PRACTICE, QUIET, sources
from bench.place import Places
from bench.program import Program, python
from bench.sizes import Size
from bench.statistics import short, summary
from bench.stores import Stores, surroundings
from shared.contract.events.topics import inbox_topic, partner_source, partner_topics, source, topic

LOCALITY: Final = "bench-admission"
# Of each sort of record. A partner's source has two sorts, well beneath the rate that is judged.
RATE: Final = 25
# Ten times what admission judges of one source.
FLOOD: Final = 2000
_WARM_UP_SECONDS: Final = 3.0
_PATIENCE: Final = 10.0
Measured = Mapping[str, dict[str, Any]]


async def measure(size: Size, places: Places, say: Callable[[str], None]) -> dict[str, Any]:
    """Percentiles of each sort of record, without a flood and with one."""
    async with places() as place:
        stores, topics = place.stores, place.topics
        await topics.make_locality(LOCALITY)
        await topics.make([name for each in sources(LOCALITY) for name in partner_topics(each)], 1)
        async with _programs(stores), _watched(stores) as watched:
            await _measured(watched, min(_WARM_UP_SECONDS, size.seconds))
            idle = await _measured(watched, size.seconds)
            say(f"idle: {_in_words(idle)}")
            flood = ["flood", LOCALITY, str(FLOOD)]
            async with _program("flood", python("bench.partners", *flood), stores):
                await _measured(watched, min(_WARM_UP_SECONDS, size.seconds))
                flooded = await _measured(watched, size.seconds)
            say(f"with a flood: {_in_words(flooded)}")
    return {"rate": RATE, "flood": FLOOD, "seconds": size.seconds, "idle": idle, "flooded": flooded}


@asynccontextmanager
async def _programs(stores: Stores) -> AsyncIterator[None]:
    """Admission and one process of the kernel, running."""
    admit = python("bench.partners", "admit", stores.mongo_url, "bench_admission", LOCALITY)
    contender = kernel(1)
    handle = contender.begin(contender.task(stores, LOCALITY, 0))
    async with _program("admission", admit, stores), _program("kernel", list(handle), stores):
        yield


@asynccontextmanager
async def _program(name: str, command: list[str], stores: Stores) -> AsyncIterator[None]:
    program = await Program.start(name, command, stores.folder, surroundings(stores))
    try:
        program.go()
        await program.read_word("began")
        yield
    finally:
        await program.end()


@asynccontextmanager
async def _watched(stores: Stores) -> "AsyncIterator[dict[str, tuple[Answers, str]]]":
    """The sorts of records, by name: where each is put and read, and its source."""
    quiet, ours = partner_source(LOCALITY, QUIET), source(LOCALITY, "referral")
    inbox, direct = inbox_topic(quiet), topic(LOCALITY, "referral-created")
    async with AsyncExitStack() as open_:

        async def answers(into: str, until: str) -> Answers:
            return await open_.enter_async_context(Answers.between(stores.kafka, into, until))

        booked = topic(LOCALITY, "meeting-booked")
        yield {
            "direct": (await answers(direct, direct), ours),
            "hop": (await answers(inbox, direct), quiet),
            "theirs": (await answers(inbox, booked), quiet),
            "ours": (await answers(direct, booked), ours),
        }


async def _measured(watched: Mapping[str, tuple[Answers, str]], seconds: float) -> dict[str, dict[str, Any]]:
    """Puts records of each sort at the rate; what came of each sort."""

    async def one(answers: Answers, said: str) -> dict[str, Any]:
        answers.forget()
        records = islice(newcomers(LOCALITY, said, PRACTICE), int(RATE * seconds))
        await answers.send(records, RATE)
        await answers.all(_PATIENCE)
        return summary(answers.seconds, answers.unanswered)

    found = await asyncio.gather(*(one(*each) for each in watched.values()))
    return dict(zip(watched, found, strict=True))


def _in_words(measured: Measured) -> str:
    return "; ".join(f"{name} {short(each)}" for name, each in measured.items())
