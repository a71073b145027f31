"""The history on a real broker: every event is there, what came of a referral before its creation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.demo.history.journal import Journal
from deploy.demo.publishing import publish
from shared.contract.events import outcomes as o
from shared.contract.events import topics
from shared.contract.events import vocabulary as v
from shared.contract.events.envelope import Envelope, read
from shared.contract.events.models import ReferralAgreement, ReferralCreated
from shared.delivery.kafka.topics import PARTITIONS, create_topics
from shared.platform.kafka_connection import KafkaConnection

TOWN = "playtown"
BEGAN = datetime(2026, 9, 7, 9, 0, tzinfo=UTC)


def story(number: int) -> list[Envelope]:
    journal = Journal(TOWN, f"publishing/{number}", BEGAN, BEGAN + timedelta(days=60))
    journal.say(
        BEGAN,
        ReferralCreated,
        practice="M83100",
        person_ref=journal.id_at(BEGAN, "person"),
        route=v.Route.PRACTICE,
        age_band=v.AgeBand.FROM_65,
        needs=(v.Need.CRAFT,),
        agreement=ReferralAgreement(by=v.AgreedBy.PERSON, how=v.AgreedHow.PHONE, at=BEGAN),
        risk=v.Risk.NONE_KNOWN,
        contact=v.SafeToText.YES,
    )
    journal.say(BEGAN + timedelta(days=1), o.ReferralClosed, reason=v.CloseReason.COMPLETED)
    return journal.events


async def everything(kafka: KafkaConnection) -> list[tuple[int, Envelope]]:
    """All that the town's topics hold, with the broker's timestamps."""
    consumer = AIOKafkaConsumer(**kafka.client_arguments(), auto_offset_reset="earliest")
    await consumer.start()
    try:
        partitions = [
            TopicPartition(topic, partition)
            for topic in topics.event_topics(TOWN)
            for partition in range(PARTITIONS)
        ]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        found: list[tuple[int, Envelope]] = []
        while len(found) < sum(ends.values()):
            for records in (await consumer.getmany(timeout_ms=1000)).values():
                for record in records:
                    event = read(record.topic, record.key, record.value, record.headers)
                    assert isinstance(event, Envelope)
                    found.append((record.timestamp, event))
        return found
    finally:
        await consumer.stop()


async def test_published_once_and_again(kafka: KafkaConnection) -> None:
    await create_topics(kafka, [TOWN])
    events = [event for number in range(300) for event in story(number)]
    told: list[int] = []
    await publish(kafka, events, told.append)
    assert told[-1] == 600
    assert told == sorted(told)

    first = await everything(kafka)
    assert {event.id for _, event in first} == {event.id for event in events}
    creations = [stamp for stamp, event in first if isinstance(event.body, ReferralCreated)]
    others = [stamp for stamp, event in first if not isinstance(event.body, ReferralCreated)]
    assert max(others) <= min(creations)

    await publish(kafka, events, told.append)
    again = await everything(kafka)
    assert len(again) == 1200
    assert {(event.source, event.id, event.raw) for _, event in again} == {
        (event.source, event.id, event.raw) for event in events
    }
