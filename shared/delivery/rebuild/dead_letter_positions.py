"""Unpublished messages, and the positions of records in dead letters: the log alone has neither."""

from collections.abc import Iterable

from shared.contract.events.topics import parse_topic
from shared.delivery.dlq.replays import Restored
from shared.delivery.dlq.rows import DEAD_LETTERS, TAKEN, place_of
from shared.delivery.mongo.database import Mongo
from shared.delivery.outbox.rows import Message
from shared.delivery.outbox.unpublished import OUTBOX_DEAD_LETTERS, OUTBOX_SET_ASIDE
from shared.delivery.rebuild.source import RecordPosition
from shared.delivery.unit_of_work.unit_of_work import OUTBOX

_ORIGINAL = "dlq-original-topic"


async def unpublished(mongo: Mongo) -> list[Message]:
    """The messages in the outbox, those of ended epochs, and those that are too large for their topic.

    The relay removes a row after the broker has its messages. Read this first, and the log's ends after it.
    """
    messages: list[Message] = []
    for collection in (OUTBOX, OUTBOX_SET_ASIDE):
        async for row in mongo[collection].find({}, {"m": 1}):
            messages += [Message.restore(stored) for stored in row["m"]]
    async for row in mongo[OUTBOX_DEAD_LETTERS].find({}, {"m": 1}):
        messages.append(Message.restore(row["m"]))
    return messages


def as_records(messages: Iterable[Message]) -> list[Restored]:
    """The messages that are events, as records whose positions are not known yet."""
    return [
        Restored(
            message.topic,
            -1,
            -1,
            message.key,
            message.value,
            [(name, value.encode()) for name, value in message.headers.items()],
        )
        for message in messages
        if parse_topic(message.topic) is not None
    ]


def positions_of(headers: Iterable[dict[str, str]]) -> set[RecordPosition]:
    """The positions of the records in letters with these headers."""
    return {parse_position(place_of(one)) for one in headers if _ORIGINAL in one}


async def replayed(mongo: Mongo) -> set[RecordPosition]:
    """The positions of the records that were replayed, even if another replay was asked for since."""
    return {parse_position(row["_id"]) async for row in mongo[DEAD_LETTERS].find(TAKEN, {"_id": 1})}


def parse_position(text: str) -> RecordPosition:
    """Parses topic/partition/offset."""
    topic, partition, offset = text.rsplit("/", maxsplit=2)
    return topic, int(partition), int(offset)
