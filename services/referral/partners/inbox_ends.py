"""The ends of inboxes that admission has passed, by source and epoch. Each of its processes reads them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from services.referral.collections import INBOX_ENDS
from shared.contract.events.inbox_end import InboxEnd
from shared.delivery.mongo.database import Mongo

EPOCH: Final = "epoch"


class InboxEnds:
    """The last epoch in which each source's inbox has ended, kept until partitions are assigned anew."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        self._known: dict[str, int | None] = {}

    async def load(self, source: str) -> int | None:
        """The last epoch in which the source's inbox has ended; None if it never has.

        Raises:
            PyMongoError: the database is away.
        """
        if source not in self._known:
            self._known[source] = await ended_epoch(self._mongo, source)
        return self._known[source]

    async def store(self, source: str, end: InboxEnd, record: Any, at: datetime) -> None:
        """Stores that everything before this record is copied or refused. A repeat changes nothing.

        Raises:
            PyMongoError: the database is away.
        """
        row = {
            "locality": end.locality,
            "part": end.part,
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
            "at": at,
        }
        key = {"source": source, EPOCH: end.epoch}
        await self._mongo[INBOX_ENDS].update_one({"_id": key}, {"$setOnInsert": row}, upsert=True)
        self._known[source] = max(end.epoch, self._known.get(source) or 0)

    def forget(self) -> None:
        """Reads each end again, because another process may have judged the inbox meanwhile."""
        self._known = {}


async def ended_epoch(mongo: Mongo, source: str) -> int | None:
    """The last epoch in which the source's inbox has ended; None if it never has.

    Raises:
        PyMongoError: the database is away.
    """
    found: Mapping[str, Any] | None = await mongo[INBOX_ENDS].find_one(
        {"_id.source": source}, {"_id": 1}, sort=[(f"_id.{EPOCH}", -1)]
    )
    return None if found is None else int(found["_id"][EPOCH])
