"""Admission: judges each record of an inbox once, copies or refuses it, then commits its offset.

The copy in the locality's topic is the receipt. After a crash between a copy and its commit, the record is
copied again, and readers drop the repeat by source and id. Nothing that a record holds ends the loop.
"""

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from aiokafka import TopicPartition
from pymongo.errors import PyMongoError

from services.referral.partners.checks import Refusal, copy_of, judge
from services.referral.partners.inbox_ends import InboxEnds
from services.referral.partners.inboxes import FetchedRecord, Inboxes
from services.referral.partners.refusals import RefusalWindow, message_of, record_refused
from services.referral.partners.repository import RefusalKeeper
from services.referral.partners.table import AdmissionTable
from services.referral.partners.turns import Turns
from shared.contract.events.inbox_end import EndOfInbox, InboxEnd
from shared.contract.events.refusals import RefusalCode
from shared.contract.events.topics import locality_of_source, source_of_inbox
from shared.delivery.kafka.producer import Producer
from shared.delivery.options import Options
from shared.delivery.stopping import cancelled_within, ended_within
from shared.platform import metrics
from shared.platform.clock import Clock

_log = logging.getLogger(__name__)
_IDLE_SECONDS: Final = 1.0
_AWAY_SECONDS: Final = 1.0
_OBSERVE_SECONDS: Final = 5.0
_STOP_DRAINS: Final = 5
# A process may hear of a new owner so much later than the owner itself.
_HEARS_WITHIN_SECONDS: Final = 3.0
_ASKS_AGAIN_SECONDS: Final = 0.1
# The label `service` of gauges that streams of services have too.
_SERVICE: Final = "admission"
ACCEPTED: Final = "accepted"
ENDED: Final = "ended"
_OF_OWNERS: Final = (RefusalCode.NOT_OWNER, RefusalCode.NO_HAND_OVER, RefusalCode.WRONG_EPOCH)


