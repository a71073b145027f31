"""A batch of records: decoded one by one, handled in one transaction, never raising out.

Something away: wait and try again, commit nothing. One record at fault: split until it is alone and set it
aside. Our own code at fault many times in a row: stop the locality's stream rather than set everything aside.
"""

import asyncio
import logging
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic

from shared.contract.events.topics import parse_topic
from shared.delivery.chunks import in_chunks
from shared.delivery.consumer.breaker import FailureBreaker, StreamStopped
from shared.delivery.consumer.incoming import Incoming, decode
from shared.delivery.dlq.dead_letters import DeadLetter, Record
from shared.delivery.model.errors import Conflict, Held, Transient
from shared.delivery.model.service_definition import R, V
from shared.delivery.mongo.database import Transaction
from shared.delivery.unit_of_work.aggregate import AppendResult
from shared.delivery.unit_of_work.context import ServiceContext
from shared.delivery.unit_of_work.unit_of_work import UnitOfWork
from shared.platform import metrics

_log = logging.getLogger(__name__)
# What is not taken into a referral's set of facts, and the reason on its letter.
DEAD_LETTER_REASONS: dict[AppendResult, str] = {"conflict": "conflicting_repeat", "full": "too_many_facts"}


class BatchHandler(Generic[V, R]):
    """Handles the batches of one locality."""

    def __init__(self, context: ServiceContext[V, R], locality: str) -> None:
        self._context = context
        self._locality = locality
        self._service = context.definition.name
        self._max_seconds = context.options.transaction_seconds
        self.breaker = FailureBreaker(context.options.breaker_failures, context.options.breaker_open_seconds)
        self.waits_for: str | None = None
        """What is being waited for, as a code, or None."""

    async def handle(self, records: Sequence[Record], stopping: asyncio.Event) -> bool:
        """Handles every record once. True: all are done and their offsets may be committed."""
        began = time.perf_counter()
        news = self._without_echoes(records)
        if not news:
            return True
        incoming: list[Incoming] = []
        letters: list[DeadLetter] = []
        async for some in in_chunks(news):
            readable, unreadable = decode(some)
            incoming += readable
            letters += unreadable
        sealed: set[_Place] = set()
        while True:
            unsealed = [letter for letter in letters if _place(letter.record) not in sealed]
            try:
                await self._handle_whole(incoming, unsealed, sealed, stopping)
            except StreamStopped:
                self._say_stopped(1)
                if not await self._pause(stopping, 1.0, until=self.breaker.may_retry):
                    return False
                continue
            except _Stopping:
                return False
            except Exception:
                # Nothing was at fault but ourselves. Raising out of a handler would pass the records over.
                _log.exception("a batch could not be handled", extra={"locality": self._locality})
                self.waits_for = "own_code"
                if not await self._pause(stopping, self._context.options.breaker_open_seconds):
                    return False
                continue
            self._say_stopped(0)
            break
        metrics.batch_handling.labels(self._service).observe(time.perf_counter() - began)
        metrics.batch_size.labels(self._service).observe(len(records))
        return True

    def _without_echoes(self, records: Sequence[Record]) -> list[Record]:
        """What this process did not say itself."""
        news = [record for record in records if not self._context.own_events.pop(record)]
        if len(news) < len(records):
            echoes = Counter(record.topic for record in records)
            echoes.subtract(record.topic for record in news)
            for topic, count in echoes.items():
                named = parse_topic(topic)
                if named is not None:
                    metrics.events_consumed.labels(
                        self._service, named.event, self._locality, "duplicate"
                    ).inc(count)
        return news

    async def _handle_whole(
        self,
        incoming: Sequence[Incoming],
        letters: Sequence[DeadLetter],
        sealed: set["_Place"],
        stopping: asyncio.Event,
    ) -> None:
        """Handles it in one transaction; where that cannot succeed, each half in its own.

        `sealed` are the places of records whose letters are written: what fails for our own fault is tried
        again, and each letter comes once.
        """
        try:
            await self._patiently(incoming, letters, sealed, stopping)
        except (_Stopping, StreamStopped):
            raise
        except Exception as error:
            if stopping.is_set():
                raise _Stopping from error
            if len(incoming) > 1:
                middle = len(incoming) // 2
                await self._handle_whole(incoming[:middle], letters, sealed, stopping)
                await self._handle_whole(incoming[middle:], (), sealed, stopping)
                return
            if len(letters) > 1:
                middle = len(letters) // 2
                await self._handle_whole((), letters[:middle], sealed, stopping)
                await self._handle_whole(incoming, letters[middle:], sealed, stopping)
                return
            if not incoming:
                raise  # a dead letter that cannot be kept: our set-up is at fault
            self.breaker.failed()
            _log.exception("a record could not be handled", extra={"locality": self._locality})
            if self.breaker.open:
                raise StreamStopped from error
            alone = DeadLetter(incoming[0].record, "handler_failed", type(error).__name__)
            again = _place(alone.record) in sealed
            await self._patiently((), [*letters, *([] if again else [alone])], sealed, stopping)
        else:
            if incoming:
                self.breaker.succeeded()

    async def _patiently(
        self,
        incoming: Sequence[Incoming],
        letters: Sequence[DeadLetter],
        sealed: set["_Place"],
        stopping: asyncio.Event,
    ) -> None:
        """One transaction, tried again for as long as something is away or written by somebody else.

        Raises:
            Conflict: again and again, so that nobody else's write can be the reason.
            _TooMuch: a transaction does not live as long as this batch takes.
        """
        attempt = conflicts = 0
        while True:
            once = partial(self._once, incoming, letters, time.monotonic())
            try:
                outcome = await self._context.mongo.transact(once)
            except Transient as error:
                attempt += 1
                if not isinstance(error, Held):  # that is somebody else's doing, however long it lasts
                    conflicts = conflicts + 1 if isinstance(error, Conflict) else 0
                if conflicts > self._context.options.max_conflicts:
                    raise
                self.waits_for = type(error).__name__.lower()
                metrics.batch_retries.labels(self._service, self._locality, self.waits_for).inc()
                if not await self._pause(stopping, _pause(attempt)):
                    raise _Stopping from error
                continue
            self.waits_for = None
            sealed.update(_place(letter.record) for letter in letters)
            self._context.committed(outcome.unit_of_work)
            self._count(outcome)
            return

    async def _once(
        self, incoming: Sequence[Incoming], letters: Sequence[DeadLetter], began: float, tx: Transaction
    ) -> "_Outcome[V, R]":
        # The driver calls again where the database gave the transaction up, for two minutes, with the same.
        if max(len(incoming), len(letters)) > 1 and time.monotonic() - began > self._max_seconds:
            raise _TooMuch
        round_ = self._context.unit_of_work(tx)
        outcome = _Outcome(round_, list(letters))
        await round_.read(
            {(i.received.fact.body.locality, i.received.fact.body.referral_id) for i in incoming}
        )
        for item in incoming:
            body = item.received.fact.body
            told = round_.aggregate(body.locality, body.referral_id).append(item.received)
            if told in DEAD_LETTER_REASONS:
                outcome.dead_letters.append(DeadLetter(item.record, DEAD_LETTER_REASONS[told]))
            else:
                outcome.appended.append((item, told))
        await round_.decide(self._context.may_decide)
        round_.messages += [self._context.dead_letters.seal(letter) for letter in outcome.dead_letters]
        await round_.write()
        return outcome

    def _count(self, outcome: "_Outcome[V, R]") -> None:
        now = self._context.clock()
        told = Counter((item.received.fact.event, told) for item, told in outcome.appended)
        for (event, what), count in told.items():
            result = "ok" if what == "appended" else "duplicate"
            metrics.events_consumed.labels(self._service, event, self._locality, result).inc(count)
        waits = {event: metrics.event_end_to_end.labels(self._service, event) for event, _ in told}
        for item, what in outcome.appended:
            if what == "appended":
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

    def _say_stopped(self, value: int) -> None:
        metrics.streams_stopped.labels(self._service, self._locality).set(value)

    @staticmethod
    async def _pause(
        stopping: asyncio.Event, seconds: float, until: Callable[[], bool] = lambda: True
    ) -> bool:
        """Waits; False when the process is stopping."""
        while True:
            try:
                await asyncio.wait_for(stopping.wait(), timeout=seconds)
            except TimeoutError:
                if until():
                    return True
            else:
                return False


_Place = tuple[str, int, int]


def _place(record: Record) -> _Place:
    return record.topic, record.partition, record.offset


def _pause(attempt: int) -> float:
    """Seconds until the next attempt: 2 at most, however many hours the database stays away."""
    return min(0.01 * 2.0 ** min(attempt, 8), 2.0) * random.uniform(0.5, 1.0)


class _TooMuch(Exception):
    """The database ends a transaction before this much is done in it: half of it may be done in time."""


class _Stopping(Exception):
    """The process stops while something is away: the batch is left for whoever comes next."""


@dataclass
class _Outcome(Generic[V, R]):
    unit_of_work: UnitOfWork[V, R]
    dead_letters: list[DeadLetter]
    appended: list[tuple[Incoming, AppendResult]]

    def __init__(self, round_: UnitOfWork[V, R], letters: list[DeadLetter]) -> None:
        self.unit_of_work = round_
        self.dead_letters = letters
        self.appended = []
