"""Two processes of one part, a log and a database in memory: the kernel's own code, stopped at every await.

Nothing here decides anything: batches, rounds, commands, due work and the relay are the real ones. The world
gives them records, lets one await after the other go on (or fail, before or after its effect), takes
partitions away, kills processes, and looks at what is committed.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple, cast

from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError
from pymongo import UpdateOne
from pymongo.errors import PyMongoError

from shared.contract.events.topics import SourcePart, event_topics
from shared.delivery.consumer.batch import BatchHandler
from shared.delivery.consumer.own_events import OwnEventCache
from shared.delivery.consumer.topic_consumer import TopicConsumer, _Listener
from shared.delivery.model.errors import Conflict, Transient
from shared.delivery.model.service_definition import Changed, Loaded, ServiceDefinition
from shared.delivery.mongo.database import Mongo, Transaction
from shared.delivery.mongo.leases import Leases
from shared.delivery.offsets.handled import HANDLED, HandledOffsets
from shared.delivery.offsets.stream_gate import StreamGate
from shared.delivery.offsets.verdict import (
    BEGINS,
    OUR_MARK,
    Committed,
    HandledOffset,
    StreamState,
    TopicState,
    judge,
    resume,
)
from shared.delivery.options import Options
from shared.delivery.outbox.relay import Relay
from shared.delivery.ownership.look import look_at_all
from shared.delivery.ownership.ownership import Ownership
from shared.delivery.ownership.standing import OWNERSHIP, Key, TableOwner, document_id, first_document
from shared.delivery.scheduler.scheduler import Scheduler
from shared.delivery.unit_of_work.context import ServiceContext
from shared.delivery.unit_of_work.unit_of_work import OUTBOX, TASKS
from shared.platform.kafka_connection import KafkaConnection
from tests.harness.delivery.broker import LOCALITY, PARTITIONS, Consumer, Log, Record, View, Wire
from tests.harness.delivery.memory import Lost, Memory, Stored

OPTIONS = Options(
    kafka=KafkaConnection("nowhere:1"),
    mongo_url="mongodb://nowhere",
    database="none",
    dead_letter_key=b"a key for tests only",
    drain_seconds=0.01,
    breaker_open_seconds=0.0,
    max_conflicts=10_000,
)


BOOKING: Key = (LOCALITY, "booking")
CASEWORK: Key = (LOCALITY, "casework")

# Two attempts at opening come to no more awaits than that.
_OPENING = 12


class Tally:
    """A resource that every decision rests on: how many facts there are and how many meetings were given."""

    async def load(self, tx: Transaction, referrals: Sequence[Loaded[Any]], now: datetime) -> dict[str, Any]:
        row = await tx["tally"].find_one({"_id": LOCALITY}, session=tx.session)
        return dict(row or {"_id": LOCALITY, "v": 0, "facts": 0})

    async def save(self, tx: Transaction, changes: Sequence[Changed[Any]], resources: dict[str, Any]) -> None:
        news = sum(len(change.new_facts) for change in changes)
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
    part: ServiceDefinition[Any, Any]
    leads: bool = True
    tickets: dict[str, Ticket] = field(default_factory=dict)
    tasks: dict[str, "asyncio.Task[Any]"] = field(default_factory=dict)
    positions: dict[TopicPartition, int] = field(default_factory=dict)
    _pages: int = 0
    unanswered: bool = False
    """True if it was ever not told that a transaction of its own was committed."""

    def __post_init__(self) -> None:
        self.lane = f"lane {self.number}"
        self.own_events = OwnEventCache()
        # The world itself says which process publishes which lane, and when, so the relay asks for no lease.
        leases = cast("Leases", None)
        mongo = self._mongo("relay")
        clock, seconds = self.world.clock, self.world.seconds
        self.relay = Relay(
            "matching", self.lane, mongo, leases, KafkaConnection("nowhere:1"), clock, 1.0, seconds
        )
        self.relay._own = Wire(self, "own")
        parts: list[SourcePart] = ["booking", "casework"]
        self.ownership = Ownership(
            self._mongo("owners"), self.lane, parts, [LOCALITY], lambda *_: TableOwner()
        )
        self._owning = self._context("owners")
        contexts = {what: self._context(what) for what in ("batch", "due", "command")}
        topics = event_topics(LOCALITY)
        # Opening the gate and committing write the same collection, each at its own time.
        gate = StreamGate(
            "matching", LOCALITY, topics, View(self), HandledOffsets(self._mongo("offsets"), LOCALITY)
        )
        self.stream = TopicConsumer(
            "matching", LOCALITY, topics, BatchHandler(contexts["batch"], LOCALITY), OPTIONS, gate
        )
        self.due = Scheduler(contexts["due"], [LOCALITY])
        self.commanding = contexts["command"]

    @property
    def log(self) -> Log:
        return self.world.log

    def start(self) -> None:
        """Its relay goes round by itself: it publishes what is handed over, and looks after trouble."""
        self.begin("own", self.relay._publish_own)

    def _mongo(self, what: str) -> Mongo:
        return cast("Mongo", Memory(self.world.stored, partial(self.gate, what), self))

    def _context(self, what: str) -> ServiceContext[Any, Any]:
        return ServiceContext(
            definition=replace(self.part, exclusive="decider"),
            mongo=self._mongo(what),
            options=OPTIONS,
            clock=self.world.clock,
            new_id=self.world.new_id,
            leases=cast("Leases", self),
            relay=self.relay,
            own_events=self.own_events,
            ownership=self.ownership,
        )

    def held(self, _: str) -> bool:
        """True if this process holds the lease of those that decide."""
        return self.leads

    async def gate(self, what: str, name: str) -> None:
        """Waits until the world lets this await go on; raises where it is made to fail."""
        task = asyncio.current_task()
        if what in ("relay", "offsets", "owners") and task is not None:
            # Its own lane, others' and the look for rows that were left share one relay; every transaction
            # that finds another owner reads the standings again.
            what = task.get_name()
        ticket = self.tickets[what] = Ticket(name, asyncio.get_running_loop().create_future())
        outcome = await ticket.go
        if outcome == "is given up":
            raise asyncio.CancelledError
        if outcome != "goes on":
            raise Lost(f"{name}, unanswered" if outcome.endswith("unanswered") else outcome)

    def begin(self, what: str, work: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        if what not in self.tasks:
            self.tasks[what] = self.world.loop.create_task(_until_trouble(work()), name=what)
            self.world.settle()

    def step(self, what: str, outcome: str) -> bool:
        """Lets what is waited for happen, or fail; False where nothing is waited for."""
        ticket = self.tickets.pop(what, None)
        if ticket is None:
            return False
        self.world.seen.add((what, ticket.name, outcome))
        if ticket.name == "commit" and outcome.endswith("unanswered"):
            self.unanswered = True
        if outcome.startswith("is cancelled"):
            self.tasks[what].cancel(outcome.replace("is cancelled", ticket.name))
        else:
            ticket.go.set_result(outcome)
        self.world.settle()
        return True

    def take_up(self, what: str) -> bool:
        """Begins with it, unless it is begun or there is nothing to do; whether it waits for the world."""
        lanes = self.world.lanes()
        if what == "batch":
            self.opened()
            self.poll(3)
        elif what == "commit":
            self.commit()
        elif what == "opens":
            self.open()
        elif what == "due" and self.world.stored.of(TASKS):
            self.look_at_what_is_due()
        elif what == "look" and self.lane in lanes:
            self.world.now += timedelta(seconds=3)
            self.look_for_left_rows()
        elif what == "owners":
            self.follow_owners()
        elif what == "relay" and lanes:
            self._pages += 1
            self.publish(lanes[self._pages % len(lanes)])
        return what in self.tickets

    def poll(self, most: int) -> None:
        """Takes records of its partitions into one batch, as a consumer does."""
        log = self.log
        records: list[Record] = []
        self.open()
        for partition, process in log.holder.items():
            if process is self and self.stream.gate.is_open and "batch" not in self.tasks:
                start = self.positions[partition]
                if start > len(log.records[partition]):
                    start = 0  # Out of range: as the client is told to, it begins with the earliest.
                records += log.records[partition][start : start + most]
                self.positions[partition] = min(start + most, len(log.records[partition]))
        if records:
            self.begin("batch", lambda: self.stream._handle(cast("Any", tuple(records))))

    def open(self) -> None:
        """Before it polls: where its partitions go on, after each change of them."""
        consumer = self.stream.consumer
        if consumer is None or consumer.generation != self.log.generation:
            self.joins()
        if not self.stream.gate.is_open and "batch" not in self.tasks:
            self.begin("opens", lambda: self.stream._passed(self.stream.consumer))

    def opened(self) -> None:
        """Opens without trouble, unless the offsets stop it."""
        self.open()
        for _ in range(_OPENING):
            self.step("opens", "goes on")

    def look_at_offsets(self) -> None:
        """Looks from time to time whether others committed, or the log is another one."""
        self.begin("opens", lambda: self.stream.gate.look(self.stream.consumer))

    @property
    def rests(self) -> bool:
        """True if its relay waits to be woken, and for nothing else."""
        return "own" in self.tasks and "own" not in self.tickets

    def joins(self) -> None:
        """Hears of the group's present generation; what it was given in an earlier one may be lost to it."""
        self.stream._subscriber.consumer = Consumer(self)
        self.stream.gate.shut()

    def commit(self) -> None:
        """Commits what was handled since it last did, some time after it was."""
        self.begin("commit", self.stream.commit_handled)

    def is_revoked(self) -> None:
        """A rebalance that it is asked about: it may commit first, in the generation that ends."""
        listener = _Listener(self.stream)
        self.begin("commit", lambda: listener.on_partitions_revoked(set(self.log.holder)))

    def look_at_what_is_due(self) -> None:
        self.begin("due", lambda: self.due.run_once(sends=False))

    def follow_owners(self) -> None:
        """Reads who owns its parts, as it does from time to time, and looks at what is open if it has to."""
        self.begin("owners", self._follow_owners)

    async def _follow_owners(self) -> None:
        await self.ownership.refresh()
        standing = self.ownership.standing(*BOOKING)
        if standing.decides and not standing.looked:
            await look_at_all(self._owning, LOCALITY, standing.epoch)

    def publish(self, lane: str) -> None:
        which = {"lane": lane, "not_before": None}
        self.begin("relay", lambda: self.relay.publish_page(Wire(self, "relay"), which))

    def look_for_left_rows(self) -> None:
        """Looks for left rows, as the sweep does from time to time."""
        self.begin("look", self.relay._look_for_left_rows)


