"""Admission's loop with inboxes and a broker in memory: it waits through faults, and loses nothing."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, cast

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError, UnknownTopicOrPartitionError

from services.referral.partners import admission as module
from services.referral.partners.admission import Admission
from services.referral.partners.inbox_ends import InboxEnds
from services.referral.partners.inboxes import Inboxes
from services.referral.partners.repository import RefusalKeeper
from shared.contract.events.topics import inbox_topic
from shared.delivery.kafka.producer import Producer
from shared.delivery.options import Options
from shared.delivery.outbox.rows import Message
from shared.platform.kafka_connection import KafkaConnection
from tests.harness.referral.partners import NOW, FixedTable, Sent, attempt, sent

SOURCES = ("/meir/vast-hub", "/meir/history")
OPTIONS = Options(KafkaConnection("nowhere:1"), "mongodb://nowhere", "none", b"key", commit_seconds=0.001)


@dataclass(frozen=True)
class Kept(Sent):
    """A record with the time at which the broker got it."""

    timestamp: int = 0


@dataclass
class Memory:
    """The inboxes, the broker's topics and the committed offsets."""

    arriving: list[Mapping[TopicPartition, list[Any]]] = field(default_factory=list)
    faults: list[Exception] = field(default_factory=list)
    missing: set[str] = field(default_factory=set)
    published: list[Message] = field(default_factory=list)
    committed: dict[str, int] = field(default_factory=dict)
    noted: dict[TopicPartition, int] = field(default_factory=dict)
    closed: int = 0
    partitions: frozenset[TopicPartition] = frozenset()

    def arrives(self, source: str, *records: Sent) -> None:
        topic = inbox_topic(source)
        kept = [
            Kept(each.key, each.value, each.headers, topic, 0, offset) for offset, each in enumerate(records)
        ]
        self.arriving.append({TopicPartition(topic, 0): kept})

    async def open(self) -> None: ...

    async def evict_predecessor(self) -> None: ...

    async def close(self) -> None:
        self.closed += 1

    def subscribe(self, sources: Sequence[str]) -> None: ...

    def hold(self, partition: TopicPartition, waiting: int) -> None: ...

    def forget(self) -> None:
        self.noted = {}

    async def lag(self) -> Counter[str]:
        return Counter()

    async def poll(self, seconds: float) -> Mapping[TopicPartition, list[Any]]:
        await asyncio.sleep(0.001)
        return self.arriving.pop(0) if self.arriving else {}

    def done(self, partition: TopicPartition, offset: int) -> None:
        self.noted[partition] = offset

    async def commit(self) -> None:
        self.committed.update({partition.topic: offset for partition, offset in self.noted.items()})

    async def publish(self, messages: Sequence[Message]) -> list[Exception | None]:
        if self.faults:
            raise self.faults.pop(0)
        results: list[Exception | None] = []
        for message in messages:
            if message.topic in self.missing:
                results.append(UnknownTopicOrPartitionError())
            else:
                results.append(None)
                self.published.append(message)
        return results


class Keeper(RefusalKeeper):
    """Keeps nothing."""

    async def flush(self) -> None: ...


@asynccontextmanager
async def running(memory: Memory, table: FixedTable) -> AsyncIterator[Admission]:
    keeper, ends = Keeper(cast("Any", None)), InboxEnds(cast("Any", None))
    admission = Admission(OPTIONS, table, keeper, ends, ["meir"], 1000.0, lambda: NOW)
    admission._inboxes = cast("Inboxes", memory)
    admission._producer = cast("Producer", memory)
    admission.start()
    try:
        yield admission
        assert admission.live
    finally:
        await admission.stop()


async def until(memory: Memory, source: str, offset: int) -> None:
    async with asyncio.timeout(5):
        while memory.committed.get(inbox_topic(source)) != offset:
            await asyncio.sleep(0.002)


@pytest.fixture(autouse=True)
def _rests_briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_AWAY_SECONDS", 0.01)


def ids(messages: Sequence[Message]) -> list[str]:
    return [message.headers["ce_id"] for message in messages]


@pytest.mark.parametrize("fault", [KafkaConnectionError(), OSError(), RuntimeError()])
async def test_loop_waits_through_a_broker_that_is_away(fault: Exception) -> None:
    memory, records = Memory(faults=[fault, fault]), [sent(attempt("meir")) for _ in range(3)]
    memory.arrives(SOURCES[0], *records)
    async with running(memory, FixedTable(SOURCES)):
        await until(memory, SOURCES[0], 3)
    assert ids(memory.published) == [record.attribute("id") for record in records]


async def test_source_without_its_topic_stops_no_other() -> None:
    memory = Memory(missing={"refused.meir.vast-hub"})
    bad = sent(attempt("meir")).with_body(locality="longton")
    good = sent(attempt("meir", partner="history"))
    memory.arrives(SOURCES[0], sent(attempt("meir")), bad, sent(attempt("meir")))
    memory.arrives(SOURCES[1], good)
    async with running(memory, FixedTable(SOURCES)):
        await until(memory, SOURCES[1], 1)
        await until(memory, SOURCES[0], 1)
        memory.missing.clear()
        await until(memory, SOURCES[0], 3)


async def test_records_of_an_earlier_assignment_are_not_committed() -> None:
    memory = Memory(faults=[KafkaConnectionError()])
    memory.arrives(SOURCES[0], sent(attempt("meir")))
    async with running(memory, FixedTable(SOURCES)) as admission:
        async with asyncio.timeout(5):
            while memory.faults:
                await asyncio.sleep(0.001)
        admission._begin_anew()
        await asyncio.sleep(0.05)
        assert (memory.published, memory.committed) == ([], {})


async def test_no_source_leaves_the_group() -> None:
    memory = Memory()
    async with running(memory, replace(FixedTable(), sources=("/leek/vast-hub",))):
        async with asyncio.timeout(5):
            while not memory.closed:
                await asyncio.sleep(0.001)
