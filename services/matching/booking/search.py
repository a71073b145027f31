"""Searches the diaries for times that suit a referral, without changing anything."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Final

from services.matching.booking.diary import HORIZON, Diaries
from services.matching.booking.policy import refused_times, requirements_of, time_key
from services.matching.booking.repository import DiaryStore
from services.matching.booking.slot import Slot
from services.matching.booking.wanted import TimesWanted
from services.matching.calendar import london_day
from services.matching.referral_state.state import ReferralState
from shared.delivery.model.service_definition import Loaded
from shared.delivery.mongo.database import Mongo, Transaction

# Most searches find their times so soon: fewer days are read, and the rest only if they do not.
_NEAR: Final = timedelta(days=13)


async def search_times(
    mongo: Mongo,
    store: DiaryStore,
    one: Loaded[ReferralState],
    now: datetime,
    count: int,
    wanted: TimesWanted,
) -> list[Slot]:
    """The first suitable times of a referral, except its present one and those that it gave up."""
    found: list[Slot] = []
    for reach in _reaches(now, wanted):

        async def read(tx: Transaction, reach: tuple[date, date] = reach) -> Diaries:
            return await store.load(tx, [one], now, reach)

        found = _first(await mongo.transact(read), one, count, wanted, reach[1])
        if len(found) == count:
            break
    return found


def _reaches(now: datetime, wanted: TimesWanted) -> Iterator[tuple[date, date]]:
    """The days to read, and then those to read if too few times were found."""
    today, farthest = london_day(now), london_day(now + HORIZON)
    first = max(today, wanted.first or today)
    last = min(farthest, wanted.last or farthest)
    if last > first + _NEAR:
        yield first, first + _NEAR
    yield first, last


def _first(
    diaries: Diaries, one: Loaded[ReferralState], count: int, wanted: TimesWanted, until: date
) -> list[Slot]:
    requirements = wanted.narrowed(requirements_of(one.view, diaries))
    but_not = refused_times(one.view)
    if one.view.story.active is not None:
        but_not |= {time_key(one.view.story.active)}
    found: list[Slot] = []
    for slot in diaries.suitable(requirements, one.referral_id, until):
        if slot.key not in but_not:
            found.append(slot)
        if len(found) == count:
            break
    return found
