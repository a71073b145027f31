"""The kernel of one service: streams in, one transaction a batch, outbox out, due work, commands."""

import asyncio
import contextlib
import gc
import logging
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from pymongo import ASCENDING, IndexModel
from pymongo.errors import PyMongoError

from shared.contract.events.topics import event_topics
from shared.delivery.consumer.batch import BatchHandler
from shared.delivery.consumer.topic_consumer import TopicConsumer
from shared.delivery.dlq.dead_letters import DeadLetters
from shared.delivery.dlq.replays import Replays
from shared.delivery.dlq.rows import DEAD_LETTERS
from shared.delivery.kafka.instance import evict_predecessor
from shared.delivery.model.errors import Transient
from shared.delivery.model.service_definition import R, ServiceDefinition, V
from shared.delivery.mongo.database import Mongo, Row, Transaction, classified
from shared.delivery.mongo.leases import Leases, instance_lease
from shared.delivery.mongo.operations import OPERATIONS
from shared.delivery.options import Options
from shared.delivery.outbox.relay import Relay, process_name
from shared.delivery.rebuild.generations import GENERATIONS, Generations, claim_database
from shared.delivery.rebuild.reproject import reproject
from shared.delivery.scheduler.effects import SENT
from shared.delivery.scheduler.scheduler import Scheduler
from shared.delivery.unit_of_work import commands
from shared.delivery.unit_of_work.aggregate import ReferralAggregate, aggregate_id
from shared.delivery.unit_of_work.context import ServiceContext
from shared.delivery.unit_of_work.unit_of_work import DECIDE_LATER, OUTBOX, REFERRALS, TASKS, UnitOfWork
from shared.platform.clock import Clock, system_clock
from shared.platform.ids import NewId, new_id

T = TypeVar("T")
_log = logging.getLogger(__name__)
_REPLIES_KEPT_SECONDS = 7 * 24 * 3600
_OBSERVE_SECONDS = 5.0
_COLLECT_AT = (200_000, 5, 5)
"""A batch makes many objects that live as long as it does, some 60 a record: looking through them at every
700 new ones, as Python does unless told otherwise, costs a third of the work."""
_SWITCH_SECONDS = 0.0005
"""So long a thread that has the database's answer waits for the interpreter: ten times as long, unless told
otherwise, and a referral takes some twenty answers, one after the other. A fifth of it costs more than it
gains."""
FOLD_INDEX = IndexModel([("fold", ASCENDING)])
"""What folding anew asks the referrals for."""


