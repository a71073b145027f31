"""What lies neither in the log nor in what was made of it: unpublished messages, and what was set aside."""

from collections.abc import Iterable

from shared.contract.events.topics import parse_topic
from shared.delivery.dlq.replays import Restored
from shared.delivery.dlq.rows import DEAD_LETTERS, TAKEN, place_of
from shared.delivery.mongo.database import Mongo
from shared.delivery.outbox.relay import ASIDE
from shared.delivery.outbox.rows import Message
from shared.delivery.rebuild.source import Place
from shared.delivery.unit_of_work.unit_of_work import OUTBOX

_ORIGINAL = "dlq-original-topic"


async def unpublished(mongo: Mongo) -> list[Message]:
    """What was decided and has not been published, or never can be: a topic takes nothing so large.

    A row is taken away after the broker has its messages: read this first, and the log's ends after it.
    """
    messages: list[Message] = []
    async for row in mongo[OUTBOX].find({}, {"m": 1}):
        messages += [Message.restore(stored) for stored in row["m"]]
    async for row in mongo[ASIDE].find({}, {"m": 1}):
        messages.append(Message.restore(row["m"]))
    return messages


def as_records(messages: Iterable[Message]) -> list[Restored]:
    """Those that are events, as their readers will find them; nobody knows yet where they will lie."""
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


def places_of(headers: Iterable[dict[str, str]]) -> set[Place]:
    """The places of the records that letters with these headers speak of."""
    return {as_place(place_of(one)) for one in headers if _ORIGINAL in one}


async def replayed(mongo: Mongo) -> set[Place]:
    """The places of the records that were set aside and taken again, whatever was asked for since."""
    return {as_place(row["_id"]) async for row in mongo[DEAD_LETTERS].find(TAKEN, {"_id": 1})}


def as_place(text: str) -> Place:
    topic, partition, offset = text.rsplit("/", maxsplit=2)
    return topic, int(partition), int(offset)
