"""Link workers: their practices, hours and places, and their absences."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from shared.contract.events.models import Day, LanguageCode, LinkWorkerId, LocalitySlug, OdsCode
from shared.contract.events.vocabulary import MeetingMode
from shared.platform.clock import LONDON
from shared.platform.people.mailbox import Mailbox
from shared.platform.people.telephone import PublicTelephone

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]

# Minutes left free in a diary before and after a home visit; the default of a setting.
TRAVEL_MINUTES: Final = 30


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Hours(_Value):
    """Weekly hours at a place, in London time, for the practices that share its room."""

    # 0 is Monday.
    weekday: Annotated[int, Field(ge=0, le=6)]
    opens: time
    closes: time
    practices: Annotated[tuple[OdsCode, ...], Field(min_length=1, max_length=20)]
    # The place in words for a visitor: "Meir Primary Care Centre, room 4".
    place: Line

    @model_validator(mode="after")
    def _opens_before_closing(self) -> "Hours":
        if self.opens >= self.closes or self.opens.tzinfo or self.closes.tzinfo:
            raise ValueError("opens must be before closes, both in London time")
        return self


class Leave(_Value):
    """Days away, both ends included."""

    first: Day
    last: Day

    @model_validator(mode="after")
    def _first_before_last(self) -> "Leave":
        if self.first > self.last:
            raise ValueError("first must not be after last")
        return self

    def covers(self, day: date) -> bool:
        """True if the day is within the leave."""
        return self.first <= day <= self.last


class LinkWorker(_Value):
    """A link worker of one locality, with name and contacts at work."""

    id: LinkWorkerId
    locality: LocalitySlug
    name: Line
    email: Mailbox
    # The number that people ring to move a meeting.
    telephone: PublicTelephone
    hours: Annotated[tuple[Hours, ...], Field(max_length=60)] = ()
    leave: Annotated[tuple[Leave, ...], Field(max_length=400)] = ()
    languages: tuple[LanguageCode, ...] = ("en",)
    meeting_minutes: Annotated[int, Field(ge=15, le=120)] = 45
    caseload_limit: Annotated[int, Field(ge=0, le=1000)] = 250
    home_visits: bool = False
    telephone_meetings: bool = True
    video_meetings: bool = False
    active: bool = True

    @property
    def practices(self) -> frozenset[str]:
        """The practices whose people this link worker meets."""
        return frozenset(code for hours in self.hours for code in hours.practices)

    def offers(self, mode: MeetingMode) -> bool:
        """True if this link worker meets people in this way."""
        offered = {
            MeetingMode.FACE_TO_FACE: True,
            MeetingMode.HOME: self.home_visits,
            MeetingMode.PHONE: self.telephone_meetings,
            MeetingMode.VIDEO: self.video_meetings,
        }
        return offered[mode]

    def away(self, day: date) -> bool:
        """True if the link worker is away on that day."""
        return any(leave.covers(day) for leave in self.leave)


def times(hours: Hours, day: date, minutes: int) -> list[datetime]:
    """The starts, in UTC, of the meetings of this length that fit into the hours of that day.

    Counted in real time from opening. When the clocks change within the hours, no meeting falls into the
    missing hour, and none overlaps in the repeated one.
    """
    if day.weekday() != hours.weekday:
        return []
    start = datetime.combine(day, hours.opens, LONDON).astimezone(UTC)
    # The later of two readings: hours that close within the repeated hour last until its end.
    end = datetime.combine(day, hours.closes, LONDON).replace(fold=1).astimezone(UTC)
    length = timedelta(minutes=minutes)
    return [start + length * n for n in range(max(0, (end - start) // length))]
