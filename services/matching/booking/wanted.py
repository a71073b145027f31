"""A narrower choice of times than the earliest that suit: days, a link worker, a site. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from services.matching.booking.requirements import MeetingRequirements
from services.matching.calendar import london_day
from shared.contract.api.booking import TimeOffered
from shared.contract.events import vocabulary as v

# Every link worker of the person's practice, also where the case was handed to one of them.
ANYBODY: Final = "any"


@dataclass(frozen=True, slots=True)
class TimesWanted:
    """The times that a person who chooses wants to see. None: as the referral has it.

    Attributes:
        first: the first day of the choice.
        last: its last day.
        link_worker: an id, or `ANYBODY`.
        practice: the practice whose rooms suit, of those at which the person's link workers work.
        mode: the kind of meeting.
    """

    first: date | None = None
    last: date | None = None
    link_worker: str | None = None
    practice: str | None = None
    mode: v.MeetingMode | None = None

    def narrowed(self, requirements: MeetingRequirements) -> MeetingRequirements:
        """The requirements of the referral, narrowed or widened by this choice."""
        first = max((day for day in (requirements.not_before, self.first) if day), default=None)
        found = replace(requirements, not_before=first)
        if self.link_worker is not None:
            found = replace(found, link_worker=None if self.link_worker == ANYBODY else self.link_worker)
        if self.practice is not None:
            found = replace(found, sites=frozenset({self.practice}))
        if self.mode is not None:
            found = replace(found, mode=self.mode)
        return found

    def of(self, times: Iterable[TimeOffered]) -> list[TimeOffered]:
        """Those of another owner's times that this choice has."""
        return [
            each
            for each in times
            if self.link_worker in (None, ANYBODY, each.link_worker)
            and self.practice in (None, each.practice)
            and self.mode in (None, each.mode)
            and (self.first is None or self.first <= london_day(each.starts_at))
            and (self.last is None or london_day(each.starts_at) <= self.last)
        ]


EARLIEST: Final = TimesWanted()
