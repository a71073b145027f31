"""Bodies and answers of the API on meetings."""

from datetime import datetime

from pydantic import BaseModel, Field

from services.matching.booking.slot import Slot
from services.matching.referral_state.views import DiaryEntry
from services.matching.web.schemas import Body, SlotKey
from shared.contract.api import booking as contract
from shared.contract.events import vocabulary as v
from shared.contract.events.models import Day


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


class OptionsOut(BaseModel):
    """Suitable times, the earliest first."""

    options: list[SlotOut]


class DiaryOut(BaseModel):
    """Meetings and free times of a diary, each in order."""

    meetings: list[DiaryEntry]
    free: list[SlotOut]


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