class Admission:
    """Admission for the sources of these localities, which are asked each time."""

    def __init__(
        self,
        options: Options,
        table: AdmissionTable,
        keeper: RefusalKeeper,
        ends: InboxEnds,
        localities: Collection[str],
        a_second: float,
        clock: Clock,
    ) -> None:
        self._options = options
        self._table = table
        self._keeper = keeper
        self._ends = ends
        self._localities = localities
        self._a_second = a_second
        self._clock = clock
        self._turns: Turns[FetchedRecord] = Turns(a_second)
        self._windows: dict[str, RefusalWindow] = {}
        self._producer = Producer(options.kafka)
        self._inboxes = Inboxes(options, self._give_up, self._begin_anew)
        self._turn = asyncio.Lock()
        # Counts assignments of partitions. What was fetched under an earlier one is fetched again.
        self._assignment = 0
        self._reached: dict[TopicPartition, int] = {}
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._judging: asyncio.Task[None] | None = None
        self._waits_for: str | None = None

    def start(self, *, judges: bool = True) -> None:
        """Starts in the background, also while the broker is away. `judges`: False only keeps refusals."""
        self._tasks = [asyncio.create_task(self._keeper.run())]
        if judges:
            self._judging = asyncio.create_task(self._run())
            self._tasks += [
                self._judging,
                asyncio.create_task(self._keep_committing()),
                asyncio.create_task(self._observe()),
            ]

    async def stop(self) -> None:
        """Finishes the turn in hand, publishes summaries and commits, all within a bound."""
        # A commit waits for a broker that is away. Leaving without it repeats copies, and readers drop those.
        await ended_within(_STOP_DRAINS * self._options.drain_seconds, self._stop())

    async def _stop(self) -> None:
        self._stopping.set()
        if not self._tasks:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._options.drain_seconds), self._turn:
                for task in self._tasks:
                    task.cancel()
        await cancelled_within(self._options.drain_seconds, *self._tasks)
        with contextlib.suppress(Exception):
            async with asyncio.timeout(self._options.drain_seconds):
                await self._tell_summaries(at_once=True)
        with contextlib.suppress(Exception):
            await self._inboxes.commit()
        with contextlib.suppress(Exception):
            async with asyncio.timeout(self._options.drain_seconds):
                await self._keeper.flush()
        await self._inboxes.close()
        await self._producer.close()

    @property
    def live(self) -> bool:
        """True if every loop runs, or none was started."""
        return not any(task.done() for task in self._tasks)

    def detail(self) -> dict[str, Any]:
        """State of admission, for /readyz."""
        state = "off" if self._judging is None else "waiting" if self._waits_for else "running"
        return {"state": state, "partitions": len(self._inboxes.partitions), "waits_for": self._waits_for}

    async def _run(self) -> None:
        if self._sources():
            await self._inboxes.evict_predecessor()
        while not self._stopping.is_set():
            try:
                sources = self._sources()
                if sources:
                    await self._inboxes.open()
                    self._inboxes.subscribe(sources)
                    await self._step()
                else:
                    await self._inboxes.close()
                    await asyncio.sleep(_IDLE_SECONDS)
                self._waits_for = None
            except Exception as error:
                # Whatever it is: what is not committed comes again, and admission never ends.
                self._waits_for = type(error).__name__
                _log.warning("admission waits: %s", self._waits_for)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), _AWAY_SECONDS)

    def _sources(self) -> list[str]:
        return [name for name in self._table.partners() if locality_of_source(name) in self._localities]

    async def _step(self) -> None:
        """Fetches what has arrived, and gives every source its turn."""
        wait = self._turns.wait(time.monotonic())
        try:
            fetched = await self._inboxes.poll(min(_IDLE_SECONDS, _IDLE_SECONDS if wait is None else wait))
        except Exception:
            await self._inboxes.close()
            self._begin_anew()
            raise
        assignment = self._assignment
        async with self._turn:
            if assignment == self._assignment:
                self._queue(fetched)
            await self._take_turn()
            await self._tell_summaries()
        for partition in self._inboxes.partitions:
            source = source_of_inbox(partition.topic)
            if source is not None:
                self._inboxes.hold(partition, self._turns.waiting(source))

    def _queue(self, fetched: Mapping[TopicPartition, Sequence[Any]]) -> None:
        for partition, records in fetched.items():
            source = source_of_inbox(partition.topic)
            if source is not None:
                now = time.monotonic()
                items = [FetchedRecord(source, record, self._assignment, now) for record in records]
                self._turns.add(source, items, now)

    async def _take_turn(self) -> None:
        taken = self._turns.take(time.monotonic())
        if not taken:
            return
        try:
            judged = [(source, await self._judge_all(source, items)) for source, items in taken]
            sending = [item for _, items in judged for item in items if item.message is not None]
            results = await self._producer.publish([i.message for i in sending if i.message is not None])
        except BaseException:
            for source, items in taken:
                self._put_back(source, items)
            raise
        failed = {id(item) for item, error in zip(sending, results, strict=True) if error is not None}
        for (source, items), (_, known) in zip(taken, judged, strict=True):
            if rest := items[len(known) :]:
                self._turns.put_back(source, rest, time.monotonic() + _ASKS_AGAIN_SECONDS)
            await self._finish(source, known, failed)

    async def _judge_all(self, source: str, items: Sequence[FetchedRecord]) -> Sequence[FetchedRecord]:
        """Judges items in order; returns those before the first that waits for news of its owner."""
        try:
            ended = await self._ends.load(source) if self._table.brings(source) else None
        except PyMongoError as error:
            _log.warning("the end of an inbox cannot be read: %s", type(error).__name__)
            return ()
        for at, item in enumerate(items):
            if item.outcome is None and not self._judge(item, ended):
                return items[:at]
            if item.end is not None:
                ended = max(item.end.epoch, ended or 0)
        await asyncio.sleep(0)  # Pages of the same process wait no longer than for one source.
        return items

    def _judge(self, item: FetchedRecord, ended: int | None) -> bool:
        """Judges a record. False if it is too early to say that the part is another's."""
        record = item.record
        found = judge(item.source, record.key, record.value, record.headers, self._table, ended)
        if isinstance(found, EndOfInbox):
            item.outcome, item.end = ENDED, found.body
            return True
        if not isinstance(found, Refusal):
            item.outcome, item.message = ACCEPTED, copy_of(found, record, self._table.version)
            return True
        if found.code in _OF_OWNERS and time.monotonic() < item.fetched + _HEARS_WITHIN_SECONDS:
            return False
        item.outcome = found.code.value
        told = record_refused(found, record, self._clock())
        self._keeper.keep(item.source, found, told.at)
        line = self._windows.setdefault(item.source, RefusalWindow()).add(told)
        item.message = None if line is None else message_of(line, item.source)
        return True

    def _put_back(self, source: str, items: Sequence[FetchedRecord]) -> None:
        self._turns.put_back(source, items, time.monotonic() + _AWAY_SECONDS)

    async def _finish(self, source: str, items: Sequence[FetchedRecord], failed: Collection[int]) -> None:
        """Notes what is finished, up to the first record that could not be published."""
        end = next((at for at, item in enumerate(items) if id(item) in failed), len(items))
        if end < len(items):
            _log.warning(
                "records of an inbox wait for a topic", extra={"locality": locality_of_source(source)}
            )
        for at, item in enumerate(items[:end]):
            if item.end is not None and not await self._is_stored(source, item, item.end):
                end = at
                break
        if end < len(items):
            self._put_back(source, items[end:])
        now = time.time()
        locality = locality_of_source(source) or ""
        for outcome, count in Counter(item.outcome for item in items[:end]).items():
            metrics.admission_records.labels(locality, outcome).inc(count)
        for item in items[:end]:
            if item.outcome == ACCEPTED:
                metrics.admission_seconds.observe(max(0.0, now - item.record.timestamp / 1000))
            if item.assignment == self._assignment:
                self._reached[item.partition] = item.record.offset + 1
        if end:
            metrics.last_progress.labels(_SERVICE, locality).set_to_current_time()
        self._note_done(source)

    async def _is_stored(self, source: str, item: FetchedRecord, end: InboxEnd) -> bool:
        """Stores the end of an inbox. What stood before it is copied or refused by now."""
        try:
            await self._ends.store(source, end, item.record, self._clock())
        except PyMongoError as error:
            _log.warning("the end of an inbox waits for the database: %s", type(error).__name__)
            return False
        _log.info("an inbox has ended, in epoch %d of its part", end.epoch)
        return True

    def _note_done(self, source: str) -> None:
        """Lets offsets be committed, of what is finished and told."""
        window = self._windows.get(source)
        for partition, reached in self._reached.items():
            if source_of_inbox(partition.topic) == source:
                untold = window.first_untold(partition.partition) if window else None
                self._inboxes.done(partition, reached if untold is None else min(reached, untold))

    async def _tell_summaries(self, *, at_once: bool = False) -> None:
        """Publishes the summaries of minutes that have ended. Those that fail are told again later."""
        for source, window in list(self._windows.items()):
            lines = window.due(self._clock(), at_once=at_once)
            if not lines:
                continue
            results = await self._producer.publish([message_of(line, source) for line in lines])
            if not any(results):
                window.summaries_told()
                self._note_done(source)

    async def _observe(self) -> None:
        """Updates the gauges by which an alert finds inboxes that nobody judges."""
        while True:
            await asyncio.sleep(_OBSERVE_SECONDS)
            try:
                lag = await self._inboxes.lag()
                for source in self._sources():
                    lag[locality_of_source(source) or ""] += self._turns.waiting(source)
            except Exception as error:
                _log.warning("gauges are behind: %s", type(error).__name__)
                continue
            for locality, records in lag.items():
                metrics.consumer_lag.labels(_SERVICE, locality).set(records)
                if records == 0:
                    metrics.last_progress.labels(_SERVICE, locality).set_to_current_time()

    async def _keep_committing(self) -> None:
        while True:
            await asyncio.sleep(self._options.commit_seconds)
            try:
                await self._inboxes.commit()
            except Exception as error:
                _log.warning("offsets of inboxes not committed: %s", type(error).__name__)

    async def _give_up(self) -> None:
        """Commits what is finished before partitions go to another member, which goes on from there."""
        try:
            async with asyncio.timeout(self._options.drain_seconds), self._turn:
                with contextlib.suppress(Exception):
                    await self._tell_summaries(at_once=True)
                await self._inboxes.commit()
        except TimeoutError:
            _log.warning("a turn in hand did not finish in time")
        self._begin_anew()

    def _begin_anew(self) -> None:
        """Forgets what was fetched and not finished: it is fetched again, here or by another member."""
        self._assignment += 1
        self._turns.clear()
        self._windows.clear()
        self._ends.forget()
        self._reached.clear()
        self._inboxes.forget()
