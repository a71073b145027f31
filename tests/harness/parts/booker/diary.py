"""The partner's diary: link workers' hours from casework's list, times that meetings hold, free times."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any

import holidays

from shared.contract.events.models import MeetingBooked
from shared.platform.clock import LONDON

AHEAD = timedelta(hours=2)
HORIZON_DAYS = 56
GRAIN_MINUTES = 5


@dataclass(frozen=True, slots=True)
class Free:
    """A free time of a link worker."""

    link_worker: str
    practice: str
    place: str
    starts_at: datetime
    minutes: int

    @property
    def key(self) -> str:
        """The time's own name."""
        return f"{self.link_worker}|{self.starts_at.astimezone(UTC):%Y-%m-%dT%H:%MZ}"


class Diary:
    """Times by referral. What a referral holds is replaced as a whole when its facts change."""

    def __init__(self) -> None:
        self._workers: dict[str, Mapping[str, Any]] = {}
        self._held: dict[str, list[tuple[str, int]]] = {}
        self._taken: Counter[tuple[str, int]] = Counter()

    def staff(self, entries: Sequence[Mapping[str, Any]]) -> None:
        """Takes casework's list of link workers."""
        self._workers = {entry["id"]: entry for entry in entries}

    @property
    def is_staffed(self) -> bool:
        """True once a link worker is known."""
        return bool(self._workers)

    def worker(self, name: str) -> Mapping[str, Any] | None:
        """A link worker's entry."""
        return self._workers.get(name)

    def hold(self, referral: str, meetings: Sequence[MeetingBooked]) -> None:
        """Holds exactly the times of these meetings for a referral."""
        for cell in self._held.pop(referral, []):
            self._taken[cell] -= 1
        cells = [
            (meeting.link_worker, cell)
            for meeting in meetings
            for cell in _cells(meeting.starts_at, meeting.minutes)
        ]
        if cells:
            self._held[referral] = cells
            self._taken.update(cells)

    def is_free(self, link_worker: str, starts_at: datetime, minutes: int) -> bool:
        """True if no meeting holds any of this time."""
        return not any(self._taken[link_worker, cell] for cell in _cells(starts_at, minutes))

    def times(self, practice: str, now: datetime, *, but: frozenset[str] = frozenset()) -> Iterator[Free]:
        """Free times for a practice's people, the earliest first; without those of these keys."""
        first = (now + AHEAD).astimezone(LONDON).date()
        for number in range(HORIZON_DAYS):
            day = first + timedelta(days=number)
            if day in _bank_holidays(day.year):
                continue
            found = [
                free
                for entry in self._workers.values()
                if entry["active"] and not _away(entry, day)
                for free in _of_day(entry, practice, day)
                if free.starts_at >= now + AHEAD and free.key not in but
            ]
            for free in sorted(found, key=lambda free: (free.starts_at, free.link_worker)):
                if self.is_free(free.link_worker, free.starts_at, free.minutes):
                    yield free


def _of_day(entry: Mapping[str, Any], practice: str, day: date) -> Iterator[Free]:
    minutes = int(entry["meeting_minutes"])
    for hours in entry["hours"]:
        if hours["weekday"] != day.weekday() or practice not in hours["practices"]:
            continue
        opens, closes = (
            datetime.combine(day, time.fromisoformat(hours[name]), LONDON) for name in ("opens", "closes")
        )
        while opens + timedelta(minutes=minutes) <= closes:
            yield Free(entry["id"], practice, hours["place"], opens, minutes)
            opens += timedelta(minutes=minutes)


def _away(entry: Mapping[str, Any], day: date) -> bool:
    return any(leave["first"] <= day.isoformat() <= leave["last"] for leave in entry["leave"])


def _cells(starts_at: datetime, minutes: int) -> range:
    first = int(starts_at.timestamp()) // (60 * GRAIN_MINUTES)
    return range(first, first + -(-minutes // GRAIN_MINUTES))


@cache
def _bank_holidays(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("GB", subdiv="ENG", years=year))
