"""The kernel of one service: consumers in, one transaction a batch, outbox out, scheduled tasks, commands.

This module is wiring. `unit_of_work/` holds the flow of a transaction.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any, Final, Generic, TypeVar

from pymongo.errors import PyMongoError

from shared.contract.asyncapi.roles import parts_of_service
from shared.contract.events.topics import SourcePart, event_topics
from shared.delivery.audit.sealer import Sealer
from shared.delivery.audit.trail import AuditTrail, ensure_audit
from shared.delivery.consumer.batch import BatchHandler
from shared.delivery.consumer.topic_consumer import TopicConsumer
from shared.delivery.control.served import ServedSlugs, ServedTable
from shared.delivery.dlq.replays import Replays
from shared.delivery.forgetting import keep_forgetting
from shared.delivery.indexes import ensure_indexes
from shared.delivery.interpreter import tune_interpreter
from shared.delivery.kafka.broker_view import BrokerView
from shared.delivery.kafka.instance import evict_predecessor
from shared.delivery.model.errors import Transient
from shared.delivery.model.service_definition import R, ServiceDefinition, V
from shared.delivery.mongo.database import Mongo, Row, Transaction, classified
from shared.delivery.mongo.keys_in_use import note_keys
from shared.delivery.mongo.leases import Leases, instance_lease
from shared.delivery.mongo.shares import SharedLeases
from shared.delivery.offsets.handled import HandledOffsets
from shared.delivery.offsets.stream_gate import StreamGate
from shared.delivery.options import Options
from shared.delivery.outbox.lanes import process_name
from shared.delivery.outbox.relay import Relay
from shared.delivery.ownership.ownership import Ownership
from shared.delivery.ownership.standing import Key
from shared.delivery.ownership.taking_over import OwnerWatch
from shared.delivery.rebuild.generations import Generations, claim_database
from shared.delivery.rebuild.reproject import reproject
from shared.delivery.restored.marker import require_whole
from shared.delivery.scheduler.scheduler import Scheduler
from shared.delivery.stopping import cancelled_within, ended_within
from shared.delivery.unit_of_work import commands
from shared.delivery.unit_of_work.context import ServiceContext
from shared.delivery.unit_of_work.referrals import Referrals
from shared.delivery.unit_of_work.unit_of_work import REFERRALS
from shared.platform import metrics
from shared.platform.clock import Clock, system_clock
from shared.platform.ids import NewId, new_id
from shared.platform.key_ring import KeyRing
from shared.platform.web.audit import Change
from shared.platform.web.refusals import Refusals

T = TypeVar("T")
_log = logging.getLogger(__name__)
_OBSERVE_SECONDS: Final = 5.0
# Consumers that connect at once. Hundreds would keep each other, and the broker, from answering in time.
_STARTS_AT_ONCE: Final = 16
# A stream's stop waits for its start, its batch in hand and its last commit, each for one drain.
_STOP_DRAINS: Final = 4


class Kernel(Generic[V, R]):
    """Drives one service in one process, for the localities that the process serves."""

    def __init__(
        self,
        definition: ServiceDefinition[V, R],
        options: Options,
        localities: Sequence[str] | ServedTable,
        clock: Clock = system_clock,
        new_id: NewId = new_id,
    ) -> None:
        self.definition = definition
        self._table = localities if isinstance(localities, ServedTable) else ServedTable(localities)
        # Asked each time: a locality that is added while the process runs is among them.
        self.localities: Sequence[str] = ServedSlugs(self._table)
        self.clock = clock
        self.new_id = new_id
        self._options = options
        name, lane = definition.name, new_id()

        self.mongo = Mongo(options.mongo_url, options.database, name=process_name(lane))
        self._generations = Generations(self.mongo, (REFERRALS, *definition.derived))
        self.mongo.gate = self._generations
        self._leases = Leases(self.mongo, lane, options.lease_seconds)
        self._shared_leases = SharedLeases(self._leases, lane)
        self.audit = AuditTrail(self.mongo, new_id, clock)
        self.refusals = Refusals(clock)
        self._sealer = Sealer(name, self.mongo, self._leases, KeyRing.of(options.dead_letter_key), clock)
        self._ownership = Ownership(
            self.mongo, lane, parts_of_service(name), self.localities, self._table.owner
        )
        self._relay = Relay(
            name,
            lane,
            self.mongo,
            self._leases,
            options.kafka,
            clock,
            options.lease_seconds,
            sandboxes=self._sandboxes,
            is_ended=self._ownership.is_ended,
        )

        self._context: ServiceContext[V, R] = ServiceContext(
            definition, self.mongo, options, clock, new_id, self._leases, self._relay, self._ownership
        )
        self._owners = OwnerWatch(self._context, self._ownership)
        self._referrals = Referrals(definition, self.mongo, self._context.referral_signal)
        self._scheduler = Scheduler(self._context, self.localities)
        self._replays = Replays(self._context, self.localities)
        self._broker = BrokerView(options.kafka)
        self._starts = asyncio.Semaphore(_STARTS_AT_ONCE)
        self._consumers: list[TopicConsumer[V, R]] = []
        self._rules_changed = asyncio.Event()
        self._add_consumers()

        self._started = False
        self._renewing: asyncio.Task[None] | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def _consumer(self, locality: str) -> TopicConsumer[V, R]:
        name, topics = self.definition.name, event_topics(locality)
        gate = StreamGate(name, locality, topics, self._broker, HandledOffsets(self.mongo, locality))
        options = self._options.serving(len(self.localities))
        handler = BatchHandler(self._context, locality)
        return TopicConsumer(name, locality, topics, handler, options, gate, self._starts)

    async def start(self) -> None:
        """Makes the indexes, then starts all loops and consumers.

        Waits for the database, but not for the broker; with an instance id, for the broker 2 s at most.

        Raises:
            ForeignDatabase: the database is another service's.
            CannotStart: the database is half restored, or the table has no locality that is to be served.
            PyMongoError: the database refuses us, and a retry does not help.
        """
        tune_interpreter()
        instance_id = self._options.instance_id
        while True:
            try:
                await require_whole(self.mongo)
                await claim_database(self.mongo, self.definition.name)  # Before any other write.
                await self._generations.refresh()
                await ensure_indexes(self.mongo)
                await note_keys(self.mongo, "dead_letter", self._context.dead_letters.key_ids, self.clock())
                await ensure_audit(self.mongo, timedelta(days=self._options.audit_days))
                await self._table.start(self.mongo, self._follow_table)
                await self._ownership.refresh()
                await self._leases.take_over(instance_id)
                await self._renew_leases()
            except PyMongoError as error:
                if not isinstance(classified(error), Transient):
                    raise  # A wrong password, or an index that contradicts another: waiting does not help.
                _log.warning("waiting for the database: %s", type(error).__name__)
                await asyncio.sleep(1)
            else:
                break
        self._renewing = asyncio.create_task(self._keep_renewing())
        self._relay.start()
        self._scheduler.start()
        self._replays.start()
        await evict_predecessor(self._options.kafka, self.definition.name, self.localities, instance_id)
        self._add_consumers()
        for consumer in self._consumers:
            consumer.start()
        self._started = True
        self._tasks = [
            asyncio.create_task(self._observe()),
            asyncio.create_task(self._generations.watch()),
            asyncio.create_task(self._owners.run()),
            asyncio.create_task(reproject(self._context, self.localities, self._rules_changed)),
            asyncio.create_task(self._sealer.run()),
            asyncio.create_task(self.audit.keep_refusals(self.refusals)),
            asyncio.create_task(keep_forgetting(self._context, self.localities)),
        ]

    def _add_consumers(self) -> list[TopicConsumer[V, R]]:
        """Makes the consumers of localities that have none; returns them."""
        known = {consumer.locality for consumer in self._consumers}
        new = [self._consumer(each) for each in self.localities if each not in known]
        self._consumers += new
        return new

    def _follow_table(self) -> None:
        """Another table is in force: new localities are consumed, and referrals folded by new ranks."""
        if self._started:
            for consumer in self._add_consumers():
                consumer.start()
        self._rules_changed.set()
        self._owners.wake()

    async def stop(self) -> None:
        """Finishes the batch in hand within a bound, publishes it, leaves the groups, releases the leases."""
        await cancelled_within(self._options.drain_seconds, *self._tasks)
        # A client waits 40 s for an answer that a cut connection lost. Leaving without it loses nothing.
        bound = _STOP_DRAINS * self._options.drain_seconds
        await ended_within(bound, self._table.stop(), *(consumer.stop() for consumer in self._consumers))
        await self._broker.close()
        await self._replays.stop()
        await self._scheduler.stop(self._options.drain_seconds)
        await self._relay.stop(self._options.drain_seconds)
        await self.audit.store_refusals(self.refusals)
        # Renewed to the last. If a lease lapses, others take this process for dead and end its transactions.
        if self._renewing is not None:
            self._renewing.cancel()
            await asyncio.gather(self._renewing, return_exceptions=True)
        await self._leases.release()
        await self.mongo.close()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Kernel[V, R]"]:
        """Starts the kernel, and stops it at the end of the block."""
        await self.start()
        try:
            yield self
        finally:
            await self.stop()

    async def ready(self) -> tuple[bool, dict[str, Any]]:
        """Readiness and its details, for /readyz. The database must answer; the consumers are a detail."""
        database = await self.mongo.answers()
        streams = {consumer.locality: consumer.detail() for consumer in self._consumers}
        detail = {"database": "answers" if database else "away", "table": self._table.detail()}
        return database, {**detail, "streams": streams, "parts": self._ownership.detail()}

    def live(self) -> bool:
        """True if every loop runs. A loop that waits for the broker or the database is live."""
        consumers = all(consumer.live for consumer in self._consumers)
        loops = self._relay.live and self._scheduler.live and self._replays.live
        renews = self._renewing is None or not self._renewing.done()
        runs = not any(task.done() for task in self._tasks)
        return consumers and loops and renews and self._table.live and runs

    def decides(self, locality: str, part: SourcePart) -> bool:
        """True if this service decides as a part in a locality, by what this process last read.

        A command is refused with `NotOwner` all the same if the part has been handed over since.
        """
        return self._ownership.owns(locality, part)

    def is_looking(self, locality: str) -> bool:
        """True while a part that came back is looked at: its automatic decisions wait for the end."""
        return self._context.is_looking(locality)

    async def command(
        self,
        locality: str,
        referral_id: str,
        act: commands.CommandHandler[V, R],
        *,
        within: commands.Within | None = None,
        idempotency: commands.Idempotency | None = None,
        answer: commands.Answer[V] | None = None,
        actor: str | None = None,
        change: Change | None = None,
    ) -> commands.CommandResult[V]:
        """See `shared.delivery.unit_of_work.commands.command`."""
        return await commands.command(
            self._context,
            locality,
            referral_id,
            act,
            within=within,
            idempotency=idempotency,
            answer=answer,
            actor=actor,
            change=change,
        )

    async def transact(
        self,
        work: Callable[[Transaction], Awaitable[T]],
        *,
        owning: Key | None = None,
        change: Change | None = None,
    ) -> T:
        """Runs a transaction on the service's own collections, as owner of a part if one is named.

        `change`: a person's change, whose audit entry is written in the same transaction. If `work` returns
        False, nothing has changed, and there is no entry.

        Raises:
            NotOwner: the part has another owner, or changes hands. Nothing was written.
            Transient: the database is away, or (`Conflict`) another write came first.
        """
        audited = work if change is None else partial(self.audit.audited, change, work)
        fenced = audited if owning is None else partial(self._ownership.fenced, owning, audited)
        return await self.mongo.transact(fenced)

    async def view(self, locality: str, referral_id: str) -> V | None:
        """See `Referrals.view`."""
        return await self._referrals.view(locality, referral_id)

    async def facts(self, locality: str, referral_id: str) -> list[Any]:
        """See `Referrals.facts`."""
        return await self._referrals.facts(locality, referral_id)

    def facts_of(self, stored: Row) -> list[Any]:
        """Every fact of a document that was read already."""
        return self._referrals.restored(stored).facts

    async def stored(self, locality: str, referral_id: str) -> Row | None:
        """See `Referrals.stored`."""
        return await self._referrals.stored(locality, referral_id)

    async def wait_for(
        self, locality: str, referral_id: str, test: Callable[[Mapping[str, Any]], bool], seconds: float
    ) -> Row | None:
        """See `Referrals.wait_for`."""
        return await self._referrals.wait_for(locality, referral_id, test, seconds)

    async def _renew_leases(self) -> None:
        names = [self._relay.lease]
        if self._options.instance_id:
            names.append(instance_lease(self._options.instance_id))
        if self.definition.exclusive is not None:
            leads = [f"{self.definition.exclusive}/{name}" for name in self.localities]
            names += await self._shared_leases.wanted(leads)
        await self._leases.renew(names)

    async def _keep_renewing(self) -> None:
        while True:
            await asyncio.sleep(self._options.lease_seconds / 4)
            try:
                await self._renew_leases()
            except Exception as error:
                _log.warning("lease not renewed: %s", type(error).__name__)

    def _sandboxes(self) -> list[str]:
        return [name for name in self.localities if self.definition.is_sandbox(name)]

    async def _observe(self) -> None:
        while True:
            for name in self._sandboxes():
                metrics.sandbox.labels(name).set(1)
            await asyncio.sleep(_OBSERVE_SECONDS)
            for consumer in self._consumers:
                try:
                    await consumer.observe()
                except Exception as error:
                    _log.warning("gauges are behind: %s", type(error).__name__)
