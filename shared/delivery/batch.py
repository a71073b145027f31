"""A batch of records: decoded one by one, handled in one transaction, never raising out.

Something away: wait and try again, commit nothing. One record at fault: split until it is alone and set it
aside. Our own code at fault many times in a row: stop the locality's stream rather than set everything aside.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic

from shared import metrics
from shared.clock import Clock
from shared.delivery.dead_letters import DeadLetters, Letter, Record
from shared.delivery.errors import Transient
from shared.delivery.facts import Heard
from shared.delivery.mongo import Mongo, Transaction
from shared.delivery.options import Options
from shared.delivery.part import Part, R, V
from shared.delivery.round import Round
from shared.events import envelope
from shared.events.topics import parse_topic
from shared.ids import NewId

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Incoming:
    """A readable record and the fact that it carries."""

    heard: Heard
    record: Record


@dataclass
class Worker(Generic[V, R]):
    """Does rounds of work for one part: what batches, commands and due work have in common."""

    part: Part[V, R]
    mongo: Mongo
    options: Options
    letters: DeadLetters
    clock: Clock
    new_id: NewId
    lane: str
    may_decide: Callable[[str], bool]
    done: Callable[[Round[V, R]], None]
    """Called after a round's transaction was committed: wakes the relay and those who wait."""

    def round(self, tx: Transaction, new_id: NewId | None = None) -> Round[V, R]:
        return Round(self.part, tx, self.clock(), new_id or self.new_id, self.lane)


class Breaker:
    """Opens when our own code fails on readable records several times in a row."""

    def __init__(self, failures: int, rest_seconds: float) -> None:
        self._most = failures
        self._rest = rest_seconds
        self._failed = 0
        self._opened: float | None = None

    @property
    def open(self) -> bool:
        return self._failed >= self._most

    def failed(self) -> None:
        self._failed += 1
        if self.open:
            self._opened = time.monotonic()

    def succeeded(self) -> None:
        self._failed = 0
        self._opened = None

    def may_try(self) -> bool:
        """Closed, or open for long enough that one more try is due."""
        return not self.open or time.monotonic() - (self._opened or 0.0) >= self._rest


class StreamStopped(Exception):
    """The breaker is open: what is left of the batch is neither handled nor committed."""


