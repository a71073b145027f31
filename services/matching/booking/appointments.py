"""A link worker's own appointments, which keep time free of meetings: training, supervision, travel. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from services.matching.booking.diary import Diaries
from services.matching.calendar import london_day
from services.matching.errors import Refused
from services.matching.referral_state.commands import Command, about
from services.matching.referral_state.state import ReferralState
from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from shared.delivery.model.decision import NOTHING, Decision, DecisionContext
from shared.platform.clock import LONDON

FARTHEST: Final = timedelta(days=366)
_WEEK: Final = timedelta(days=7)
NOTE_LENGTH: Final = 60


class AppointmentKind(StrEnum):
    """The work of a link worker in time that is free of meetings."""

    TRAINING = "training"
    SUPERVISION = "supervision"
    TEAM = "team"
    TRAVEL = "travel"
    PAPERWORK = "paperwork"
    OTHER = "other"


KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        AppointmentKind.TRAINING: "Training",
        AppointmentKind.SUPERVISION: "Supervision",
        AppointmentKind.TEAM: "Team meeting",
        AppointmentKind.TRAVEL: "Travel",
        AppointmentKind.PAPERWORK: "Paperwork",
        AppointmentKind.OTHER: "Other",
    }
)


@dataclass(frozen=True, slots=True)
class TimeWanted:
    """The time of a new appointment, its kind, and a note that names nobody."""

    starts_at: datetime
    ends_at: datetime
    kind: AppointmentKind
    note: str = ""

    @classmethod
    def on(cls, day: date, begins: time, ends: time, kind: AppointmentKind, note: str) -> "TimeWanted":
        """The time from `begins` to `ends` of a day in London."""
        starts_at, ends_at = (
            datetime.combine(day, at.replace(tzinfo=None), LONDON).astimezone(UTC) for at in (begins, ends)
        )
        return cls(starts_at, ends_at, kind, " ".join(note.split()))

    @property
    def minutes(self) -> int:
        """The length."""
        return int((self.ends_at - self.starts_at).total_seconds() // 60)

    def weekly(self, until: date | None) -> tuple["TimeWanted", ...]:
        """This time, and the same time in London of each week until that day.

        Raises:
            Refused: `appointment_until`: no week is left, or the day is too far ahead.
        """
        begins, ends = self.starts_at.astimezone(LONDON), self.ends_at.astimezone(LONDON)
        if until is None:
            return (self,)
        if not begins.date() + _WEEK <= until <= begins.date() + FARTHEST:
            raise Refused("appointment_until")
        weeks = range((until - begins.date()) // _WEEK + 1)
        days = [begins.date() + n * _WEEK for n in weeks]
        return tuple(TimeWanted.on(day, begins.time(), ends.time(), self.kind, self.note) for day in days)

    def check(self, now: datetime) -> None:
        """Raises Refused for a time that is over, too far ahead, too short or of two days, or a bad note."""
        same_day = london_day(self.starts_at) == london_day(self.ends_at)
        if self.minutes < 5 or not same_day:
            raise Refused("appointment_times")
        if self.ends_at <= now:
            raise Refused("appointment_over")
        if self.starts_at > now + FARTHEST:
            raise Refused("appointment_far")
        if sum(sign.isdigit() for sign in self.note) >= 6:
            raise Refused("note_number")


@dataclass(frozen=True, slots=True)
class Appointment:
    """An appointment in a diary.

    `removed`: it keeps no time, and can be put back. `series`: shared by those that repeat; "" for one alone.
    """

    appointment_id: str
    link_worker: str
    starts_at: datetime
    minutes: int
    kind: AppointmentKind
    note: str = ""
    removed: bool = False
    series: str = ""

    @property
    def ends_at(self) -> datetime:
        """The end."""
        return self.starts_at + timedelta(minutes=self.minutes)

    def meets(self, starts_at: datetime, minutes: int) -> bool:
        """True if a meeting at this time would fall into the appointment."""
        return starts_at < self.ends_at and self.starts_at < starts_at + timedelta(minutes=minutes)


def make_room(appointment: Appointment) -> Command:
    """Cancels the case's coming meeting with this link worker if it falls into the appointment."""

    def act(view: ReferralState, _: Diaries, context: DecisionContext) -> Decision:
        active = view.story.active
        if active is None or not view.open or active.booked.link_worker != appointment.link_worker:
            return NOTHING
        booked = active.booked
        if not appointment.meets(booked.starts_at, booked.minutes):
            return NOTHING
        if booked.starts_at + timedelta(minutes=booked.minutes) <= context.now:
            return NOTHING
        return Decision(
            [
                o.MeetingCancelled(
                    **about(context),
                    meeting_id=booked.meeting_id,
                    by=v.By.LINK_WORKER,
                    why=v.CancelReason.LINK_WORKER_AWAY,
                )
            ]
        )

    return act
