"""Bodies and answers of the API on meetings."""

from datetime import datetime
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, Field

from services.matching.booking.agenda import AgendaDay
from services.matching.booking.slot import Slot
from services.matching.booking.wanted import TimesWanted
from services.matching.referral_state.views import DiaryEntry
from services.matching.web.schemas import Body, SlotKey
from shared.contract.api import booking as contract
from shared.contract.events import vocabulary as v
from shared.contract.events.models import Day
from shared.platform.web.bodies import DaySent


class SlotOut(BaseModel):
    """A free time. `key` is the input of `another-time` and `book`."""

    key: str
    link_worker: str
    practice: str
    place: str
    starts_at: datetime
    minutes: int
    mode: v.MeetingMode

    @classmethod
    def of(cls, slot: Slot | contract.TimeOffered) -> "SlotOut":
        """The slot as the API returns it."""
        return cls(
            key=slot.key,
            link_worker=slot.link_worker,
            practice=slot.practice,
            place=slot.place,
            starts_at=slot.starts_at,
            minutes=slot.minutes,
            mode=slot.mode,
        )


Count = Annotated[int, Query(ge=1, le=200)]


async def wanted_times(
    first: Annotated[DaySent | None, Query(alias="from")] = None,
    last: Annotated[DaySent | None, Query(alias="to")] = None,
    link_worker: Annotated[
        str | None, Query(max_length=60, description="An id, or `any` for every one of the practice.")
    ] = None,
    practice: Annotated[
        str | None, Query(max_length=10, description="Another site at which these link workers work.")
    ] = None,
    mode: Annotated[v.MeetingMode | None, Query(description="The kind of meeting, if it is offered.")] = None,
) -> TimesWanted:
    """Dependency: which times the caller wants to see. All left out: those that suit the referral."""
    return TimesWanted(first, last, link_worker, practice, mode)


class OptionsOut(BaseModel):
    """Suitable times, the earliest first."""

    options: list[SlotOut]


class DiaryOut(BaseModel):
    """Meetings and free times of a diary, each in order."""

    meetings: list[DiaryEntry]
    free: list[SlotOut]


class AgendaOut(BaseModel):
    """Days of diaries, by day and then by link worker's name."""

    days: list[AgendaDay]


class CalendarOut(BaseModel):
    """The caller's calendar feed. `address` is told once, when it is made."""

    is_on: bool
    since: datetime | None
    address: str | None


class Cancelling(Body):
    """The cancellation of a meeting: by whom, and why."""

    by: v.By = Field(examples=["person"])
    why: v.CancelReason = Field(examples=["unwell"])


class Moving(Body):
    """The time to which a meeting moves."""

    slot: contract.TimeKey | None = Field(
        None,
        description="A key from `options`; left out: the next suitable time.",
        examples=["lw-meir-1|2026-12-01T09:45Z"],
    )


class Later(Body):
    """The day before which the person does not want to meet."""

    on: Day = Field(examples=["2027-01-11"])


class MeetingAsked(contract.MeetingCommand, Body):
    """A command of another part, for its user."""


class TimeChosen(contract.ChooseTime, Body):
    """The time that a person chose, at another part."""

    slot: SlotKey | None = Field(None, description="A key from `options`; left out: the next suitable time.")


class DeferAsked(contract.Defer, Body):
    """The day before which the person does not want to meet, told to another part."""


class CancelAsked(contract.CancelMeeting, Body):
    """A cancellation at another part."""
