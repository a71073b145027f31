"""Rows and messages that the relay takes out of the outbox without publishing them, each with an alert."""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from pymongo import UpdateOne

from shared.delivery.mongo.database import Mongo
from shared.delivery.outbox.rows import Message, OutboxRow
from shared.platform import metrics

# Messages that are too large for their topic.
OUTBOX_DEAD_LETTERS: Final = "outbox_dead_letters"
# Rows that were decided in an epoch that has ended.
OUTBOX_SET_ASIDE: Final = "outbox_set_aside"
_log = logging.getLogger(__name__)


async def keep_too_large(
    mongo: Mongo, service: str, messages: Sequence[tuple[OutboxRow, Message]], now: datetime
) -> None:
    """Keeps messages that no retry can publish."""
    rows = [
        {"row": row.id, "at": now, "source": row.source, "epoch": row.epoch, "m": message.stored()}
        for row, message in messages
    ]
    await mongo[OUTBOX_DEAD_LETTERS].insert_many(rows)
    metrics.outbox_published.labels(service, "dead_lettered").inc(len(rows))
    _log.error("%d messages are too large for their topic and were dead-lettered", len(rows))


async def keep_ended(mongo: Mongo, service: str, rows: Sequence[OutboxRow], now: datetime) -> None:
    """Keeps rows of an ended epoch. Published now, their events would count as said by the next owner."""
    writes = []
    for row in rows:
        stored = row.stored("", now)
        writes.append(UpdateOne({"_id": stored.pop("_id")}, {"$setOnInsert": stored}, upsert=True))
    await mongo[OUTBOX_SET_ASIDE].bulk_write(writes, ordered=False)
    metrics.outbox_published.labels(service, "set_aside").inc(sum(len(row.messages) for row in rows))
    for row in rows:
        _log.error("a row of an ended epoch was set aside", extra={"source": row.source})
