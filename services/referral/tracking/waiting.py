"""Gauges of referrals without a meeting: number and longest wait, by locality, never by person.

A referral waits for a meeting even if booking has given a reason. It is unanswered if booking, whoever owns
it, has given neither a meeting nor a reason. Unanswered ones are told by referral's owner alone.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pymongo.errors import PyMongoError

from services.referral.collections import IS_UNANSWERED
from shared.contract.history import Stage
from shared.delivery.mongo.database import Mongo
from shared.delivery.unit_of_work.unit_of_work import REFERRALS
from shared.platform import metrics
from shared.platform.clock import Clock

_EVERY_SECONDS = 15.0
_WITHOUT_MEETING = [Stage.WAITING.value, Stage.MISSED.value]
_log = logging.getLogger(__name__)
Speaks = Callable[[str], bool]


async def observe(mongo: Mongo, localities: Sequence[str], speaks: Speaks, clock: Clock) -> None:
    """Updates the gauges of these localities. `speaks` is true where referral is ours."""
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
    await _observe_unanswered(mongo, localities, speaks, clock)


async def _observe_unanswered(mongo: Mongo, localities: Sequence[str], speaks: Speaks, clock: Clock) -> None:
    wanted = {"locality": {"$in": [each for each in localities if speaks(each)]}, **IS_UNANSWERED}
    grouped = {"_id": "$locality", "referrals": {"$sum": 1}, "oldest": {"$min": "$view.unanswered"}}
    steps: list[Mapping[str, Any]] = [{"$match": wanted}, {"$group": grouped}]
    found = {row["_id"]: row for row in await mongo[REFERRALS].aggregate(steps).to_list(None)}
    for locality in localities:
        row = found.get(locality)
        age = (clock() - row["oldest"]).total_seconds() if row else 0
        metrics.referrals_unanswered.labels(locality).set(row["referrals"] if row else 0)
        metrics.referral_unanswered_oldest.labels(locality).set(max(age, 0))


async def keep_observing(mongo: Mongo, localities: Sequence[str], speaks: Speaks, clock: Clock) -> None:
    """Updates the gauges until cancelled. An unavailable database is tried again."""
    while True:
        try:
            await observe(mongo, localities, speaks, clock)
        except PyMongoError as error:
            _log.warning("waiting referrals not counted: %s", type(error).__name__)
        await asyncio.sleep(_EVERY_SECONDS)
