"""The partner's one loop: read the three topics, keep facts, decide while it owns booking, publish, end.

Nothing rests on the broker's group: offsets stand beside the facts, and each start seeks to them. So it does
not matter whether the group is new, begins at the latest record, or was reset.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError

from shared.contract.events.envelope import Envelope, event_of, read
from shared.contract.events.headers import EPOCH_HEADER
from shared.contract.events.marker import Marker
from shared.contract.events.models import EventBody
from shared.contract.events.topics import event_topics, inbox_topic, partner_source
from shared.contract.history import CREATION, ENDINGS, MEETINGS, ReferralHistory, SourceTable, fold_referral
from shared.platform.clock import Clock
from shared.platform.ids import new_id
from tests.harness.parts.booker.answer import answer, holds, is_old
from tests.harness.parts.booker.diary import Diary
from tests.harness.parts.booker.memory import Memory, Row

_log = logging.getLogger("booker")
PART: Final = "booking"
PARTITIONS: Final = 9
END_TYPE: Final = "org.linkwork.inbox-end.v1"
SECTIONS: Final = (CREATION, MEETINGS, ENDINGS)
_WAIT_SECONDS: Final = 20.0  # BOOK-17
_AT_ONCE: Final = 200
Record = Any


@dataclass(frozen=True)
class Standing:
    """Who owns booking, as the parts API says it."""

    owner: str
    epoch: int
    claimed_by: str | None


@dataclass
class Booker:
    """The state of the process beside its file."""

    locality: str
    partner: str
    memory: Memory
    clock: Clock
    sources: SourceTable
    diary: Diary
    standing: Standing | None = None
    # Referrals to look at, each not before this moment of the monotonic clock.
    due: dict[str, float] | None = None

    @property
    def source(self) -> str:
        """The partner's source."""
        return partner_source(self.locality, self.partner)

    @property
    def bookers(self) -> frozenset[str]:
        """Sources of the owners of booking here, former ones too."""
        return frozenset({self.source, f"/{self.locality}/booking", f"/{self.locality}/matching"})

    def history(self, referral: str) -> ReferralHistory:
        """The fold of a referral's facts."""
        return fold_referral(self.memory.facts(referral), self.sources, SECTIONS)

    def epoch(self) -> int:
        """The epoch in which this partner decides; 0 while it does not.

        It decides from the moment when it has passed the epoch's marker in every partition, until it is asked
        to stop.
        """
        known = self.standing
        if known is None or known.owner != self.partner or known.claimed_by not in (None, self.partner):
            return 0
        if self.memory.word("ended", 0) >= known.epoch or self.memory.marked(known.epoch) < PARTITIONS:
            return 0
        return known.epoch

    def take(self, records: Iterable[Record]) -> None:
        """Keeps records and offsets in one transaction, with what is decided of them."""
        touched: set[str] = set()
        with self.memory.transaction():
            for record in records:
                event = read(record.topic, record.key, record.value, record.headers)
                if isinstance(event, Marker):
                    if event.body.part == PART:
                        self.memory.mark(record.topic, record.partition, event.body.epoch)
                elif isinstance(event, Envelope) and self.memory.add(event):
                    touched.add(event.body.referral_id)
                self.memory.reach(record.topic, record.partition, record.offset + 1)
            for referral in touched:
                self._look(referral, patient=True)
        self.look_at_all()
        self.look_at_due()

    def learn(self) -> None:
        """Reads the whole file once, at the start: the diary is in memory alone."""
        for referral in self.memory.referrals():
            self.diary.hold(referral, holds(self.history(referral)))

    def look_at_all(self) -> None:
        """Looks once at every referral, when the partner has become the owner."""
        epoch = self.epoch()
        if not epoch or not self.diary.is_staffed or self.memory.word("looked", 0) >= epoch:
            return
        for referral in self.memory.referrals():
            with self.memory.transaction():
                self._look(referral, patient=False)
        with self.memory.transaction():
            self.memory.keep("looked", epoch)

    def look_at_due(self) -> None:
        """Looks at referrals whose log may have been incomplete."""
        now = time.monotonic()
        due = [referral for referral, at in (self.due or {}).items() if at <= now][:_AT_ONCE]
        if due:
            with self.memory.transaction():
                for referral in due:
                    del (self.due or {})[referral]
                    self._look(referral, patient=False)

    def _look(self, referral: str, *, patient: bool) -> None:
        history = self.history(referral)
        self.diary.hold(referral, holds(history))
        epoch = self.epoch()
        if not epoch or not self.diary.is_staffed or history.created is None:
            return
        now = self.clock()
        if patient and history.open and not history.active and is_old(history, now):
            self.due = {**(self.due or {}), referral: time.monotonic() + _WAIT_SECONDS}
            return
        for body in answer(referral, history, self.diary, now, new_id, self.bookers):
            self.say(body, now, epoch)
        self.diary.hold(referral, holds(self.history(referral)))

    def say(self, body: EventBody, now: datetime, epoch: int) -> None:
        """Adds an event to the facts and to the outbox, within the caller's transaction."""
        raw = body.model_dump_json(exclude_none=True).encode()
        event = Envelope(new_id(), self.source, event_of(body), now, now, body, raw)
        self.memory.add(event)
        headers = [*event.headers(), (EPOCH_HEADER, str(epoch).encode())]
        self.memory.put(epoch, body.referral_id.encode(), raw, headers)

    def to_end(self) -> int:
        """The epoch whose inbox is to end now: another claims booking, and nothing waits to be said."""
        known = self.standing
        if known is None or known.owner != self.partner or known.claimed_by in (None, self.partner):
            return 0
        if self.memory.word("end_said", 0) >= known.epoch:
            return 0
        with self.memory.transaction():
            self.memory.keep("ended", known.epoch)
        return 0 if self.memory.outbox() else known.epoch

    def end(self, epoch: int) -> tuple[bytes, list[tuple[str, bytes]]]:
        """The record that ends the inbox of an epoch: value and headers."""
        body = f'{{"locality":"{self.locality}","part":"{PART}","epoch":{epoch}}}'.encode()
        attributes = {
            "ce_specversion": "1.0",
            "ce_id": new_id(),
            "ce_source": self.source,
            "ce_type": END_TYPE,
            "ce_time": self.clock().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "content-type": "application/json",
        }
        return body, [(name, value.encode()) for name, value in attributes.items()]

    def to_publish(self) -> list[Row]:
        """The records to publish. Those of an ended epoch are dropped: they would be said in another's name.

        Until the partner knows who owns booking, it publishes nothing: it may have slept for epochs.
        """
        known = self.standing
        if known is None:
            return []
        epoch = known.epoch if known.owner == self.partner else -1
        rows = self.memory.outbox()
        if any(row.epoch != epoch for row in rows):
            with self.memory.transaction():
                self.memory.void(epoch)
            rows = self.memory.outbox()
        return rows


