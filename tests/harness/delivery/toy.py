"""A part as small as a part can be: it answers every referral with one meeting, and a miss with another."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from shared.contract.events.envelope import Envelope, event_of
from shared.contract.events.fact import Fact
from shared.contract.events.models import EventBody, MeetingBooked, ReferralAgreement, ReferralCreated
from shared.contract.events.outcomes import ContactAttempted, MeetingMissed
from shared.contract.events.topics import dead_letter_topic, event_topics, our_parts
from shared.contract.events.vocabulary import (
    AgeBand,
    AgreedBy,
    AgreedHow,
    Channel,
    Need,
    Risk,
    Route,
    SafeToText,
)
from shared.contract.history import ReferralHistory, fold_referral, stage_of
from shared.delivery.kafka.topics import create_topics
from shared.delivery.kernel import Kernel
from shared.delivery.model.decision import NOTHING, Decision, DecisionContext, ScheduledTask, TaskRow
from shared.delivery.model.service_definition import NoRepository, ServiceDefinition
from shared.delivery.options import Options
from shared.platform.clock import Clock, system_clock
from shared.platform.ids import new_id
from shared.platform.kafka_connection import KafkaConnection
from tests.harness.history.sources import RankedBy

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
PART: Final = "matching"


def _rank(source: str) -> int:
    return 0 if our_parts(source).isdisjoint({"booking", "casework"}) else 1


SOURCES = RankedBy(_rank)


def created(
    locality: str, referral_id: str | None = None, needs: Sequence[Need] = (Need.DEBT,)
) -> ReferralCreated:
    return ReferralCreated(
        referral_id=referral_id or new_id(),
        locality=locality,
        practice="M83100",
        person_ref=str(uuid4()),
        route=Route.PRACTICE,
        age_band=AgeBand.FROM_65,
        needs=tuple(needs),
        agreement=ReferralAgreement(by=AgreedBy.PERSON, how=AgreedHow.IN_PERSON, at=NOW),
        risk=Risk.NONE_KNOWN,
        contact=SafeToText.YES,
        outward_code="ST3",
    )


def said(
    body: EventBody, by: str = "referral", identity: str | None = None, time: datetime = NOW
) -> Envelope:
    """An event as somebody else would say it."""
    return Envelope(
        id=identity or new_id(),
        source=f"/{body.locality}/{by}",
        event=event_of(body),
        time=time,
        recorded=time,
        body=body,
        raw=body.model_dump_json(exclude_none=True).encode(),
    )


def book(story: ReferralHistory, _: None, context: DecisionContext) -> Decision:
    if not story.open or story.active is not None or story.attended or story.created is None:
        return NOTHING
    meeting = MeetingBooked(
        referral_id=context.referral_id,
        locality=context.locality,
        meeting_id=context.new_id(),
        sequence=len(story.meetings),
        link_worker=f"lw-{context.locality}-1",
        practice=story.created.practice,
        starts_at=context.now + timedelta(days=1),
        minutes=45,
    )
    return Decision([meeting], tasks=[ScheduledTask("ring", meeting.meeting_id, context.now)])


def ring(story: ReferralHistory, _: None, context: DecisionContext, row: TaskRow) -> Decision:
    return Decision(
        [
            ContactAttempted(
                referral_id=context.referral_id,
                locality=context.locality,
                channel=Channel.PHONE,
                reached=True,
            )
        ]
    )


def fold(facts: Sequence[Fact]) -> ReferralHistory:
    return fold_referral(facts, SOURCES)


def document(story: ReferralHistory) -> dict[str, Any]:
    return {"stage": stage_of(story).value, "meetings": len(story.meetings), "contacts": len(story.contacts)}


TOY: ServiceDefinition[ReferralHistory, None] = ServiceDefinition(
    name="matching",
    fold=fold,
    fold_version=1,
    to_document=document,
    repository=NoRepository(),
    decisions={"referral_created": book, "meeting_missed": book},
    tasks={"ring": ring},
)


def missed(locality: str, referral_id: str, meeting_id: str) -> MeetingMissed:
    return MeetingMissed(referral_id=referral_id, locality=locality, meeting_id=meeting_id)


@dataclass
class Bench:
    """A locality of its own on the real broker, and a database of its own."""

    kafka: KafkaConnection
    mongo_url: str
    locality: str
    producer: AIOKafkaProducer
    options: Options
    group_offsets: dict[TopicPartition, int] = field(default_factory=dict)

    def kernel(
        self, part: ServiceDefinition[Any, Any] = TOY, clock: Clock = system_clock, **options: Any
    ) -> Kernel[Any, Any]:
        return Kernel(part, replace(self.options, **options), [self.locality], clock)

    async def say(self, *events: Envelope) -> None:
        for event in events:
            await self.producer.send_and_wait(
                event.topic(), event.raw, key=event.body.referral_id.encode(), headers=event.headers()
            )

    async def heard(
        self,
        topic: str,
        count: int,
        seconds: float = 10.0,
        of: "Callable[[ConsumerRecord[bytes, bytes]], bool]" = lambda _: True,
    ) -> "list[ConsumerRecord[bytes, bytes]]":
        """The records `of` this sort in a topic, once there are `count`, or after so many seconds."""
        consumer = AIOKafkaConsumer(
            topic, **self.kafka.client_arguments(), auto_offset_reset="earliest", enable_auto_commit=False
        )
        await consumer.start()
        found: list[ConsumerRecord[bytes, bytes]] = []
        try:
            end = datetime.now(UTC) + timedelta(seconds=seconds)
            while len(found) < count and datetime.now(UTC) < end:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found += filter(of, records)
            for records in (await consumer.getmany(timeout_ms=300)).values():
                found += filter(of, records)
        finally:
            await consumer.stop()
        return found

    async def whole(self, topic: str) -> "list[ConsumerRecord[bytes, bytes]]":
        """All that a topic holds by now."""
        found: list[ConsumerRecord[bytes, bytes]] = []
        async with AIOKafkaConsumer(
            topic, **self.kafka.client_arguments(), auto_offset_reset="earliest", enable_auto_commit=False
        ) as consumer:
            for partition, end in (await consumer.end_offsets(consumer.assignment())).items():
                while await consumer.position(partition) < end:
                    for records in (await consumer.getmany(partition, timeout_ms=200)).values():
                        found += records
        return found

    async def dead_letters(self, count: int, seconds: float = 10.0) -> "list[ConsumerRecord[bytes, bytes]]":
        """This locality's dead letters, once there are so many."""

        def mine(record: "ConsumerRecord[bytes, bytes]") -> bool:
            return str(dict(record.headers)["dlq-original-topic"].decode()).startswith(self.locality + ".")

        return await self.heard(dead_letter_topic("matching"), count, seconds=seconds, of=mine)


