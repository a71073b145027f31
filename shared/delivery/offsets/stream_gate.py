"""The gate before a stream's polls: no record is read before it is known where the stream goes on.

After every change of partitions, the gate compares the handled offsets with the broker's and seeks. While
they disagree, it stays shut and looks again. A second loop looks while the gate is open.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Final, Protocol

from aiokafka import TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError
from pymongo.errors import PyMongoError

from shared.contract.events.topics import Part, group
from shared.delivery.offsets.handled import HandledOffsets
from shared.delivery.offsets.verdict import (
    MISMATCHES,
    Committed,
    Mismatch,
    StreamState,
    TopicState,
    Verdict,
    judge,
)
from shared.platform import metrics

_LOOK_SECONDS: Final = 15.0
_SHUT_SECONDS: Final = 0.25
_ENDS_SECONDS: Final = 3.0
_log = logging.getLogger(__name__)
EndsOf = Callable[[Sequence[TopicPartition]], Awaitable[Mapping[TopicPartition, int]]]
Opened = Callable[[Mapping[TopicPartition, int]], None]


class Broker(Protocol):
    """The gate's questions to the broker."""

    async def topics(self, names: Sequence[str]) -> Mapping[str, TopicState]:
        """Those of these topics that exist."""

    async def committed(self, group: str) -> Mapping[TopicPartition, Committed]:
        """The committed offsets of a group."""


