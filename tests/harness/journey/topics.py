"""Events on the bus, read from outside: without a group, every partition to its end."""

from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition

from shared.contract.events.envelope import Envelope, Refused, read
from shared.contract.events.topics import PARTS, dead_letter_topic, event_topics
from shared.delivery.kafka.topics import PARTITIONS
from shared.platform.kafka_connection import KafkaConnection

Record = "ConsumerRecord[bytes, bytes]"


@dataclass(frozen=True)
class Log:
    """All records of the event topics, and the events among them."""

    records: "list[ConsumerRecord[bytes, bytes]]"
    events: list[Envelope]
    unreadable: "list[ConsumerRecord[bytes, bytes]]"

    def said(self) -> list[Envelope]:
        """Each event once. An id may be published again at any time."""
        return list({(event.source, event.id): event for event in self.events}.values())


async def records_of(kafka: KafkaConnection, topics: list[str]) -> "list[ConsumerRecord[bytes, bytes]]":
    """Every record of these topics."""
    consumer = AIOKafkaConsumer(**kafka.client_arguments(), auto_offset_reset="earliest")
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, number) for topic in topics for number in range(PARTITIONS)]
        consumer.assign(partitions)
        wanted = sum((await consumer.end_offsets(partitions)).values())
        found: list[ConsumerRecord[bytes, bytes]] = []
        while len(found) < wanted:
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found += records
        return found
    finally:
        await consumer.stop()


async def log_of(kafka: KafkaConnection, localities: tuple[str, ...]) -> Log:
    """The event topics of these localities, read with the contract's own reader."""
    topics = [topic for locality in localities for topic in event_topics(locality)]
    records = await records_of(kafka, topics)
    log = Log(records, [], [])
    for record in records:
        event = read(record.topic, record.key, record.value, record.headers)
        if isinstance(event, Refused):
            log.unreadable.append(record)
        elif isinstance(event, Envelope):
            log.events.append(event)
    return log


async def set_aside(kafka: KafkaConnection, place: str) -> dict[str, str]:
    """The services that dead-lettered the record at this position, and their reasons."""
    letters = await records_of(kafka, [dead_letter_topic(part) for part in PARTS])
    told = [
        {name: value.decode() for name, value in letter.headers}
        for letter in letters
        if letter.key == place.encode()
    ]
    return {headers["dlq-part"]: headers["dlq-reason"] for headers in told}


async def put(
    kafka: KafkaConnection, topic: str, value: bytes, key: bytes, headers: list[tuple[str, bytes]]
) -> str:
    """Publishes any record. Returns its position, as a dead letter would name it."""
    async with AIOKafkaProducer(**kafka.client_arguments()) as producer:
        kept = await producer.send_and_wait(topic, value, key=key, headers=headers)
    return f"{kept.topic}/{kept.partition}/{kept.offset}"


async def say(kafka: KafkaConnection, event: Envelope) -> None:
    """Publishes an event as its source would."""
    await put(kafka, event.topic(), event.raw, event.body.referral_id.encode(), event.headers())