class Kernel(Generic[V, R]):
    """Drives one part in one process, for the localities that the process serves."""

    def __init__(
        self,
        definition: ServiceDefinition[V, R],
        options: Options,
        localities: Sequence[str],
        clock: Clock = system_clock,
        new_id: NewId = new_id,
    ) -> None:
        self.definition = definition
        self.localities = tuple(localities)
        lane = new_id()
        self.mongo = Mongo(options.mongo_url, options.database, name=process_name(lane))
        self.clock = clock
        self.new_id = new_id
        self._options = options
        self._generations = Generations(self.mongo, (REFERRALS, *definition.derived))
        self.mongo.gate = self._generations
        self._leases = Leases(self.mongo, lane, options.lease_seconds)
        self._relay = Relay(
            definition.name,
            lane,
            self.mongo,
            self._leases,
            options.kafka_bootstrap,
            clock,
            options.lease_seconds,
        )
        self._context: ServiceContext[V, R] = ServiceContext(
            definition=definition,
            mongo=self.mongo,
            options=options,
            dead_letters=DeadLetters(definition.name, options.dead_letter_key),
            clock=clock,
            new_id=new_id,
            lane=lane,
            may_decide=self._may_decide,
            wake=self._wake,
        )
        self._scheduler = Scheduler(self._context, self.localities)
        self._replays = Replays(self._context, self.localities)
        self._consumers = [
            TopicConsumer(
                definition.name, name, event_topics(name), BatchHandler(self._context, name), options
            )
            for name in self.localities
        ]
        self._watchers: dict[str, set[asyncio.Event]] = {}
        self._renewing: asyncio.Task[None] | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Makes the indexes, then starts listening. Waits for the database, not for the broker, or for
        two seconds at most where it has a seat.

        Raises:
            AnothersDatabase: it is another service's.
            PyMongoError: the database refuses us, and will again.
        """
        tune_interpreter()
        seat = self._options.instance_id
        while True:
            try:
                await claim_database(self.mongo, self.definition.name)  # before anything else is written
                await self._generations.refresh()
                await self._ensure_indexes()
                await self._leases.take_over(seat)
                await self._lead()
            except PyMongoError as error:
                if not isinstance(classified(error), Transient):
                    raise  # wrong password, an index that contradicts another: waiting does not mend it
                _log.warning("waiting for the database: %s", type(error).__name__)
                await asyncio.sleep(1)
            else:
                break
        self._renewing = asyncio.create_task(self._keep_leading())
        self._relay.start()
        self._scheduler.start()
        self._replays.start()
        await evict_predecessor(self._options.kafka_bootstrap, self.definition.name, self.localities, seat)
        for stream in self._consumers:
            stream.start()
        self._tasks = [
            asyncio.create_task(self._observe()),
            asyncio.create_task(self._generations.watch()),
            asyncio.create_task(reproject(self._context)),
        ]

    async def stop(self) -> None:
        """Finishes what is in hand within a bound, publishes it, leaves the groups, gives back the leases."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(stream.stop() for stream in self._consumers), return_exceptions=True)
        await self._replays.stop()
        await self._scheduler.stop(self._options.drain_seconds)
        await self._relay.stop(self._options.drain_seconds)
        # To the last: who does not renew what it holds is taken for dead, and its transactions are ended.
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.gather(self._renewing, return_exceptions=True)
        await self._leases.release()
        await self.mongo.close()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Kernel[V, R]"]:
        await self.start()
        try:
            yield self
        finally:
            await self.stop()

    async def ready(self) -> tuple[bool, dict[str, Any]]:
        """Ready when the database answers; how each locality's stream stands is a detail, not a condition."""
        database = await self.mongo.answers()
        streams = {stream.locality: stream.detail() for stream in self._consumers}
        return database, {"database": "answers" if database else "away", "streams": streams}

    def live(self) -> bool:
        """Whether every loop still goes round. One that waits for a broker or a database is live."""
        streams = all(stream.live for stream in self._consumers)
        loops = self._relay.live and self._scheduler.live and self._replays.live
        leads = self._renewing is None or not self._renewing.done()
        return streams and loops and leads and not any(t.done() for t in self._tasks)

    async def command(
        self,
        locality: str,
        referral_id: str,
        act: commands.CommandHandler[V, R],
        *,
        within: commands.Within | None = None,
        idempotency: commands.Idempotency | None = None,
        answer: commands.Answer[V] | None = None,
    ) -> commands.CommandResult[V]:
        """See `shared.delivery.unit_of_work.commands.command`."""
        return await commands.command(
            self._context, locality, referral_id, act, within=within, idempotency=idempotency, answer=answer
        )

    async def transact(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """A transaction for the part's own collections.

        Raises:
            Transient: the database is away, or (`Conflict`) somebody else wrote first.
        """
        return await self.mongo.transact(work)

    async def view(self, locality: str, referral_id: str) -> V | None:
        """The view folded from the stored facts, or None where nothing was heard of the referral."""
        stored = await self.stored(locality, referral_id)
        return None if stored is None else ReferralAggregate.from_document(self.definition, stored).view

    async def facts(self, locality: str, referral_id: str) -> list[Any]:
        """Every fact heard about a referral, in the order in which they were heard."""
        stored = await self.stored(locality, referral_id)
        return [] if stored is None else self.facts_of(stored)

    def facts_of(self, stored: Row) -> list[Any]:
        """The same of a document that was read already."""
        return ReferralAggregate.from_document(self.definition, stored).facts

    async def stored(self, locality: str, referral_id: str) -> Row | None:
        """The referral's document as it lies in the database."""
        try:
            found: Row | None = await self.mongo[REFERRALS].find_one(
                {"_id": aggregate_id(locality, referral_id)}
            )
        except PyMongoError as error:
            raise classified(error) from error
        return found

    async def wait_for(
        self, locality: str, referral_id: str, test: Callable[[Mapping[str, Any]], bool], seconds: float
    ) -> Row | None:
        """The view document once `test` holds, or as it stands after so many seconds."""
        identity = aggregate_id(locality, referral_id)
        changed = asyncio.Event()
        self._watchers.setdefault(identity, set()).add(changed)
        end = asyncio.get_running_loop().time() + seconds
        pause = 0.1
        try:
            while True:
                changed.clear()
                stored = await self.stored(locality, referral_id)
                view = None if stored is None else stored["view"]
                left = end - asyncio.get_running_loop().time()
                if left <= 0 or (view is not None and test(view)):
                    return view
                # Another process may be the one that hears it: look again now and then, and more rarely the
                # longer it takes, as then many may be waiting.
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), timeout=min(left, pause))
                pause *= 2
        finally:
            watchers = self._watchers[identity]
            watchers.discard(changed)
            if not watchers:
                del self._watchers[identity]

    def _wake(self, round_: UnitOfWork[V, R]) -> None:
        self._relay.hand_over(round_.outbox_rows)
        if round_.first_task_at is not None:
            self._scheduler.wake(round_.first_task_at)
        for identity, case in round_.aggregates.items():
            if case.changed:
                for watcher in self._watchers.get(identity, ()):
                    watcher.set()

    def _may_decide(self, locality: str) -> bool:
        return self.definition.exclusive is None or self._leases.held(
            f"{self.definition.exclusive}/{locality}"
        )

    async def _lead(self) -> None:
        names = [self._relay.lease]
        if self._options.instance_id:
            names.append(instance_lease(self._options.instance_id))
        if self.definition.exclusive is not None:
            names += [f"{self.definition.exclusive}/{name}" for name in self.localities]
        await self._leases.renew(names)

    async def _keep_leading(self) -> None:
        while True:
            await asyncio.sleep(self._options.lease_seconds / 4)
            try:
                await self._lead()
            except Exception as error:
                _log.warning("lease not renewed: %s", type(error).__name__)

    async def _observe(self) -> None:
        while True:
            await asyncio.sleep(_OBSERVE_SECONDS)
            for stream in self._consumers:
                try:
                    await stream.observe()
                except Exception as error:
                    _log.warning("gauges are behind: %s", type(error).__name__)

    async def _ensure_indexes(self) -> None:
        # Collections are made before any transaction needs them: making one inside takes a lock.
        owned = (OUTBOX, TASKS, SENT, DEAD_LETTERS, OPERATIONS, GENERATIONS, commands.IDEMPOTENCY)
        await self.mongo.make((REFERRALS, *owned))
        await self.mongo[REFERRALS].create_indexes([FOLD_INDEX])
        await self.mongo[OUTBOX].create_indexes([IndexModel([("lane", ASCENDING), ("_id", ASCENDING)])])
        rested = IndexModel([("not_before", ASCENDING), ("at", ASCENDING)])
        asked = IndexModel([("what", ASCENDING)], partialFilterExpression={"what": DECIDE_LATER})
        await self.mongo[TASKS].create_indexes([rested, asked])
        await self.mongo[DEAD_LETTERS].create_indexes([IndexModel([("state", ASCENDING), ("at", ASCENDING)])])
        await self.mongo[SENT].create_indexes(
            [IndexModel([("locality", ASCENDING), ("referral", ASCENDING)])]
        )
        await self.mongo[commands.IDEMPOTENCY].create_indexes(
            [
                IndexModel([("at", ASCENDING)], expireAfterSeconds=_REPLIES_KEPT_SECONDS),
                IndexModel([("referral", ASCENDING)]),
            ]
        )


def tune_interpreter() -> None:
    """Looks for garbage seldom, and not among what is loaded already; lets threads have their turn sooner."""
    sys.setswitchinterval(_SWITCH_SECONDS)
    gc.set_threshold(*_COLLECT_AT)
    if not gc.get_freeze_count():
        gc.freeze()  # modules and classes stay: no need to look through them each time