class _SeekToOurOwn:
    """Begins at the offsets of the file, whatever the group says."""

    def __init__(self, memory: Memory, consumer: Callable[[], AIOKafkaConsumer]) -> None:
        self._memory = memory
        self._consumer = consumer

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Nothing is committed, so that nothing is to do."""

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Seeks in each partition."""
        reached = self._memory.reached()
        for partition in assigned:
            self._consumer().seek(partition, reached.get((partition.topic, partition.partition), 0))


# aiokafka takes no other type, and ships none that mypy could hold a subclass to.
ConsumerRebalanceListener.register(_SeekToOurOwn)


async def follow(booker: Booker, connection: Mapping[str, Any], group: str | None, reset: str) -> None:
    """Reads, decides and publishes until it is cancelled. Connects again after each error of the broker."""
    while True:
        try:
            await _follow(booker, connection, group, reset)
        except (KafkaError, OSError, RuntimeError) as error:
            _log.warning("connects again: %s", type(error).__name__)
            await asyncio.sleep(0.5)


async def _follow(booker: Booker, connection: Mapping[str, Any], group: str | None, reset: str) -> None:
    consumer = AIOKafkaConsumer(
        **connection,
        group_id=group,
        auto_offset_reset=reset,
        enable_auto_commit=False,
        isolation_level="read_committed",
        session_timeout_ms=6000,
        request_timeout_ms=5000,
    )
    consumer.subscribe(event_topics(booker.locality), listener=_SeekToOurOwn(booker.memory, lambda: consumer))
    await consumer.start()
    try:
        while True:
            batches = await consumer.getmany(timeout_ms=200, max_records=500)
            records = [record for batch in batches.values() for record in batch]
            booker.take(records)
            await _publish(booker, connection)
    finally:
        with contextlib.suppress(Exception):
            await asyncio.wait_for(consumer.stop(), 5)


async def _publish(booker: Booker, connection: Mapping[str, Any]) -> None:
    """Publishes the outbox, and the end of the inbox when it is time."""
    rows, ending = booker.to_publish(), booker.to_end()
    if not rows and not ending:
        return
    inbox = inbox_topic(booker.source)
    # A producer of its own each time: one that was refused for want of rights stays broken.
    async with AIOKafkaProducer(
        **connection, acks="all", enable_idempotence=True, request_timeout_ms=5000
    ) as producer:
        sent = [await producer.send(inbox, row.value, key=row.key, headers=row.headers) for row in rows]
        await asyncio.gather(*sent)
        with booker.memory.transaction():
            booker.memory.done(row.id for row in rows)
        if ending:
            value, headers = booker.end(ending)
            await producer.send_and_wait(inbox, value, key=PART.encode(), headers=headers)
            with booker.memory.transaction():
                booker.memory.keep("end_said", ending)
