"""The stored values of diaries: one day of a link worker, and their caseload."""

from dataclasses import dataclass, field
from datetime import date

from services.matching.booking.reservations import Reservation


@dataclass(slots=True)
class Day:
    """One day of one link worker. `version` 0: nothing is stored yet."""

    link_worker: str
    day: date
    version: int = 0
    reservations: list[Reservation] = field(default_factory=list)
    # Partner bookings that overlap an existing reservation. They take over the time when it is released.
    overlapping: list[Reservation] = field(default_factory=list)
    # Times of the link worker's own appointments. They are of no meeting, and no meeting is booked into them.
    blocked: list[Reservation] = field(default_factory=list)

    @property
    def taken(self) -> list[Reservation]:
        """Every time that is not free."""
        return [*self.reservations, *self.overlapping, *self.blocked]


@dataclass(slots=True)
class Caseload:
    """The open referrals of a link worker."""

    link_worker: str
    version: int = 0
    referrals: set[str] = field(default_factory=set)


DayKey = tuple[str, date]
