"""Gauges of referrals that wait for a meeting: number and longest wait, by locality, never by person."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from pymongo.errors import PyMongoError

from services.referral.collections import REFERRALS
from shared.contract.history import Stage
from shared.delivery.mongo.database import Mongo
from shared.platform import metrics
from shared.platform.clock import Clock

_EVERY_SECONDS = 15.0
_WITHOUT_MEETING = [Stage.WAITING.value, Stage.MISSED.value]
_log = logging.getLogger(__name__)


async def observe(mongo: Mongo, localities: Sequence[str], clock: Clock) -> None:
    """Updates the gauges of these localities."""
    wanted = {
        "locality": {"$in": list(localities)},
        "view.open": True,
        "view.stage": {"$in": _WITHOUT_MEETING},
    }
    grouped = {"_id": "$locality", "referrals": {"$sum": 1}, "oldest": {"$min": "$view.created"}}
    steps: list[Mapping[str, Any]] = [{"$match": wanted}, {"$group": grouped}]
    found = {row["_id"]: row for row in await mongo[REFERRALS].aggregate(steps).to_list(None)}
    for locality in localities:
        row = found.get(locality)
        age = (clock() - row["oldest"]).total_seconds() if row else 0
        metrics.referrals_waiting.labels(locality).set(row["referrals"] if row else 0)
        metrics.referral_waiting_oldest.labels(locality).set(max(age, 0))


async def keep_observing(mongo: Mongo, localities: Sequence[str], clock: Clock) -> None:
    """Updates the gauges until cancelled. An unavailable database is tried again."""
    while True:
        try:
            await observe(mongo, localities, clock)
        except PyMongoError as error:
            _log.warning("waiting referrals not counted: %s", type(error).__name__)
        await asyncio.sleep(_EVERY_SECONDS)
