"""Link workers: their practices, hours and places, and their absences."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from shared.contract.events.models import Day, LanguageCode, LinkWorkerId, LocalitySlug, OdsCode
from shared.contract.events.vocabulary import MeetingMode
from shared.platform.clock import LONDON
from shared.platform.people.mailbox import Mailbox
from shared.platform.people.telephone import PublicTelephone

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120)]

RoomId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,60}$")]
Half = Literal["am", "pm"]
# The longest meeting of a diary. A meeting that began before a leave may reach into it.
LONGEST_MEETING: Final = timedelta(minutes=120)
_NOON: Final = time(12)
# The end of a leave that lasts until it is ended, as its readers see it.
_END_UNKNOWN: Final = timedelta(days=364)
# A full share of new cases, in per cent.
FULL_WEIGHT: Final = 100

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
    # The room, if it is kept in the list of rooms. It takes only so many meetings at a time.
    room: RoomId | None = None

    @model_validator(mode="after")
    def _opens_before_closing(self) -> "Hours":
        if self.opens >= self.closes or self.opens.tzinfo or self.closes.tzinfo:
            raise ValueError("opens must be before closes, both in London time")
        return self


class Leave(_Value):
    """Days away, both ends included.

    `half`: the half of a single day; None for whole days. `end_unknown`: the leave lasts until it is ended;
    `last` is then a day far ahead, for readers who know of no open end.
    """

    first: Day
    last: Day
    half: Half | None = None
    end_unknown: bool = False

    @model_validator(mode="after")
    def _first_before_last(self) -> "Leave":
        if self.first > self.last:
            raise ValueError("first must not be after last")
        if self.half is not None and (self.first != self.last or self.end_unknown):
            raise ValueError("half a day is of one day")
        return self

    @classmethod
    def until_ended(cls, first: date) -> "Leave":
        """Leave from this day on, with an end that nobody knows yet."""
        return cls(first=first, last=first + _END_UNKNOWN, end_unknown=True)

    @property
    def begins(self) -> datetime:
        """The moment from which the link worker is away, in UTC."""
        return _moment(self.first, _NOON if self.half == "pm" else time(0))

    @property
    def ends(self) -> datetime:
        """The moment until which the link worker is away, in UTC."""
        if self.half == "am":
            return _moment(self.first, _NOON)
        return _moment(self.last + timedelta(days=1), time(0))

    def covers(self, day: date) -> bool:
        """True if the whole day is within the leave."""
        return self.half is None and self.first <= day <= self.last

    def includes(self, other: "Leave") -> bool:
        """True if the other leave says nothing more."""
        return self.begins <= other.begins and other.ends <= self.ends

    def meets(self, starts_at: datetime, minutes: int) -> bool:
        """True if a meeting at this time would fall into the leave."""
        return starts_at < self.ends and self.begins < starts_at + timedelta(minutes=minutes)


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
    # The share of new cases beside colleagues, in per cent: 50 for half as many as the caseload limit tells.
    caseload_weight: Annotated[int, Field(ge=10, le=200)] = FULL_WEIGHT
    home_visits: bool = False
    telephone_meetings: bool = True
    video_meetings: bool = False
    active: bool = True

    @property
    def rooms(self) -> frozenset[str]:
        """The rooms in which this link worker meets people."""
        return frozenset(hours.room for hours in self.hours if hours.room is not None)

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
        """True if the link worker is away on that whole day."""
        return any(leave.covers(day) for leave in self.leave)


def room_at(worker: LinkWorker, starts_at: datetime) -> str | None:
    """The room in which the link worker meets people at this time."""
    here = starts_at.astimezone(LONDON)
    for hours in worker.hours:
        if hours.weekday == here.weekday() and hours.opens <= here.time() < hours.closes:
            return hours.room
    return None


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


def _moment(day: date, at: time) -> datetime:
    return datetime.combine(day, at, LONDON).astimezone(UTC)
