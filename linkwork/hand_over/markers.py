"""Writes the marker of a hand-over, or the end of a silent partner's inbox."""

import asyncio
from collections import Counter

from aiokafka import AIOKafkaProducer

from linkwork.errors import CommandError
from shared.contract.events.inbox_end import EndOfInbox, InboxEnd
from shared.contract.events.marker import Marker, PartHandedOver, control_source
from shared.contract.events.topics import event_topics, inbox_topic, parse_topic
from shared.delivery.kafka.partitions import partitions_of
from shared.platform.clock import Clock
from shared.platform.ids import NewId
from shared.platform.kafka_connection import KafkaConnection


async def write_markers(kafka: KafkaConnection, body: PartHandedOver, clock: Clock, new_id: NewId) -> int:
    """Writes the marker into every partition of the three topics; returns their number. Safe to repeat.

    Raises:
        CommandError: a topic of the locality is missing.
        KafkaError, OSError: the broker is away or refuses; some partitions may have the marker.
    """
    topics = event_topics(body.locality)
    places = await partitions_of(kafka, topics)
    found = Counter(place.topic for place in places)
    if missing := [name for name in topics if not found[name]]:
        raise CommandError(f"There is no topic {missing[0]}: no marker was written.")
    raw, now = body.model_dump_json().encode(), clock()
    async with _producer(kafka) as producer:
        sent = []
        for place in places:
            named = parse_topic(place.topic)
            if named is not None:
                headers = Marker(new_id(), named.event, now, body, raw).headers()
                key = body.part.encode()
                sent.append(
                    await producer.send(place.topic, raw, key=key, partition=place.partition, headers=headers)
                )
        await asyncio.gather(*sent)
    return len(sent)


async def write_end(kafka: KafkaConnection, source: str, body: InboxEnd, clock: Clock, new_id: NewId) -> None:
    """Ends the inbox of a source that is silent, in the operator's name. Safe to repeat.

    Raises:
        KafkaError, OSError: the broker is away or refuses.
    """
    end = EndOfInbox.of(body, control_source(body.locality), new_id(), clock())
    headers = [(name, value.encode()) for name, value in end.attributes().items()]
    async with _producer(kafka) as producer:
        await producer.send_and_wait(inbox_topic(source), end.raw, key=end.key, headers=headers)


def _producer(kafka: KafkaConnection) -> AIOKafkaProducer:
    return AIOKafkaProducer(**kafka.client_arguments(), acks="all", enable_idempotence=True)
