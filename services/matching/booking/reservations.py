"""Reserved times, with the travel round a home visit, and the slots that they leave free. Pure."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate

from services.matching.booking.slot import Slot


@dataclass(frozen=True, slots=True)
class Reservation:
    """A reserved time, with its meeting and referral.

    `travel`: minutes before and after the meeting in which the link worker travels. No other meeting lies in
    them. Between two home visits the longer of both travel times is enough.
    """

    starts_at: datetime
    minutes: int
    referral_id: str
    meeting_id: str
    travel: int = 0

    @property
    def ends_at(self) -> datetime:
        """The end of the meeting, without the travel after it."""
        return self.starts_at + timedelta(minutes=self.minutes)

    def overlaps(self, other: "Reservation") -> bool:
        """True if the meetings overlap, or one lies in the travel round the other."""
        apart = timedelta(minutes=max(self.travel, other.travel))
        return self.starts_at < other.ends_at + apart and other.starts_at < self.ends_at + apart

    def is_at(self, other: "Reservation") -> bool:
        """True if both are the same meeting at the same time, with any travel."""
        return (
            self.meeting_id == other.meeting_id
            and self.minutes == other.minutes
            and self.starts_at.replace(microsecond=0) == other.starts_at.replace(microsecond=0)
        )


def reservation_for(slot: Slot, travel: int) -> Reservation:
    """The time that a slot would take."""
    return Reservation(slot.starts_at, slot.minutes, "", "", travel)


def not_taken(slots: Iterable[Slot], held: Sequence[Reservation], travel: int) -> Iterator[Slot]:
    """The slots that overlap no reservation. `travel`: minutes that each slot needs round itself.

    A slot is free if every meeting that begins before its end, with the travel between, has ended before its
    start.
    """
    taken = sorted((_with_travel(each, travel) for each in held), key=lambda span: span[0])
    starts = [begins for begins, _ in taken]
    all_ended = list(accumulate((ends for _, ends in taken), max))
    for slot in slots:
        begun = bisect_left(starts, slot.starts_at + timedelta(minutes=slot.minutes))
        if begun == 0 or all_ended[begun - 1] <= slot.starts_at:
            yield slot


def _with_travel(held: Reservation, travel: int) -> tuple[datetime, datetime]:
    apart = timedelta(minutes=max(held.travel, travel))
    return held.starts_at - apart, held.ends_at + apart
