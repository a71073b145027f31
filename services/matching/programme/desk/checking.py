"""The nightly check that every count of the desk equals the number of cases on the list that it opens."""

import asyncio
import logging
from datetime import datetime, time, timedelta
from functools import partial
from typing import Final

from pymongo.errors import DuplicateKeyError, PyMongoError

from services.matching.calendar import london_day
from services.matching.collections import CHECKS
from services.matching.programme.desk.case_lists import LISTS, CaseList
from services.matching.programme.desk.queries import DeskQueries
from shared.delivery.model.errors import Transient
from shared.delivery.mongo.database import Transaction
from shared.platform import metrics
from shared.platform.clock import LONDON

AT: Final = time(3, 30)
_MOST_SECONDS: Final = 600.0
_log = logging.getLogger(__name__)


async def keep_checking(desk: DeskQueries) -> None:
    """Checks once each night, in one process. Continues after a failure of the database."""
    while True:
        await asyncio.sleep(min(_MOST_SECONDS, seconds_until(desk.kernel.clock())))
        try:
            if await claims_night(desk):
                await check(desk)
        except (PyMongoError, Transient) as error:
            _log.warning("counts were not checked: %s", type(error).__name__)


def seconds_until(now: datetime) -> float:
    """The time until the next check."""
    here = now.astimezone(LONDON)
    then = datetime.combine(here.date(), AT, LONDON)
    if then <= here:
        then = datetime.combine(here.date() + timedelta(days=1), AT, LONDON)
    return (then - here).total_seconds()


async def claims_night(desk: DeskQueries) -> bool:
    """True for the one process that checks this night, from the time of the check on."""
    now = desk.kernel.clock()
    if now.astimezone(LONDON).time() < AT:
        return False
    night = f"counts:{london_day(now).isoformat()}"
    try:
        await desk.kernel.mongo[CHECKS].insert_one({"_id": night, "at": now})
    except DuplicateKeyError:
        return False
    return True


async def check(desk: DeskQueries) -> dict[tuple[str, str], int]:
    """Compares count and list of each locality in one snapshot. Returns the differences that it counted.

    Raises:
        PyMongoError, Transient: the database is away.
    """
    found: dict[tuple[str, str], int] = {}
    for place in desk.localities.real:
        if place.slug not in desk.kernel.localities:
            continue
        for case_list in LISTS:
            differ = await desk.kernel.transact(partial(_differences, desk, place.slug, case_list))
            if differ:
                metrics.counts_disagree.labels(place.slug, case_list.code).inc(differ)
                _log.warning("counts differ from their list: %s of %s", case_list.code, place.slug)
                found[place.slug, case_list.code] = differ
    return found


async def _differences(desk: DeskQueries, locality: str, case_list: CaseList, tx: Transaction) -> int:
    """The number of counts that are not the length of their list, with the locality's own."""
    here, now = await desk.here(locality), desk.kernel.clock()
    counted = await desk.counted(locality, case_list, here, now, tx)
    lengths = {whose: len(await desk.listed(locality, case_list, whose, here, now, tx)) for whose in counted}
    everything = len(await desk.listed(locality, case_list, None, here, now, tx))
    return sum(lengths[whose] != number for whose, number in counted.items()) + (
        everything != sum(counted.values())
    )