async def _until_trouble(work: Coroutine[Any, Any, Any]) -> Any:
    """Runs one turn of a loop. A temporary error ends the turn, and the next one starts anew."""
    try:
        return await work
    except (Transient, PyMongoError, KafkaConnectionError):
        return None


class World:
    """The log, the database, the processes and the time."""

    def __init__(self, part: ServiceDefinition[Any, Any], now: datetime) -> None:
        self.loop = asyncio.SelectorEventLoop()
        self.stored = Stored()
        self.log = Log()
        self.part = part
        self.now = now
        self._began = now
        self.seen: set[tuple[str, str, str]] = set()
        """Triples of an activity, the await that it came to, and the outcome."""
        self._ids = 0
        self._numbers = 0
        for key in (BOOKING, CASEWORK):
            self.stored.apply({(OWNERSHIP, document_id(key)): first_document(key)})
        self.processes = [self.process(), self.process()]
        self.dead: list[Process] = []
        self.assign(0)
        for process in self.processes:
            process.start()

    def clock(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now

    def seconds(self) -> float:
        """As time.monotonic(): it moves with the world's clock."""
        return (self.now - self._began).total_seconds()

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
                        if not task.cancelled():
                            task.result()
            ready, scheduled = vars(self.loop)["_ready"], vars(self.loop)["_scheduled"]
            for timer in scheduled:
                timer._when = 0.0
            if not ready and not scheduled:
                return

    def assign(self, turn: int) -> None:
        """A rebalance: partitions change hands, whatever is in hand; positions begin at what is committed."""
        self.note(self.processes, "a rebalance")
        self.log.generation += 1
        for number, partition in enumerate(self.log.records):
            self.log.holder[partition] = self.processes[(number + turn) % len(self.processes)]
        for process in self.processes:
            process.positions.clear()

    def state(self) -> StreamState:
        """The offsets as an operator sees them."""
        rows = self.stored.of(HANDLED)
        log = self.log
        return StreamState(
            {name: TopicState(str(number), tuple(range(PARTITIONS))) for name, number in log.ids.items()},
            {
                TopicPartition(row["topic"], row["partition"]): HandledOffset(
                    row["log"], row["next"], row["disregards"]
                )
                for row in rows
            },
            {at: Committed(offset, log.marks[at] == OUR_MARK) for at, offset in log.committed.items()},
            {at: len(records) for at, records in log.records.items()},
        )

    def resume(self) -> None:
        """An operator lets stopped streams go on: from the start of another log, or what is handled."""
        while (verdict := judge(state := self.state())).mismatch is not None:
            begin = BEGINS[verdict.mismatch][0]
            for at, offset in resume(state, verdict, begin).items():
                place = (HANDLED, f"{at.topic}/{at.partition}")
                row = {"log": offset.log, "next": offset.next, "disregards": offset.disregards}
                self.stored.apply({place: self.stored.documents[place] | row})

    def kill(self, number: int) -> None:
        """kill -9: nothing of it runs any more; another process comes in its place.

        The database keeps its transactions, and what they wrote locked, until somebody ends them.
        """
        self.note([self.processes[number]], "is killed")
        self.dead.append(self.processes[number])
        self.processes[number] = self.process()
        self.assign(number)
        self.processes[number].start()

    def end_transactions_of(self, processes: Sequence[Process]) -> None:
        self.note([process for process in processes if process not in self.dead], "is taken for dead")
        for tx in [tx for tx in self.stored.open if tx.owner in processes]:
            tx.end(commit=False)

    @property
    def stopped(self) -> bool:
        """True if booking decides nothing, as its standing says."""
        return not self.stored.documents[OWNERSHIP, document_id(BOOKING)]["decides"]

    def turn(self, *, decides: bool) -> None:
        """Flips booking, or undoes that: its document and every slot at once.

        A transaction that holds one of them is ended, as one of a process that sleeps.
        """
        booking = document_id(BOOKING)
        for tx in [tx for tx in self.stored.open if any(name == OWNERSHIP for name, _ in tx.writes)]:
            tx.end(commit=False)
        rows = {row["_id"]: row for row in self.stored.of(OWNERSHIP) if row["_id"].startswith(booking)}
        writes = {(OWNERSHIP, name): {**row, "decides": decides} for name, row in rows.items()}
        if decides:
            writes[OWNERSHIP, booking] |= {"looked": False, "looked_to": ""}
        self.stored.apply(cast("Any", writes))

    def note(self, processes: Sequence[Process], what_happens: str) -> None:
        """This happens while they have in hand what they have."""
        for process in processes:
            self.seen |= {(what, ticket.name, what_happens) for what, ticket in process.tickets.items()}

    def lanes(self) -> list[str]:
        return sorted({row["lane"] for row in self.stored.of(OUTBOX)})

    def close(self) -> None:
        tasks = asyncio.all_tasks(self.loop)
        for task in tasks:
            task.cancel()
        if tasks:
            self.loop.run_until_complete(asyncio.wait(tasks))
        self.loop.close()