class BatchHandler(Generic[V, R]):
    """Handles the batches of one locality."""

    def __init__(self, worker: Worker[V, R], locality: str) -> None:
        self._worker = worker
        self._locality = locality
        self._service = worker.part.name
        self.breaker = Breaker(worker.options.breaker_failures, worker.options.breaker_rest_seconds)
        self.trouble: str | None = None
        """What is being waited for, as a code, or None."""

    async def handle(self, records: Sequence[Record], stopping: asyncio.Event) -> bool:
        """Handles every record once. True: all are done and their offsets may be committed."""
        began = time.perf_counter()
        incoming, letters = self._decode(records)
        while True:
            try:
                await self._handle_whole(incoming, letters, stopping)
            except StreamStopped:
                self._say_stopped(1)
                if not await self._rest(stopping, 1.0, until=self.breaker.may_try):
                    return False
                continue
            except _Stopping:
                return False
            except Exception:
                # Nothing was at fault but ourselves. Raising out of a handler would pass the records over.
                _log.exception("a batch could not be handled", extra={"locality": self._locality})
                self.trouble = "own_code"
                if not await self._rest(stopping, self._worker.options.breaker_rest_seconds):
                    return False
                continue
            self._say_stopped(0)
            break
        metrics.batch_handling.labels(self._service).observe(time.perf_counter() - began)
        metrics.batch_size.labels(self._service).observe(len(records))
        return True

    def _decode(self, records: Sequence[Record]) -> tuple[list[Incoming], list[Letter]]:
        incoming: list[Incoming] = []
        letters: list[Letter] = []
        for record in records:
            read = envelope.read(record.topic, record.key, record.value, record.headers)
            if isinstance(read, envelope.Refused):
                letters.append(Letter(record, read.reason))
                continue
            try:
                incoming.append(Incoming(Heard.of(read), record))
            except ValueError:  # JSON that one parser takes and another does not
                letters.append(Letter(record, "bad_json"))
        return incoming, letters

    async def _handle_whole(
        self, incoming: Sequence[Incoming], letters: Sequence[Letter], stopping: asyncio.Event
    ) -> None:
        """Handles it in one transaction; where that cannot succeed, each half in its own."""
        try:
            await self._patiently(incoming, letters, stopping)
        except (_Stopping, StreamStopped):
            raise
        except Exception as error:
            if len(incoming) > 1:
                middle = len(incoming) // 2
                await self._handle_whole(incoming[:middle], letters, stopping)
                await self._handle_whole(incoming[middle:], (), stopping)
                return
            if not incoming:
                raise  # nothing but dead letters, and they cannot be kept: our set-up is at fault
            self.breaker.failed()
            _log.exception("a record could not be handled", extra={"locality": self._locality})
            if self.breaker.open:
                raise StreamStopped from error
            alone = Letter(incoming[0].record, "handler_failed", type(error).__name__)
            await self._patiently((), [*letters, alone], stopping)
        else:
            if incoming:
                self.breaker.succeeded()

    async def _patiently(
        self, incoming: Sequence[Incoming], letters: Sequence[Letter], stopping: asyncio.Event
    ) -> None:
        """One transaction, tried again for as long as something is away or written by somebody else."""
        attempt = 0
        while True:
            try:
                outcome = await self._worker.mongo.transact(lambda tx: self._once(tx, incoming, letters))
            except Transient as error:
                attempt += 1
                self.trouble = type(error).__name__.lower()
                metrics.batch_retries.labels(self._service, self._locality, self.trouble).inc()
                if not await self._rest(stopping, min(0.01 * 2**attempt, 2.0) * random.uniform(0.5, 1.0)):
                    raise _Stopping from error
                continue
            self.trouble = None
            self._worker.done(outcome.round)
            self._count(outcome)
            return

    async def _once(
        self, tx: Transaction, incoming: Sequence[Incoming], letters: Sequence[Letter]
    ) -> "_Outcome[V, R]":
        round_ = self._worker.round(tx)
        outcome = _Outcome(round_, list(letters))
        await round_.open({(i.heard.fact.body.locality, i.heard.fact.body.referral_id) for i in incoming})
        for item in incoming:
            body = item.heard.fact.body
            told = round_.case(body.locality, body.referral_id).hear(item.heard)
            if told == "conflict":
                outcome.letters.append(Letter(item.record, "conflicting_repeat"))
            else:
                outcome.told.append((item, told))
        await round_.decide(self._worker.may_decide)
        round_.messages += [self._worker.letters.seal(letter) for letter in outcome.letters]
        await round_.write()
        return outcome

    def _count(self, outcome: "_Outcome[V, R]") -> None:
        now = self._worker.clock()
        for item, told in outcome.told:
            event = item.heard.fact.event
            result = "ok" if told == "new" else "repeat"
            metrics.events_consumed.labels(self._service, event, self._locality, result).inc()
            if told == "new":
                waited = (now - item.heard.fact.recorded).total_seconds()
                metrics.event_end_to_end.labels(self._service, event).observe(max(waited, 0.0))
        for letter in outcome.letters:
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
    async def _rest(
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


class _Stopping(Exception):
    """The process stops while something is away: the batch is left for whoever comes next."""


@dataclass
class _Outcome(Generic[V, R]):
    round: Round[V, R]
    letters: list[Letter]
    told: list[tuple[Incoming, str]]

    def __init__(self, round_: Round[V, R], letters: list[Letter]) -> None:
        self.round = round_
        self.letters = letters
        self.told = []
