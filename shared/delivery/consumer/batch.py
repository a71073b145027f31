"""A batch of records: decoded one by one, handled in one transaction. The handler never raises.

If the database is away, the batch is retried and nothing is committed. If one record is at fault, the batch
is halved until the record is alone, and the record is dead-lettered. If our own code fails many times in a
row, the locality's stream stops.
"""

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Generic

from shared.contract.events.topics import parse_topic
from shared.delivery.chunks import in_chunks
from shared.delivery.consumer.breaker import FailureBreaker, StreamStopped
from shared.delivery.consumer.incoming import Incoming, decode
from shared.delivery.consumer.markers import Placed, store_markers
from shared.delivery.dlq.dead_letters import DeadLetter, Record
from shared.delivery.model.errors import Conflict, Held, Transient
from shared.delivery.model.service_definition import R, V
from shared.delivery.mongo.database import Transaction
from shared.delivery.unit_of_work.aggregate import AppendResult
from shared.delivery.unit_of_work.context import ServiceContext
from shared.delivery.unit_of_work.unit_of_work import UnitOfWork
from shared.platform import metrics

_log = logging.getLogger(__name__)
# Results of an append that dead-letter the record, and the reason on its dead letter.
DEAD_LETTER_REASONS: dict[AppendResult, str] = {"conflict": "conflicting_repeat", "full": "too_many_facts"}

_Position = tuple[str, int, int]


