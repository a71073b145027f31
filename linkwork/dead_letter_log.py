"""Dead letters read from their topics, from the start or from a moment, without a consumer group."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from linkwork.errors import CommandError
from shared.contract.events.topics import Part, dead_letter_topic
from shared.delivery.dlq.dead_letters import letter_id
from shared.delivery.dlq.rows import locality_of, place_of
from shared.delivery.kafka.partitions import partitions_of
from shared.delivery.outbox.rows import Message
from shared.platform.kafka_connection import KafkaConnection

_PLACE = ("dlq-original-topic", "dlq-original-partition", "dlq-original-offset")

# The codes of letters. docs/runbooks.md explains each.
REASONS: Final = (
    *("bad_json", "empty_body", "invalid_body", "too_large", "unreadable"),
    *("bad_header", "bad_id", "bad_time", "not_cloudevents"),
    *("wrong_topic", "wrong_key", "wrong_locality", "wrong_source"),
    *("unknown_type", "later_version", "earlier_version"),
    *("conflicting_repeat", "too_many_facts", "handler_failed"),
)


@dataclass(frozen=True)
class FoundLetter:
    """A sealed letter with its position in the topic and the time of its publication."""

    service: Part
    message: Message
    partition: int
    offset: int
    time: datetime

    @property
    def place(self) -> str:
        """The position of the record that the letter keeps: topic/partition/offset."""
        return place_of(self.message.headers)

    @property
    def id(self) -> str:
        """The id of the letter, the same for each letter about one record."""
        return letter_id(self.service, self.place)

    @property
    def reason(self) -> str:
        """The code of the failure."""
        return self.message.headers.get("dlq-reason", "")

    @property
    def error(self) -> str:
        """The class of the error, or the fields that do not match the schema."""
        return self.message.headers.get("dlq-error-class", "")

    @property
    def locality(self) -> str:
        """The locality of the record's topic."""
        return locality_of(self.place)


async def read_letters(
    kafka: KafkaConnection, services: Sequence[Part], since: datetime | None = None
) -> list[FoundLetter]:
    """Reads every letter of these services since a moment, in the order of publication.

    Raises:
        CommandError: the broker does not answer.
    """
    of_topic = {dead_letter_topic(service): service for service in services}
    consumer = AIOKafkaConsumer(**kafka.client_arguments(), enable_auto_commit=False, group_id=None)
    found: list[FoundLetter] = []
    try:
        partitions = await partitions_of(kafka, of_topic)
        await consumer.start()
        async for record in _records(consumer, partitions, since):
            letter = _letter(of_topic[record.topic], record)
            if letter is not None:
                found.append(letter)
    except (KafkaError, OSError) as error:
        raise CommandError(f"The broker does not answer ({type(error).__name__}).") from error
    finally:
        await consumer.stop()
    return sorted(found, key=lambda letter: (letter.time, letter.service, letter.partition, letter.offset))


async def _records(
    consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition], since: datetime | None
) -> AsyncIterator[Any]:
    """The records that the partitions hold now."""
    starts = await consumer.beginning_offsets(partitions)
    ends = await consumer.end_offsets(partitions)
    if since is not None:
        moments = dict.fromkeys(partitions, int(since.timestamp() * 1000))
        for partition, first in (await consumer.offsets_for_times(moments)).items():
            starts[partition] = ends[partition] if first is None else first.offset
    waiting = [partition for partition in partitions if starts[partition] < ends[partition]]
    consumer.assign(waiting)
    for partition in waiting:
        consumer.seek(partition, starts[partition])
    while waiting:
        for partition, records in (await consumer.getmany(*waiting, timeout_ms=500)).items():
            for record in records:
                if record.offset < ends[partition]:
                    yield record
        waiting = [one for one in waiting if await consumer.position(one) < ends[one]]


def _letter(service: Part, record: Any) -> FoundLetter | None:
    """The letter of a record; None if the record is no letter of ours."""
    try:
        headers = {name: value.decode() for name, value in record.headers}
    except (AttributeError, UnicodeDecodeError):
        return None
    if any(name not in headers for name in _PLACE):
        return None
    message = Message(record.topic, record.key or b"", record.value or b"", headers)
    time = datetime.fromtimestamp(record.timestamp / 1000, UTC)
    return FoundLetter(service, message, record.partition, record.offset, time)
