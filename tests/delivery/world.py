"""Two processes of one part, a log and a database in memory: the kernel's own code, stopped at every await.

Nothing here decides anything: batches, rounds, commands, due work and the relay are the real ones. The world
gives them records, lets one await after the other go on (or fail, before or after its effect), takes
partitions away, kills processes, and looks at what is committed.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple, cast

from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError, KafkaConnectionError
from pymongo import UpdateOne
from pymongo.errors import PyMongoError

from shared.delivery.batch import BatchHandler
from shared.delivery.dead_letters import DeadLetters
from shared.delivery.due import DueWork
from shared.delivery.echoes import Echoes
from shared.delivery.errors import Conflict, Transient
from shared.delivery.leases import Leases
from shared.delivery.mongo import Mongo, Transaction
from shared.delivery.options import Options
from shared.delivery.outbox import Message
from shared.delivery.part import Changed, Loaded, Part
from shared.delivery.publisher import Publisher
from shared.delivery.relay import Relay
from shared.delivery.round import OUTBOX
from shared.delivery.stream import Stream
from shared.delivery.worker import Worker
from shared.events.topics import event_topics
from tests.delivery.memory import Lost, Memory, Stored

LOCALITY = "meir"
PARTITIONS = 2
OPTIONS = Options(
    kafka_bootstrap="nowhere:1",
    mongo_url="mongodb://nowhere",
    database="none",
    dead_letter_key=b"a key for tests only",
    drain_seconds=0.01,
    breaker_rest_seconds=0.0,
    most_conflicts=10_000,
)


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
        self.letters: set[str] = set()
        self.published: list[str] = []
        self.holder: dict[TopicPartition, Process] = {}
        self.generation = 0

    def append(
        self, topic: str, key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes | None]]
    ) -> None:
        partition = TopicPartition(topic, sum(key or b"") % PARTITIONS)
        records = self.records[partition]
        records.append(Record(topic, partition.partition, len(records), key, value, tuple(headers)))


class Consumer:
    """What the stream asks of its consumer, in one generation of the group."""

    def __init__(self, process: "Process") -> None:
        self._process = process
        self.generation = process.world.log.generation

    def assignment(self) -> set[TopicPartition]:
        holder = self._process.world.log.holder
        return {partition for partition, process in holder.items() if process is self._process}

    async def commit(self, offsets: dict[TopicPartition, int]) -> None:
        try:
            await self._process.gate("batch", "commit offsets")
            answered = True
        except Lost as lost:
            if lost.args != ("commit offsets, unanswered",):
                raise KafkaConnectionError from lost
            answered = False
        if self.generation != self._process.world.log.generation or not set(offsets) <= self.assignment():
            raise CommitFailedError
        self._process.world.log.committed.update(
            {p: offset - self._process.world.log.committed[p] for p, offset in offsets.items()}
        )
        if not answered:
            raise KafkaConnectionError


class Wire(Publisher):
    """The producer: each message may be acknowledged, refused, or taken without our being told."""

    def __init__(self, process: "Process") -> None:
        super().__init__("nowhere:1")
        self._process = process

    async def publish(self, messages: Sequence[Message]) -> list[Exception | None]:
        log = self._process.world.log
        for message in messages:
            try:
                await self._process.gate("relay", "publish")
                answered = True
            except Lost as lost:
                if lost.args != ("publish, unanswered",):
                    raise KafkaConnectionError from lost
                answered = False
            if "dlq-reason" in message.headers:
                log.letters.add(message.key.decode())
            else:
                log.published.append(message.headers["ce_id"])
                headers = [(name, value.encode()) for name, value in message.headers.items()]
                log.append(message.topic, message.key, message.value, headers)
            if not answered:
                raise KafkaConnectionError
        return [None] * len(messages)


class Tally:
    """A resource that every decision rests on: how many facts there are and how many meetings were given."""

    async def load(self, tx: Transaction, referrals: Sequence[Loaded[Any]], now: datetime) -> dict[str, Any]:
        row = await tx["tally"].find_one({"_id": LOCALITY}, session=tx.session)
        return dict(row or {"_id": LOCALITY, "v": 0, "facts": 0})

    async def save(self, tx: Transaction, changes: Sequence[Changed[Any]], resources: dict[str, Any]) -> None:
        news = sum(len(change.news) for change in changes)
        if resources["v"] == 0:
            await tx["tally"].insert_one(resources | {"v": 1, "facts": news}, session=tx.session)
            return
        done = await tx["tally"].bulk_write(
            [UpdateOne({"_id": LOCALITY, "v": resources["v"]}, {"$inc": {"v": 1, "facts": news}})],
            session=tx.session,
        )
        if done.matched_count != 1:
            raise Conflict


class Ticket(NamedTuple):
    name: str
    go: "asyncio.Future[str]"


@dataclass(eq=False)
class Process:
    """One process: its own lane, positions and tasks; what it waits for lies in `tickets`."""

    world: "World"
    number: int
    part: Part[Any, Any]
    leads: bool = True
    tickets: dict[str, Ticket] = field(default_factory=dict)
    tasks: dict[str, "asyncio.Task[Any]"] = field(default_factory=dict)
    positions: dict[TopicPartition, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.lane = f"lane {self.number}"
        self.echoes = Echoes()
        workers = {what: self._worker(what) for what in ("batch", "due", "command")}
        self.stream = Stream(
            "matching",
            LOCALITY,
            event_topics(LOCALITY),
            BatchHandler(workers["batch"], LOCALITY),
            OPTIONS,
        )
        self.due = DueWork(workers["due"], [LOCALITY])
        self.commanding = workers["command"]
        leases = cast(
            "Leases", None
        )  # the world itself says who publishes which lane, and when: anyone, ever
        self.relay = Relay(
            "matching", self.lane, self._mongo("relay"), leases, "nowhere:1", self.world.clock, 1.0
        )

    def _mongo(self, what: str) -> Mongo:
        return cast("Mongo", Memory(self.world.stored, partial(self.gate, what), self))

    def _worker(self, what: str) -> Worker[Any, Any]:
        return Worker(
            part=self.part,
            mongo=self._mongo(what),
            options=OPTIONS,
            letters=DeadLetters("matching", OPTIONS.dead_letter_key),
            clock=self.world.clock,
            new_id=self.world.new_id,
            lane=self.lane,
            may_decide=lambda _: self.leads,
            wake=lambda _: None,
            echoes=self.echoes,
        )

    async def gate(self, what: str, name: str) -> None:
        """Waits until the world lets this await go on; raises where it is made to fail."""
        ticket = self.tickets[what] = Ticket(name, asyncio.get_running_loop().create_future())
        outcome = await ticket.go
        if outcome != "goes on":
            raise Lost(f"{name}, unanswered" if outcome == "goes unanswered" else outcome)

    def begin(self, what: str, work: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        if what not in self.tasks:
            self.tasks[what] = self.world.loop.create_task(_until_trouble(work()))
            self.world.settle()

    def step(self, what: str, outcome: str) -> bool:
        """Lets what is waited for happen, or fail; False where nothing is waited for."""
        ticket = self.tickets.pop(what, None)
        if ticket is None:
            return False
        ticket.go.set_result(outcome)
        self.world.settle()
        return True

    def poll(self, most: int) -> None:
        """Takes records of its partitions into one batch, as a consumer does."""
        log = self.world.log
        records: list[Record] = []
        for partition, process in log.holder.items():
            if process is self and "batch" not in self.tasks:
                start = self.positions.setdefault(partition, log.committed[partition])
                records += log.records[partition][start : start + most]
                self.positions[partition] = min(start + most, len(log.records[partition]))
        if records:
            self.stream._subscriber.consumer = Consumer(self)
            self.begin("batch", lambda: self._batch(records))

    async def _batch(self, records: list[Record]) -> None:
        await self.stream._handle(cast("Any", tuple(records)))
        await self.stream.commit_handled()

    def publish(self, lane: str) -> None:
        which = {"lane": lane, "again": None}
        self.begin("relay", lambda: self.relay.publish_page(Wire(self), which))


async def _until_trouble(work: Coroutine[Any, Any, Any]) -> Any:
    """What the loops do: something away ends a turn, and the next begins anew."""
    try:
        return await work
    except (Transient, PyMongoError, KafkaConnectionError):
        return None


class World:
    """The log, the database, the processes and the time."""

    def __init__(self, part: Part[Any, Any], now: datetime) -> None:
        self.loop = asyncio.SelectorEventLoop()
        self.stored = Stored()
        self.log = Log()
        self.part = part
        self.now = now
        self._ids = 0
        self._numbers = 0
        self.processes = [self.process(), self.process()]
        self.dead: list[Process] = []
        self.assign(0)

    def clock(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now

    def new_id(self) -> str:
        self._ids += 1
        return f"00000000-0000-7000-8000-{self._ids:012x}"

    def process(self) -> Process:
        self._numbers += 1
        return Process(self, self._numbers, self.part)

    def settle(self) -> None:
        """Runs until everybody waits for the world. Pauses take no time."""
        while True:
            self.loop.call_soon(self.loop.stop)
            self.loop.run_forever()
            for process in self.processes:
                for what, task in list(process.tasks.items()):
                    if task.done():
                        del process.tasks[what]
                        task.result()
            ready, scheduled = vars(self.loop)["_ready"], vars(self.loop)["_scheduled"]
            for timer in scheduled:
                timer._when = 0.0
            if not ready and not scheduled:
                return

    def assign(self, turn: int) -> None:
        """A rebalance: partitions change hands, whatever is in hand; positions begin at what is committed."""
        self.log.generation += 1
        for number, partition in enumerate(self.log.records):
            self.log.holder[partition] = self.processes[(number + turn) % len(self.processes)]
        for process in self.processes:
            process.positions.clear()

    def kill(self, number: int) -> None:
        """kill -9: nothing of it runs any more; its transactions end; another process comes in its place."""
        process = self.processes[number]
        for tx in [tx for tx in self.stored.open if tx.owner is process]:
            tx.end(commit=False)
        self.dead.append(process)
        self.processes[number] = self.process()
        self.assign(number)

    def lanes(self) -> list[str]:
        return sorted({row["lane"] for row in self.stored.of(OUTBOX)})

    def close(self) -> None:
        tasks = asyncio.all_tasks(self.loop)
        for task in tasks:
            task.cancel()
        if tasks:
            self.loop.run_until_complete(asyncio.wait(tasks))
        self.loop.close()
