"""Brings a restored database up to the log before its service decides.

The log holds what the service decided after the back-up. At its first start the service notes the log's end.
Until its facts reach that end, every part of the locality is held: facts are folded, and nothing is decided
or sent. The look that follows a hand-over then decides what is left. Messages that were due by then may have
been sent, so they are given up as failures that people see.
"""

import logging
from collections.abc import Mapping
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from shared.contract.events.topics import event_topics, group
from shared.delivery.kafka.broker_view import BrokerView
from shared.delivery.model.service_definition import R, V
from shared.delivery.mongo.database import Document, Mongo, Row
from shared.delivery.offsets.handled import HandledOffsets
from shared.delivery.offsets.verdict import HandledOffset, first_unhandled, is_another_log
from shared.delivery.ownership.standing import OWNERSHIP, Key, document_id
from shared.delivery.rebuild.log import OffsetRange, Offsets, consumer, read
from shared.delivery.unit_of_work.context import ServiceContext

# The last record is found within so many offsets of the end, or within ten times as many.
_NEAR_THE_END: Final = 100
_log = logging.getLogger(__name__)


async def has_caught_up(context: ServiceContext[V, R], key: Key) -> bool:
    """True once the facts of a held part reach the log's end, as it was at the first question.

    Raises:
        PyMongoError: the database is away.
    """
    locality, _ = key
    row = await context.mongo[OWNERSHIP].find_one({"_id": document_id(key)})
    if row is None or not row.get("held"):
        return False
    if "until" not in row:
        await _begin(context, locality)
        return False
    handled = await HandledOffsets(context.mongo, locality).read()
    return all(_is_handled(each, handled) for each in row["until"])


async def forget_restore(mongo: Mongo, key: Key) -> None:
    """Forgets that a part was held: all that followed from it is done.

    Raises:
        PyMongoError: the database is away.
    """
    gone = {"restored_at": "", "until": "", "decided": ""}
    await mongo[OWNERSHIP].update_one({"_id": document_id(key), "held": {"$ne": True}}, {"$unset": gone})


def _is_handled(place: Row, handled: Mapping[TopicPartition, HandledOffset]) -> bool:
    """True if all before this place is in the facts. The log must be the same one."""
    offset = handled.get(TopicPartition(place["topic"], place["partition"]))
    if offset is None or is_another_log(offset, place["log"]):
        return False
    return bool(offset.next >= place["offset"])


async def _begin(context: ServiceContext[V, R], locality: str) -> None:
    """Notes the end of the log, and lets the stream go on from what the database has handled.

    Processes of before the restore have ended, so that all they published lies before this end. If the broker
    is away, the part stays held.
    """
    topics = event_topics(locality)
    broker = BrokerView(context.options.kafka)
    try:
        states = await broker.topics(topics)
        committed = await broker.committed(group(locality, context.definition.name))
        if len(states) < len(topics):
            _log.warning("restored: topics are missing", extra={"locality": locality})
            return
        rows = HandledOffsets(context.mongo, locality)
        logs = {
            TopicPartition(name, each): state.log
            for name, state in states.items()
            for each in state.partitions
        }
        ends = await _ends(context, logs, await rows.read())
    except (KafkaError, OSError) as error:
        _log.warning("restored: waits for the broker: %s", type(error).__name__, extra={"locality": locality})
        return
    finally:
        await broker.close()
    # First: a stream that goes on moves the handled offsets, and an end that is noted is waited for.
    await rows.disregard(
        {at: HandledOffset(log, 0, committed[at].offset) for at, log in logs.items() if at in committed}
    )
    places: list[Document] = [
        {"topic": at.topic, "partition": at.partition, "log": logs[at], "offset": end}
        for at, end in ends.items()
    ]
    which = {"locality": locality, "held": True, "until": {"$exists": False}}
    noted: dict[str, Any] = {"$set": {"until": places, "restored_at": context.clock()}}
    await context.mongo[OWNERSHIP].update_many(which, noted)
    _log.warning(
        "the database was restored: the log is read before anything is decided", extra={"locality": locality}
    )


async def _ends(
    context: ServiceContext[V, R],
    logs: Mapping[TopicPartition, str],
    handled: Mapping[TopicPartition, HandledOffset],
) -> Offsets:
    """The offset after the last record of each partition; 0 if nothing is left to read.

    Markers of transactions may lie behind it. They are no records, so no handled offset reaches them.
    """
    async with consumer(context.options.kafka) as reader:
        ends: Offsets = await reader.end_offsets(list(logs))
        starts: Offsets = await reader.beginning_offsets(list(logs))
        begins = {
            at: max(first_unhandled(handled.get(at), log, ends[at]), starts[at]) for at, log in logs.items()
        }
        found = dict.fromkeys(logs, 0)
        near = _NEAR_THE_END
        left = {at: end for at, end in ends.items() if begins[at] < end}
        while left:
            windows = {at: max(begins[at], end - near) for at, end in left.items()}
            found |= await _last_records(reader, windows, left)
            left = {at: end for at, end in left.items() if not found[at] and windows[at] > begins[at]}
            near *= 10
        return found


async def _last_records(reader: AIOKafkaConsumer, begins: Offsets, ends: Offsets) -> Offsets:
    """The offset after the last record between two offsets of each partition that has one there."""
    found: Offsets = {}
    ranges = [OffsetRange(at.topic, at.partition, begins[at], end) for at, end in ends.items()]
    async for records in read(reader, ranges):
        if records:
            last = records[-1]
            found[TopicPartition(last.topic, last.partition)] = last.offset + 1
    return found
