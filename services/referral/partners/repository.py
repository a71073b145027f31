"""Refusals as the look-up by HTTP finds them, for 30 days. Accepted events are looked up in the facts."""

import asyncio
import logging
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pymongo import ReplaceOne
from pymongo.errors import PyMongoError

from services.referral.collections import REFUSALS
from services.referral.partners.checks import Refusal
from shared.contract.events.notices import NotCounted
from shared.delivery.mongo.database import Mongo, Row
from shared.delivery.unit_of_work.unit_of_work import REFERRALS

_log = logging.getLogger(__name__)
_FLUSH_SECONDS: Final = 0.2
# While the database is away, so many wait; the oldest go first. Their lines on the topic are not affected.
_MOST_WAITING: Final = 10_000
# So many are kept of one source in a day: a flood must not fill the database.
_MOST_A_DAY: Final = 10_000


class RefusalKeeper:
    """Writes refusals to the database, beside admission: judging never waits for the database."""

    def __init__(self, mongo: Mongo) -> None:
        self._mongo = mongo
        self._waiting: deque[dict[str, Any]] = deque(maxlen=_MOST_WAITING)
        self._kept: dict[tuple[str, str], int] = {}

    def keep(self, source: str, refusal: Refusal, at: datetime) -> None:
        """Puts a refusal into the queue. One without an id cannot be looked up and is left out."""
        if refusal.id is None:
            return
        day = (source, at.date().isoformat())
        if self._kept.get(day, 0) >= _MOST_A_DAY:
            return
        if day not in self._kept:
            self._kept = {each: count for each, count in self._kept.items() if each[1] == day[1]}
        self._kept[day] = self._kept.get(day, 0) + 1
        self._waiting.append(
            {
                "_id": {"source": source, "id": refusal.id},
                "referral": refusal.referral,
                "code": refusal.code.value,
                "pointer": refusal.pointer,
                "problem": refusal.problem,
                "at": at,
            }
        )

    async def run(self) -> None:
        """Writes what waits, again and again."""
        while True:
            await asyncio.sleep(_FLUSH_SECONDS)
            try:
                await self.flush()
            except Exception as error:
                _log.warning("refusals cannot be kept for look-ups: %s", type(error).__name__)

    async def flush(self) -> None:
        """Writes what waits. Keeps it for later if the database is away."""
        rows = list(self._waiting)
        if not rows:
            return
        last = {(row["_id"]["source"], row["_id"]["id"]): row for row in rows}
        writes: list[ReplaceOne[Row]] = [
            ReplaceOne({"_id": row["_id"]}, row, upsert=True) for row in last.values()
        ]
        try:
            await self._mongo[REFUSALS].bulk_write(writes, ordered=False)
        except PyMongoError as error:
            _log.warning("refusals wait for the database: %s", type(error).__name__)
            return
        for row in rows:
            if self._waiting and self._waiting[0] is row:
                self._waiting.popleft()


async def refused(mongo: Mongo, source: str, event: str) -> Row | None:
    """The latest refusal of a source's event, or None."""
    found: Row | None = await mongo[REFUSALS].find_one({"_id": {"source": source, "id": event}})
    return found


@dataclass(frozen=True, slots=True)
class AcceptedFact:
    """A fact that was accepted and copied: its body, and the rule by which it does not count, or None."""

    body: bytes
    uncounted: NotCounted | None


async def accepted_fact(
    mongo: Mongo, locality: str, referral: str, source: str, event: str
) -> AcceptedFact | None:
    """A fact of a referral, or None if there is no such fact."""
    fact = {"$elemMatch": {"s": source, "i": event}}
    found: Row | None = await mongo[REFERRALS].find_one(
        {"referral": referral, "locality": locality, "facts": fact}, {"facts.$": 1, "view.uncounted": 1}
    )
    if found is None:
        return None
    rows = found["view"].get("uncounted") or ()  # A view of an earlier fold has none.
    reasons = (row["reason"] for row in rows if (row["source"], row["id"]) == (source, event))
    reason = next(reasons, None)
    return AcceptedFact(bytes(found["facts"][0]["b"]), None if reason is None else NotCounted(reason))
