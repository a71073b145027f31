"""DiaryCapacity of a locality's diaries: meeting times and free ones. Pure."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from services.matching.booking.diary import Diaries
from services.matching.booking.slot import Slot, slots_of_day
from services.matching.calendar import london_day
from shared.contract.api.booking import DiaryCapacity, PracticeCapacity, WeekCapacity


def capacity_of(
    locality: str, practices: Sequence[str], diaries: Diaries, first: date, weeks: int
) -> DiaryCapacity:
    """Counts the times of these link workers that begin after now, by week from the Monday `first`.

    Practices that share a room share its times, so each time counts once.
    """
    mondays = [first + timedelta(weeks=n) for n in range(weeks)]
    days = [monday + timedelta(days=n) for monday in mondays for n in range(7)]
    workers = list(diaries.workers.values())
    every = [slot for worker in workers for day in days for slot in slots_of_day(worker, day)]
    free = [slot for worker in workers for day in days for slot in diaries.free(worker, day)]
    return DiaryCapacity(
        locality=locality,
        weeks=[
            WeekCapacity(
                week=monday, times=_times(every, monday, diaries.now), free=_times(free, monday, diaries.now)
            )
            for monday in mondays
        ],
        practices=[
            PracticeCapacity(practice=code, first_free=_first_day(free, code, diaries.now))
            for code in sorted(practices)
        ],
    )


def _times(slots: Iterable[Slot], monday: date, now: datetime) -> int:
    """The number of times of a week, each of one link worker."""
    sunday = monday + timedelta(days=6)
    return len(
        {
            (slot.link_worker, slot.starts_at)
            for slot in slots
            if slot.starts_at > now and monday <= london_day(slot.starts_at) <= sunday
        }
    )


def _first_day(slots: Iterable[Slot], practice: str, now: datetime) -> date | None:
    days = (
        london_day(each.starts_at) for each in slots if each.practice == practice and each.starts_at > now
    )
    return min(days, default=None)
