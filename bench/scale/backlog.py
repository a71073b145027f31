"""A backlog that every service works off, with each number of replicas in turn."""

import asyncio
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx
from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient

from bench.events import Record
from bench.scale.observing import STARTS_WITHIN, cpu_of, pids_of, streams_of, until
from bench.topics import Topics
from chaos.bus import Bus
from chaos.journeys import Partner
from chaos.log import partitions_of, topics_of
from chaos.plan import SERVICES
from chaos.says import Saying
from chaos.stack import Stack

_LOOK_SECONDS: Final = 0.05
_DRAINS_WITHIN: Final = 240.0
EVENT_TOPICS: Final = 3


@dataclass
class Backlogs:
    """Makes backlogs in the localities of a system, past admission, and has the services work them off."""

    stack: Stack
    bus: Bus
    http: httpx.AsyncClient
    chance: random.Random
    say: Callable[[str], None]

    async def worked_off(self, count: int, events: int) -> list[dict[str, Any]]:
        """One backlog of so many events, with `count` replicas of each service, one service at a time.

        Referral keeps one replica afterwards, as others ask it for people.
        """
        await self._stop(lambda _: True)
        await self._pile_up(events)
        rows = []
        for service in SERVICES:
            rows.append(await self._one_service(service, count))
            await self._stop(lambda name: name != "referral")
        return rows

    async def _stop(self, which: Callable[[str], bool]) -> None:
        processes = self.stack.processes
        await asyncio.gather(*(processes[name].stop() for name in self.stack.shape.replicas if which(name)))

    async def _pile_up(self, events: int) -> None:
        sayings = self._sayings(events)
        by_topic: dict[str, list[Saying]] = {}
        for each in sayings:
            by_topic.setdefault(each.topic, []).append(each)
        async with Topics(self.stack.broker.connection) as topics:
            for name, said in by_topic.items():
                await topics.fill(name, [_record(each) for each in said])
        now = time.time()
        self.bus.said += [(each, now) for each in sayings]

    def _sayings(self, events: int) -> list[Saying]:
        """Histories, and 1 referral in 10 that needs a meeting. Of each locality in turn."""
        partners = [
            Partner(place.slug, [each.ods for each in place.practices], self.chance)
            for place in self.stack.localities
        ]
        found: list[Saying] = []
        turn = 0
        while len(found) < events:
            turn += 1
            partner, now = partners[turn % len(partners)], self.stack.clocks()
            found += [partner.referral(now)[1]] if turn % 10 == 0 else partner.history(now)
        return found

    async def _one_service(self, service: str, count: int) -> dict[str, Any]:
        stack = self.stack
        names = [name for name, of in stack.shape.replicas.items() if of == service][:count]
        began = time.monotonic()
        await stack.start_processes(
            [name for name in names if stack.processes[name].pid is None], STARTS_WITHIN
        )
        joined = await until(f"{count} of {service} share", lambda: self.share(names), STARTS_WITHIN)
        async with _Progress.of(stack, service) as progress:
            left = await progress.left()
            cpu, since = cpu_of(pids_of(stack)), time.monotonic()
            while await progress.left():
                if time.monotonic() - since > _DRAINS_WITHIN:
                    raise TimeoutError(f"{service} did not work off its backlog")
                await asyncio.sleep(_LOOK_SECONDS)
        seconds, after = time.monotonic() - since, cpu_of(pids_of(stack))
        spent = {name: after[name] - cpu[name] for name in after if name in cpu}
        row = {
            "service": service,
            "replicas": count,
            "events": left,
            "seconds": seconds,
            "rate": left / seconds,
            "joined_seconds": since - began,
            "cpu": _cpu_of(spent, names),
        }
        self.say(f"{count} x {service}: {left} events, {row['rate']:.0f} a second, joined {joined:.1f} s")
        return row

    async def share(self, names: Sequence[str]) -> bool:
        """Tests whether each of these replicas has partitions, and all together have every one."""
        found = [await streams_of(self.http, self.stack, name) for name in names]
        partitions = self.stack.shape.partitions * EVENT_TOPICS * len(self.stack.localities)
        return all(each.total for each in found) and sum(each.total for each in found) == partitions


def _cpu_of(spent: Mapping[str, float], names: Sequence[str]) -> dict[str, float]:
    return {
        "replicas": sum(spent[name] for name in names),
        "Kafka": spent["Kafka"],
        "MongoDB": spent["MongoDB"],
    }


def _record(each: Saying) -> Record:
    headers = [(name, value or b"") for name, value in each.headers]
    return Record(each.key, each.value, headers, new=each.topic.endswith(".referral-created.v1"))


class _Progress:
    """The records of the topics that a service's groups have not handled yet."""

    def __init__(self, stack: Stack, service: str) -> None:
        client = stack.broker.connection.client_arguments()
        self._client = client
        self._slugs = [place.slug for place in stack.localities]
        self._service = service
        self._admin = AIOKafkaAdminClient(**client)
        self._ends: Mapping[Any, int] = {}

    @classmethod
    def of(cls, stack: Stack, service: str) -> "_Progress":
        """The progress of a service, up to the ends of the topics when the block begins."""
        return cls(stack, service)

    async def __aenter__(self) -> "_Progress":
        await self._admin.start()
        async with AIOKafkaConsumer(**self._client) as reader:
            partitions = await partitions_of(self._client, topics_of(self._slugs))
            self._ends = await reader.end_offsets(partitions)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._admin.close()

    async def left(self) -> int:
        """The records up to these ends that are not handled."""
        found = 0
        for slug in self._slugs:
            committed = await self._admin.list_consumer_group_offsets(f"{slug}.{self._service}")
            found += sum(
                max(0, end - max(committed[at].offset if at in committed else 0, 0))
                for at, end in self._ends.items()
                if at.topic.startswith(f"{slug}.")
            )
        return found