class Client(Protocol):
    """The part of a consumer that the gate needs."""

    def assignment(self) -> Collection[TopicPartition]:
        """The partitions of this member."""

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """Goes on from this offset."""

    async def end_offsets(self, partitions: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        """The ends of these partitions."""


class StreamGate:
    """The gate of one locality's stream.

    Attributes:
        is_open: the stream reads from where it should. A change of partitions shuts the gate at once.
        turn: the number of times that the gate was shut.
        mismatch: why the stream is stopped until an operator decides.
        missing: the locality's topics that do not exist.
        away: what the gate waits for, as a code.
    """

    def __init__(
        self, service: Part, locality: str, topics: Sequence[str], broker: Broker, handled: HandledOffsets
    ) -> None:
        self.is_open = False
        self.turn = 0
        self.mismatch: Mismatch | None = None
        self.missing: list[str] = []
        self.away: str | None = None
        self._service: Part = service
        self._locality = locality
        self._topics = topics
        self._broker = broker
        self._handled = handled
        self._logs: dict[TopicPartition, str] = {}
        self._judged: frozenset[TopicPartition] = frozenset()
        # The committed offsets when the gate last opened. Those of another client are undone soon after.
        self._undone: Mapping[TopicPartition, Committed] = {}
        self._is_waited_for = False

    def shut(self) -> None:
        """Shuts the gate. The next poll compares the offsets again."""
        self.is_open = False
        self.turn += 1

    def lets_pass(self, partition: TopicPartition) -> bool:
        """True if records of this partition come from where the stream should go on."""
        return self.is_open and partition in self._judged

    async def passed(self, client: Client, opened: Opened) -> None:
        """Waits until the gate is open for this client's present partitions.

        Each time that it opens, `opened` receives the offsets that must be committed again.
        """
        while not self.is_open:
            turn, self._is_waited_for = self.turn, True
            try:
                back = await self._try_to_open(client)
                if back is not None:
                    opened(back)
                elif turn == self.turn:
                    await asyncio.sleep(_SHUT_SECONDS)
            finally:
                self._is_waited_for = False

    async def advance(self, offsets: Mapping[TopicPartition, int]) -> bool:
        """Stores handled offsets before they are committed; False if the gate must look again first.

        Raises:
            PyMongoError: the database is away.
        """
        if await self._handled.advance(offsets, self._logs):
            return True
        self.shut()
        return False

    async def watch(self, client: Callable[[], Client | None]) -> None:
        """Looks for missing topics and for commits of other clients, also before the stream has started."""
        while True:
            try:
                await self.look(client())
            except Exception as error:
                _log.warning(
                    "offsets not compared: %s", type(error).__name__, extra={"locality": self._locality}
                )
            await asyncio.sleep(_LOOK_SECONDS)

    async def look(self, client: Client | None) -> None:
        """Compares the offsets once, and shuts the gate if the stream must stop or go back.

        Raises:
            KafkaError, OSError, PyMongoError: a store is away.
        """
        if self._is_waited_for:
            return  # It looks by itself, and knows the ends of the log too.
        turn = self.turn
        state = await self._state(())
        verdict = judge(state)
        if turn != self.turn:
            return
        self._report(verdict)
        ours = set(client.assignment()) if client is not None else set()
        unjudged = ours & verdict.starts.keys() - self._judged
        if verdict.mismatch is not None or unjudged or self._newly_passed_over(state, verdict, ours):
            self.shut()

    async def _try_to_open(self, client: Client) -> Mapping[TopicPartition, int] | None:
        """Seeks and opens the gate; returns the offsets to commit again, or None if it stays shut."""
        turn = self.turn
        try:
            state = await self._state(client.assignment(), client.end_offsets)
            verdict = judge(state)
            if verdict.mismatch is None:
                await self._handled.add(verdict.first)
            handled = await self._handled.read()
        except Exception as error:
            self._note_away(error)
            return None
        self.away = None
        if turn != self.turn:
            return None
        self._report(verdict)
        if verdict.mismatch is not None:
            return None
        # Of a topic that is missing, or that may not be read, nothing is known and nothing passes.
        judged = frozenset(client.assignment()) & verdict.starts.keys()
        try:
            for partition in judged:
                client.seek(partition, verdict.starts[partition])
        except IllegalStateError:  # Another member has the partition by now.
            return None
        self._logs = {at: offset.log for at, offset in handled.items()}
        self._judged = judged
        self.is_open = True
        self._count_rewind(state, verdict)
        return {at: verdict.uncommitted[at] for at in judged if at in verdict.uncommitted}

    async def _state(
        self, assigned: Collection[TopicPartition], ends_of: EndsOf | None = None
    ) -> StreamState:
        topics = await self._broker.topics(self._topics)
        self.missing = [name for name in self._topics if name not in topics]
        metrics.topics_missing.labels(self._service, self._locality).set(len(self.missing))
        # The committed offsets first: a service of ours stores the handled offset before it commits.
        committed = await self._broker.committed(group(self._locality, self._service))
        handled = await self._handled.read()
        adopts = not handled and await self._handled.adopts()
        ends: Mapping[TopicPartition, int] = {}
        known = [at for at in assigned if at.topic in topics]
        if ends_of is not None and known:
            async with asyncio.timeout(_ENDS_SECONDS):
                ends = await ends_of(known)
        return StreamState(topics, handled, committed, ends, adopts)

    def _newly_passed_over(
        self, state: StreamState, verdict: Verdict, partitions: Collection[TopicPartition]
    ) -> list[TopicPartition]:
        return [
            at
            for at in partitions
            if at in verdict.passed_over and state.committed.get(at) != self._undone.get(at)
        ]

    def _count_rewind(self, state: StreamState, verdict: Verdict) -> None:
        back = self._newly_passed_over(state, verdict, self._judged)
        self._undone = {at: kept for at, kept in state.committed.items() if at in verdict.passed_over}
        if back:
            metrics.stream_rewinds.labels(self._service, self._locality).inc()
            _log.error(
                "another client committed %d records that were not handled; they are read now",
                sum(verdict.passed_over[at] for at in back),
                extra={"locality": self._locality},
            )

    def _report(self, verdict: Verdict) -> None:
        if verdict.mismatch is not None and self.mismatch is None:
            where = ", ".join(f"{at.topic}/{at.partition}" for at in verdict.partitions)
            _log.error("stream stopped: %s (%s)", verdict.mismatch, where, extra={"locality": self._locality})
        self.mismatch = verdict.mismatch
        labels = (self._service, self._locality)
        for reason in MISMATCHES:
            metrics.stream_mismatch.labels(*labels, reason).set(reason == verdict.mismatch)
        metrics.records_passed_over.labels(*labels).set(sum(verdict.passed_over.values()))

    def _note_away(self, error: Exception) -> None:
        if isinstance(error, PyMongoError):
            self.away = "transient"
        elif isinstance(error, KafkaError | OSError):
            self.away = "broker"
        else:
            self.away = "own_code"
            _log.error("offsets not compared", exc_info=error, extra={"locality": self._locality})