class BatchHandler(Generic[V, R]):
    """Handles the batches of one locality.

    Attributes:
        waits_for: the error, as a code, that the handler waits out; else None.
    """

    def __init__(self, context: ServiceContext[V, R], locality: str) -> None:
        self._context = context
        self._locality = locality
        self._service = context.definition.name
        self._max_seconds = context.options.transaction_seconds
        self.breaker = FailureBreaker(context.options.breaker_failures, context.options.breaker_open_seconds)
        self.waits_for: str | None = None

    async def handle(self, records: Sequence[Record], stopping: asyncio.Event) -> bool:
        """Handles every record once. Returns True if all are done and their offsets may be committed."""
        began = time.perf_counter()
        foreign = self._without_own_events(records)
        if not foreign:
            return True
        incoming: list[Incoming] = []
        dead_letters: list[DeadLetter] = []
        markers: list[Placed] = []
        async for chunk in in_chunks(foreign):
            decoded = decode(chunk)
            incoming += decoded.incoming
            dead_letters += decoded.dead_letters
            markers += decoded.markers
        sealed: set[_Position] = set()
        while True:
            unsealed = [letter for letter in dead_letters if _position(letter.record) not in sealed]
            try:
                if markers:
                    await self._store(markers, stopping)  # Before the facts that follow them.
                await self._handle_whole(incoming, unsealed, sealed, stopping)
            except StreamStopped:
                self._set_stopped(1)
                if not await self._pause(stopping, 1.0, until=self.breaker.may_retry):
                    return False
                continue
            except _Stopping:
                return False
            except Exception:
                # No record is at fault, but the service itself. FastStream would skip the records of a
                # handler that raises.
                _log.exception("a batch could not be handled", extra={"locality": self._locality})
                self.waits_for = "own_code"
                if not await self._pause(stopping, self._context.options.breaker_open_seconds):
                    return False
                continue
            self._set_stopped(0)
            break
        metrics.batch_handling.labels(self._service).observe(time.perf_counter() - began)
        metrics.batch_size.labels(self._service).observe(len(records))
        return True

    async def _store(self, markers: Sequence[Placed], stopping: asyncio.Event) -> None:
        """Stores markers, and waits while the database is away."""
        attempt = 0
        while True:
            try:
                await store_markers(self._context.mongo, markers)
            except Transient as error:
                attempt += 1
                self.waits_for = type(error).__name__.lower()
                if not await self._pause(stopping, _backoff(attempt)):
                    raise _Stopping from error
            else:
                self.waits_for = None
                return

    def _without_own_events(self, records: Sequence[Record]) -> list[Record]:
        foreign = [record for record in records if not self._context.own_events.pop(record)]
        if len(foreign) < len(records):
            own = Counter(record.topic for record in records)
            own.subtract(record.topic for record in foreign)
            for topic, count in own.items():
                named = parse_topic(topic)
                if named is not None:
                    labels = (self._service, named.event, self._locality, "duplicate")
                    metrics.events_consumed.labels(*labels).inc(count)
        return foreign

    async def _handle_whole(
        self,
        incoming: Sequence[Incoming],
        dead_letters: Sequence[DeadLetter],
        sealed: set[_Position],
        stopping: asyncio.Event,
    ) -> None:
        """Handles records in one transaction or, if that cannot succeed, each half in its own.

        `sealed` holds the positions of records whose dead letters are written. A retry after a fault of our
        own does not write them again.
        """
        try:
            await self._transact(incoming, dead_letters, sealed, stopping)
        except (_Stopping, StreamStopped):
            raise
        except Exception as error:
            if stopping.is_set():
                raise _Stopping from error
            if len(incoming) > 1:
                middle = len(incoming) // 2
                await self._handle_whole(incoming[:middle], dead_letters, sealed, stopping)
                await self._handle_whole(incoming[middle:], (), sealed, stopping)
                return
            if len(dead_letters) > 1:
                middle = len(dead_letters) // 2
                await self._handle_whole((), dead_letters[:middle], sealed, stopping)
                await self._handle_whole(incoming, dead_letters[middle:], sealed, stopping)
                return
            if not incoming:
                raise  # A dead letter that cannot be stored: the service's set-up is at fault.
            self.breaker.failed()
            _log.exception("a record could not be handled", extra={"locality": self._locality})
            if self.breaker.open:
                raise StreamStopped from error
            alone = DeadLetter(incoming[0].record, "handler_failed", type(error).__name__)
            again = _position(alone.record) in sealed
            await self._transact((), [*dead_letters, *([] if again else [alone])], sealed, stopping)
        else:
            if incoming:
                self.breaker.succeeded()

    async def _transact(
        self,
        incoming: Sequence[Incoming],
        dead_letters: Sequence[DeadLetter],
        sealed: set[_Position],
        stopping: asyncio.Event,
    ) -> None:
        """Runs one transaction, and retries it while the database is away or other writes come first.

        Raises:
            Conflict: so often in a row that other writes cannot be the cause.
            _TooMuch: the database ends a transaction before this batch is done.
        """
        attempt = conflicts = 0
        while True:
            once = partial(self._once, incoming, dead_letters, time.monotonic())
            try:
                outcome = await self._context.mongo.transact(once)
            except Transient as error:
                attempt += 1
                if not isinstance(error, Held):  # Another transaction holds the document, for however long.
                    conflicts = conflicts + 1 if isinstance(error, Conflict) else 0
                if conflicts > self._context.options.max_conflicts:
                    raise
                self.waits_for = type(error).__name__.lower()
                metrics.batch_retries.labels(self._service, self._locality, self.waits_for).inc()
                if not await self._pause(stopping, _backoff(attempt)):
                    raise _Stopping from error
                continue
            self.waits_for = None
            sealed.update(_position(letter.record) for letter in dead_letters)
            self._context.committed(outcome.unit_of_work)
            self._count(outcome)
            return

    async def _once(
        self, incoming: Sequence[Incoming], dead_letters: Sequence[DeadLetter], began: float, tx: Transaction
    ) -> "_Outcome[V, R]":
        # After a temporary error the driver calls this function again with the same arguments.
        if max(len(incoming), len(dead_letters)) > 1 and time.monotonic() - began > self._max_seconds:
            raise _TooMuch
        unit_of_work = self._context.unit_of_work(tx)
        outcome = _Outcome(unit_of_work, list(dead_letters))
        bodies = [item.received.fact.body for item in incoming]
        await unit_of_work.read({(body.locality, body.referral_id) for body in bodies})
        for item, body in zip(incoming, bodies, strict=True):
            result = unit_of_work.aggregate(body.locality, body.referral_id).append(item.received)
            if result == "conflict":
                await self._context.definition.note_conflict(tx, item.received.fact, self._context.clock())
            if result in DEAD_LETTER_REASONS:
                outcome.dead_letters.append(DeadLetter(item.record, DEAD_LETTER_REASONS[result]))
            else:
                outcome.results.append((item, result))
        await unit_of_work.decide(self._context.may_decide)
        unit_of_work.messages += [self._context.dead_letters.seal(letter) for letter in outcome.dead_letters]
        await unit_of_work.write()
        return outcome

    def _count(self, outcome: "_Outcome[V, R]") -> None:
        now = self._context.clock()
        counts = Counter((item.received.fact.event, result) for item, result in outcome.results)
        for (event, result), count in counts.items():
            label = "ok" if result == "appended" else "duplicate"
            metrics.events_consumed.labels(self._service, event, self._locality, label).inc(count)
        waits = {event: metrics.event_end_to_end.labels(self._service, event) for event, _ in counts}
        for item, result in outcome.results:
            if result == "appended":
                waited = (now - item.received.fact.recorded).total_seconds()
                waits[item.received.fact.event].observe(max(waited, 0.0))
        for letter in outcome.dead_letters:
            named = parse_topic(letter.record.topic)
            event_name = named.event if named else "unknown"
            metrics.events_consumed.labels(self._service, event_name, self._locality, "dead_letter").inc()
            metrics.dead_letters.labels(self._service, self._locality, letter.reason).inc()
            _log.warning(
                "dead letter: %s",
                letter.reason,
                extra={
                    "topic": letter.record.topic,
                    "partition": letter.record.partition,
                    "offset": letter.record.offset,
                },
            )

    def _set_stopped(self, value: int) -> None:
        metrics.streams_stopped.labels(self._service, self._locality).set(value)

    @staticmethod
    async def _pause(
        stopping: asyncio.Event, seconds: float, until: Callable[[], bool] = lambda: True
    ) -> bool:
        """Waits so many seconds, and on until `until` holds. Returns False if the process is stopping."""
        while True:
            try:
                await asyncio.wait_for(stopping.wait(), timeout=seconds)
            except TimeoutError:
                if until():
                    return True
            else:
                return False


def _position(record: Record) -> _Position:
    return record.topic, record.partition, record.offset


def _backoff(attempt: int) -> float:
    """Seconds until the next attempt: 2 at most, however long the database stays away."""
    return min(0.01 * 2.0 ** min(attempt, 8), 2.0) * random.uniform(0.5, 1.0)


class _TooMuch(Exception):
    """The database ends a transaction before this batch is done. Half of it may be done in time."""


class _Stopping(Exception):
    """The process stops while something is away. The next process handles the batch."""


@dataclass
class _Outcome(Generic[V, R]):
    unit_of_work: UnitOfWork[V, R]
    dead_letters: list[DeadLetter]
    results: list[tuple[Incoming, AppendResult]] = field(default_factory=list)
