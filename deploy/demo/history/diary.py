"""The link workers' past diaries: a meeting in their real weekly hours, no time given twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from deploy.demo.history.days import at, working


@dataclass(frozen=True, slots=True)
class Slot:
    """A time with a link worker, aware UTC."""

    link_worker: str
    starts_at: datetime
    minutes: int


class PastDiary:
    """The past hours of the demonstration's link workers, day by day."""

    def __init__(self, link_workers: Sequence[Mapping[str, Any]]) -> None:
        self._link_workers = link_workers
        self._taken: set[tuple[str, datetime]] = set()
        self._met: Counter[int] = Counter()

    def copy(self) -> PastDiary:
        """A copy that changes apart from the original."""
        other = PastDiary(self._link_workers)
        other._taken, other._met = self._taken.copy(), self._met.copy()
        return other

    def colleague(self, practice: str, of: str) -> str | None:
        """A second link worker who also sees people of this practice."""
        others = (one["id"] for one in self._link_workers if one["id"] != of and _serves(one, practice))
        return next(others, None)

    def take(self, practice: str, day: date, after: datetime) -> Slot:
        """Takes the first free time for a practice on or after a day, and after a moment."""
        while True:
            for slot in self._slots(practice, day):
                if slot.starts_at > after and (slot.link_worker, slot.starts_at) not in self._taken:
                    self._taken.add((slot.link_worker, slot.starts_at))
                    return slot
            day += timedelta(days=1)

    def came(self, lead: int, missing: Mapping[int, float]) -> bool:
        """Draws attendance. `missing` gives the share of people who do not come, by days of lead time.

        Attendance is counted, not random. With some dozens of meetings a band, chance would hide how it falls
        with the lead time.
        """
        band = next((longest for longest in missing if lead <= longest), max(missing))
        self._met[band] += 1
        before, now = (self._met[band] - 1) * missing[band], self._met[band] * missing[band]
        return int(before) == int(now)

    def free(self, slot: Slot) -> None:
        """Gives a time back."""
        self._taken.discard((slot.link_worker, slot.starts_at))

    def _slots(self, practice: str, day: date) -> Iterator[Slot]:
        if not working(day):
            return
        found = []
        for worker in self._link_workers:
            minutes = worker["meeting_minutes"]
            for hours in worker["hours"]:
                if hours["weekday"] != day.weekday() or practice not in hours["practices"]:
                    continue
                start, end = _moment(day, hours["opens"]), _moment(day, hours["closes"])
                while start + timedelta(minutes=minutes) <= end:
                    found.append(Slot(worker["id"], start, minutes))
                    start += timedelta(minutes=minutes)
        yield from sorted(found, key=lambda slot: slot.starts_at)


def _serves(worker: Mapping[str, Any], practice: str) -> bool:
    return any(practice in hours["practices"] for hours in worker["hours"])


def _moment(day: date, clock: str) -> datetime:
    parsed = time.fromisoformat(clock)
    return at(day, parsed.hour, parsed.minute)
