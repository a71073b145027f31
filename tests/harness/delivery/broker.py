"""A broker in memory: its log, and what a process's consumer and producer are to it.

Each asks its process's gate before anything happens, so that a test decides what goes on, fails or is done
without an answer.
"""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError, KafkaConnectionError

from shared.contract.events.topics import event_topics
from shared.delivery.kafka.producer import Producer
from shared.delivery.offsets.verdict import OUR_MARK, Committed, TopicState
from shared.delivery.outbox.rows import Message
from shared.platform.kafka_connection import KafkaConnection
from tests.harness.delivery.memory import asked

LOCALITY = "meir"
PARTITIONS = 2


class Member(Hashable, Protocol):
    """A process, as the broker sees it."""

    @property
    def positions(self) -> dict[TopicPartition, int]: ...
    @property
    def log(self) -> "Log": ...
    async def gate(self, what: str, name: str) -> None: ...


@dataclass(frozen=True)
class Record:
    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]

    @property
    def place(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


class Log:
    """The broker: records, how far the group has committed, who holds which partition."""

    def __init__(self) -> None:
        self.records: dict[TopicPartition, list[Record]] = {
            TopicPartition(name, n): [] for name in event_topics(LOCALITY) for n in range(PARTITIONS)
        }
        self.committed: Counter[TopicPartition] = Counter()
        self.marks: dict[TopicPartition, str] = {}
        """Beside each committed offset, the text of who committed it."""
        self.ids = dict.fromkeys(event_topics(LOCALITY), 1)
        self.letters: set[str] = set()
        self.published: list[str] = []
        self.holder: dict[TopicPartition, Member] = {}
        self.generation = 0

    def append(
        self, topic: str, key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes | None]]
    ) -> None:
        partition = TopicPartition(topic, sum(key or b"") % PARTITIONS)
        records = self.records[partition]
        records.append(Record(topic, partition.partition, len(records), key, value, tuple(headers)))

    def commit(self, partition: TopicPartition, offset: int, mark: str) -> None:
        self.committed[partition] = offset
        self.marks[partition] = mark

    def make_anew(self, topic: str) -> None:
        """The topic is deleted with its records and the group's offsets, and made again."""
        self.ids[topic] += 1
        for partition in [each for each in self.records if each.topic == topic]:
            self.records[partition] = []
            self.committed.pop(partition, None)
            self.marks.pop(partition, None)


class Consumer:
    """The client that a consumer uses, in one generation of the group."""

    def __init__(self, process: Member) -> None:
        self._process = process
        self.generation = process.log.generation

    def assignment(self) -> set[TopicPartition]:
        holder = self._process.log.holder
        return {partition for partition, process in holder.items() if process is self._process}

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self._process.positions[partition] = offset

    async def end_offsets(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        return {each: len(self._process.log.records[each]) for each in partitions}

    async def commit(self, offsets: dict[TopicPartition, tuple[int, str]]) -> None:
        async with asked(partial(self._process.gate, "commit"), "commit offsets", KafkaConnectionError):
            if self.generation != self._process.log.generation or not set(offsets) <= self.assignment():
                raise CommitFailedError
            for partition, (offset, mark) in offsets.items():
                self._process.log.commit(partition, offset, mark)


class View:
    """The broker, as the gate of a process's stream looks at it."""

    def __init__(self, process: Member) -> None:
        self._process = process

    async def topics(self, names: Sequence[str]) -> Mapping[str, TopicState]:
        async with asked(partial(self._process.gate, "opens"), "describe topics", KafkaConnectionError):
            ids = self._process.log.ids
            return {name: TopicState(str(ids[name]), tuple(range(PARTITIONS))) for name in names}

    async def committed(self, group: str) -> Mapping[TopicPartition, Committed]:
        async with asked(partial(self._process.gate, "opens"), "fetch offsets", KafkaConnectionError):
            log = self._process.log
            return {at: Committed(offset, log.marks[at] == OUR_MARK) for at, offset in log.committed.items()}


class Wire(Producer):
    """The producer: each message may be acknowledged, refused, or taken without our being told."""

    def __init__(self, process: Member, what: str) -> None:
        super().__init__(KafkaConnection("nowhere:1"))
        self._process = process
        self._what = what

    async def publish(self, messages: Sequence[Message]) -> list[Exception | None]:
        log = self._process.log
        for message in messages:
            async with asked(partial(self._process.gate, self._what), "publish", KafkaConnectionError):
                if "dlq-reason" in message.headers:
                    log.letters.add(message.key.decode())
                else:
                    log.published.append(message.headers["ce_id"])
                    headers = [(name, value.encode()) for name, value in message.headers.items()]
                    log.append(message.topic, message.key, message.value, headers)
        return [None] * len(messages)
