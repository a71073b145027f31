"""The kit on the bus: says events, hears what is said, and plays admission for an inbox."""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError

from conformance.contract import EVENTS, differences
from conformance.events import (
    EPOCH_HEADER,
    INBOX_END,
    MARKER,
    Event,
    Headers,
    Ids,
    marker,
    partition_of,
    plain_headers,
    read,
    with_header,
)
from conformance.settings import Settings
from conformance.world import World

_POLL_MS: Final = 50
_ABORTS_AFTER_MS: Final = 20_000


# The refusal of a record that is none of the three events.
_NO_EVENT: Final = (
    "not_cloudevents",
    "it needs the headers of CloudEvents, one of the three types, and a JSON object as body",
)


@dataclass(frozen=True, slots=True)
class Refused:
    """A record of the part's inbox that the kit, as admission, did not copy: the code, and what is wrong."""

    code: str
    detail: str
    event: Event | None

    def line(self) -> str:
        """The refusal in one line of a report."""
        what = self.event.line() if self.event else "a record that the kit cannot read as an event"
        return f"refused by admission, {self.code} ({self.detail}): {what}"


class Bus:
    """Topics of the run's localities. `heard` has what was said since the run began, by referral."""

    def __init__(self, settings: Settings, world: World, ids: Ids) -> None:
        self._settings = settings
        self._world = world
        self._ids = ids
        self._producer: AIOKafkaProducer
        self._changed = asyncio.Event()
        self._listening: asyncio.Task[None] | None = None
        self.heard: dict[str, list[Event]] = defaultdict(list)
        self.refused: list[Refused] = []
        # The highest epoch of a part's markers, by locality and part.
        self.highest: dict[tuple[str, str], int] = {}
        # Localities in which the inbox has ended, until the part is its source's again.
        self.closed: set[str] = set()
        # Localities whose inbox has ended before: what is said there names its epoch.
        self.ended: set[str] = set()
        self.partitions: dict[str, int] = {}
        # Ids of events that the kit said in the name of the part under test.
        self.forged: set[str] = set()

    @property
    def topics(self) -> list[str]:
        """The event topics of the run's localities."""
        return [f"{slug}.{event}.v1" for slug in self._settings.localities for event in EVENTS]

    @property
    def inboxes(self) -> dict[str, str]:
        """The inboxes that the kit admits, each with the locality."""
        if not self._settings.inbox:
            return {}
        name = self._settings.speaks_as.rpartition("/")[2]
        return {f"in.{slug}.{name}": slug for slug in self._settings.localities}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Makes topics that are missing, and listens from their ends."""
        await self._make_topics()
        kafka = self._settings.kafka.arguments()
        self._producer = AIOKafkaProducer(**kafka, acks="all", enable_idempotence=True)
        ears = AIOKafkaConsumer(**kafka, group_id=None, isolation_level="read_committed")
        await self._producer.start()
        await ears.start()
        try:
            places = [
                TopicPartition(topic, partition)
                for topic in (*self.topics, *self.inboxes)
                for partition in range(await self._count(topic))
            ]
            ears.assign(places)
            await self._read_markers(ears, places)
            await ears.seek_to_end(*places)
            # Known before the first word, so that nothing is said in front of it.
            for each in places:
                await ears.position(each)
            self._listening = asyncio.create_task(self._listen(ears))
            yield
        finally:
            if self._listening is not None:
                self._listening.cancel()
                await asyncio.gather(self._listening, return_exceptions=True)
            await ears.stop()
            await self._producer.stop()

    async def say(self, *events: Event) -> None:
        """Publishes events, in this order within a partition."""
        word = self._settings.speaks_as.rpartition("/")[2]
        self.forged |= {event.id for event in events if event.source.rpartition("/")[2] == word}
        sent = []
        for event in events:
            key = event.referral.encode()
            partition = partition_of(key, await self._count(event.topic))
            sent.append(await self._send(event.topic, key, event.value(), event.headers(), partition))
        await asyncio.gather(*sent)

    async def say_raw(
        self, topic: str, key: bytes | None, value: bytes | None, headers: Headers, partition: int
    ) -> None:
        """Publishes any record."""
        await (await self._send(topic, key, value, headers, partition))

    async def _send(
        self, topic: str, key: bytes | None, value: bytes | None, headers: Headers, partition: int
    ) -> Awaitable[Any]:
        """Hands a record to the producer, in its order. The answer comes with the broker's."""
        sent: Awaitable[Any] = await self._producer.send(
            topic, value, key=key, headers=headers, partition=partition
        )
        return sent

    async def say_in_transaction(self, events: Iterable[Event], *, commits: bool) -> None:
        """Publishes events in a transaction that is committed or aborted."""
        arguments = self._settings.kafka.arguments()
        producer = AIOKafkaProducer(
            **arguments,
            transactional_id=f"conformance-{self._ids()}",
            transaction_timeout_ms=_ABORTS_AFTER_MS,
        )
        await producer.start()
        try:
            await producer.begin_transaction()
            for event in events:
                partition = partition_of(event.referral.encode(), await self._count(event.topic))
                await producer.send_and_wait(
                    event.topic,
                    event.value(),
                    key=event.referral.encode(),
                    headers=event.headers(),
                    partition=partition,
                )
            await (producer.commit_transaction() if commits else producer.abort_transaction())
        finally:
            await producer.stop()

    async def mark(self, locality: str, part: str, epoch: int, owner: str) -> None:
        """Writes the marker of a hand-over into every partition of the three topics."""
        sent = []
        for event in EVENTS:
            topic = f"{locality}.{event}.v1"
            for partition in range(await self._count(topic)):
                value, headers = marker(locality, part, epoch, owner, self._ids(), datetime.now(UTC))
                sent.append(await self._send(topic, part.encode(), value, headers, partition))
        await asyncio.gather(*sent)

    async def end_inbox(self, inbox: str, part: str, epoch: int) -> None:
        """Writes the end of an inbox, as the operator does with `--forced`."""
        locality = self.inboxes[inbox]
        body = json.dumps({"locality": locality, "part": part, "epoch": epoch}).encode()
        headers = plain_headers(INBOX_END, self._ids(), self._settings.speaks_as, datetime.now(UTC))
        await self.say_raw(inbox, None, body, headers, 0)

    async def changes(self, seconds: float) -> None:
        """Waits until something was heard, or this long. Raises what ended the listening."""
        if self._listening is not None and self._listening.done():
            self._listening.result()
        self._changed.clear()
        try:
            await asyncio.wait_for(self._changed.wait(), seconds)
        except TimeoutError:
            return

    def said_by(self, source: str, referral: str) -> list[Event]:
        """The facts of a source about a referral, each once, in the order in which they were heard."""
        found: dict[str, Event] = {}
        for each in self.heard[referral]:
            if each.source == source and each.id not in self.forged:
                found.setdefault(each.id, each)
        return list(found.values())

    async def _read_markers(self, ears: AIOKafkaConsumer, places: list[TopicPartition]) -> None:
        """Reads the log for the epochs that it has seen."""
        ends = await ears.end_offsets(places)
        behind = {each for each in places if ends[each] and not each.topic.startswith("in.")}
        await ears.seek_to_beginning(*places)
        while behind:
            for records in (await ears.getmany(timeout_ms=_POLL_MS)).values():
                for record in records:
                    self._marker(record)
            behind = {each for each in behind if await ears.position(each) < ends[each]}

    def _marker(self, record: Any) -> None:
        if any(name == "ce_type" and value == MARKER.encode() for name, value in record.headers):
            body = json.loads(record.value)
            name = body["locality"], body["part"]
            self.highest[name] = max(self.highest.get(name, 0), int(body["epoch"]))

    async def _listen(self, ears: AIOKafkaConsumer) -> None:
        while True:
            copied: list[Awaitable[Any]] = []
            for place, records in (await ears.getmany(timeout_ms=_POLL_MS)).items():
                for record in records:
                    if place.topic in self.inboxes:
                        copied += await self._admit(self.inboxes[place.topic], record)
                        continue
                    event = read(record)
                    if event is not None and event.referral:
                        self.heard[event.referral].append(event)
                self._changed.set()
            await asyncio.gather(*copied)

    async def _admit(self, locality: str, record: Any) -> list[Awaitable[Any]]:
        """Copies a record of an inbox, or refuses it. Gives what the broker has to acknowledge."""
        event = read(record)
        if event is not None and event.event == "inbox-end":
            if self._world.owner(locality, self._settings.part).claim is None:
                return [await self._refuse(Refused("no_hand_over", "nobody claims the part", event), record)]
            self._world.stopped.add((locality, self._settings.part))
            self.closed.add(locality)
            self.ended.add(locality)
            self._changed.set()
            return []
        wrong = self._judged(locality, event, record)
        if wrong is not None or event is None:
            return [await self._refuse(Refused(*(wrong or _NO_EVENT), event), record)]
        receipt = [
            ("linkwork-inbox", record.topic),
            ("linkwork-partition", str(record.partition)),
            ("linkwork-offset", str(record.offset)),
            ("linkwork-table-version", "1"),
        ]
        headers = list(record.headers)
        for key, value in receipt:
            headers = with_header(headers, key, value)
        partition = partition_of(record.key, await self._count(event.topic))
        return [await self._send(event.topic, record.key, record.value, headers, partition)]

    async def _refuse(self, refused: Refused, record: Any) -> Awaitable[Any]:
        """Tells the part of a refusal, as admission does."""
        self.refused.append(refused)
        told = {
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
            "code": refused.code,
            "id": refused.event.id if refused.event else None,
            "detail": f"Refused by the conformance kit: {refused.detail}.",
        }
        name = record.topic.replace("in.", "refused.", 1)
        sent: Awaitable[Any] = await self._producer.send(name, json.dumps(told).encode())
        return sent

    def _judged(self, locality: str, event: Event | None, record: Any) -> tuple[str, str] | None:
        """The code and the reason for which admission refuses a record; None for one that it copies."""
        settings = self._settings
        if event is None or event.event not in EVENTS:
            return _NO_EVENT
        source = f"/{locality}/{settings.speaks_as.rpartition('/')[2]}"
        if event.source != source:
            return "wrong_source", f"`ce_source` must be {source}"
        if event.data.get("locality") != locality:
            return "wrong_locality", f"the body's locality must be {locality}"
        if record.key != event.referral.encode():
            return "wrong_key", "the key must be the body's referral_id"
        if wrong := differences(event.event, event.data):
            return "invalid_body", f"the body differs from its schema at {', '.join(wrong)}"
        owned = self._world.owner(locality, settings.part)
        if owned.owner != settings.name:
            return "not_owner", f"the part is {owned.owner}'s"
        if locality in self.closed:
            return "not_owner", "the inbox has ended"
        named = dict(record.headers).get(EPOCH_HEADER)
        if named == str(owned.epoch).encode() or (named is None and locality not in self.ended):
            return None
        return "wrong_epoch", f"`{EPOCH_HEADER}` must be {owned.epoch}"

    async def _count(self, topic: str) -> int:
        if topic not in self.partitions:
            found = await self._producer.partitions_for(topic)
            self.partitions[topic] = len(found)
        return self.partitions[topic]

    async def _make_topics(self) -> None:
        admin = AIOKafkaAdminClient(**self._settings.kafka.arguments())
        await admin.start()
        try:
            wanted = [NewTopic(topic, self._settings.partitions, 1) for topic in self.topics]
            for inbox in self.inboxes:
                wanted += [NewTopic(inbox, 1, 1), NewTopic(inbox.replace("in.", "refused.", 1), 1, 1)]
            for topic in wanted:
                try:
                    answer = await admin.create_topics([topic])
                except TopicAlreadyExistsError:
                    continue
                for _, code, *_ in answer.topic_errors:
                    if code not in (0, TopicAlreadyExistsError.errno):
                        raise KafkaError(f"{topic.name} cannot be made: error {code}")
        finally:
            await admin.close()