_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def locality_name() -> str:
    """A locality that no other test has: letters only, as topic names ask."""
    number, name = uuid4().int, ""
    while len(name) < 10:
        number, rest = divmod(number, 26)
        name += _LETTERS[rest]
    return f"t{name}"


@asynccontextmanager
async def bench(kafka: KafkaConnection, mongo_url: str, partitions: int = 3) -> AsyncIterator[Bench]:
    locality = locality_name()
    # Those of dead letters are the whole broker's: what comes after this test expects them as they should be.
    await create_topics(kafka, [])
    admin = AIOKafkaAdminClient(**kafka.client_arguments())
    await admin.start()
    await admin.create_topics([NewTopic(name, partitions, 1) for name in event_topics(locality)])
    await admin.close()
    producer = AIOKafkaProducer(**kafka.client_arguments(), max_request_size=2_000_000)
    await producer.start()
    options = Options(
        kafka=kafka,
        mongo_url=mongo_url,
        database=f"test_{locality}",
        dead_letter_key=b"a key for tests only",
        session_timeout_ms=3000,
        lease_seconds=2.0,
        task_poll_seconds=0.1,
        breaker_open_seconds=0.5,
    )
    try:
        yield Bench(kafka, mongo_url, locality, producer, options)
    finally:
        await producer.stop()
