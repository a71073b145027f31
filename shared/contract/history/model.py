"""The story of one referral, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, Protocol

from shared.contract.events import vocabulary as v
from shared.contract.events.models import MeetingBooked, ReferralCreated
from shared.contract.events.outcomes import (
    ContactAttempted,
    ContactChanged,
    Measured,
    MeetingCancelled,
    MeetingWaiting,
    NeedUnmet,
    NextStep,
    PlanAgreed,
    ServicePrescribed,
)
from shared.platform.clock import london_day

MeetingStatus = Literal["booked", "attended", "missed", "cancelled", "replaced"]
PrescriptionStatus = Literal[
    "asked",
    "signposted",
    "accepted",
    "waiting_list",
    "full",
    "not_suitable",
    "started",
    "not_started",
    "ended",
]


class EventRef(Protocol):
    """Of a fact, who said it, under which id, when it happened and when it was said."""

    @property
    def source(self) -> str: ...
    @property
    def id(self) -> str: ...
    @property
    def time(self) -> datetime: ...
    @property
    def recorded(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class Meeting:
    """One meeting and what became of it."""

    booked: MeetingBooked
    said: EventRef
    status: MeetingStatus
    cancelled: MeetingCancelled | None = None
    outcome: EventRef | None = None
    """The fact that it was attended, missed or cancelled by."""

    @property
    def held_on(self) -> date:
        """The day of it: as booked, or sooner where it was said sooner how it went."""
        booked = london_day(self.booked.starts_at)
        return booked if self.outcome is None else min(booked, london_day(self.outcome.time))


@dataclass(frozen=True, slots=True)
class Prescription:
    """One service of the plan and how far the person got with it."""

    prescribed: ServicePrescribed
    said: EventRef
    status: PrescriptionStatus
    reply: v.Reply | None = None
    reply_said: EventRef | None = None
    weeks: int | None = None
    not_suitable: v.NotSuitableReason | None = None
    started_on: date | None = None
    started_said: EventRef | None = None
    accompanied_by: v.AccompaniedBy | None = None
    barrier: v.Barrier | None = None
    not_started_said: EventRef | None = None
    ended: v.EndReason | None = None
    ended_said: EventRef | None = None
    may_share: v.Agreed = v.Agreed.NOT_ASKED
    """Whether name and contact may be shared with this service."""

    @property
    def since(self) -> date:
        """The day since which it stands as `status` says: not the day on which the service was asked."""
        match self.status:
            case "started" if self.started_on is not None:
                return self.started_on
            case "ended":
                said = self.ended_said
            case "not_started":
                said = self.not_started_said
            case "asked" | "signposted":
                said = self.said
            case _:
                said = self.reply_said
        return london_day((said or self.said).time)


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a referral is no longer open."""

    kind: Literal["closed", "declined", "returned", "withdrawn"]
    reason: str
    said: EventRef
    note: str | None = None
    """The note in the vault that says more."""


@dataclass(frozen=True, slots=True)
class ReferralHistory:
    """Everything that has been said about one referral and not taken back.

    `created` is None until ReferralCreated has been heard: facts may arrive before it.
    """

    created: ReferralCreated | None = None
    created_said: EventRef | None = None
    meetings: tuple[Meeting, ...] = ()
    """By sequence, then rank of source, then id."""
    active: Meeting | None = None
    """The meeting that stands: the highest of those that are booked."""
    waiting: MeetingWaiting | None = None
    waiting_said: EventRef | None = None
    link_worker: str | None = None
    plan: PlanAgreed | None = None
    plan_said: EventRef | None = None
    prescriptions: tuple[Prescription, ...] = ()
    contacts: tuple[tuple[ContactAttempted, EventRef], ...] = ()
    unmet: tuple[tuple[NeedUnmet, EventRef], ...] = ()
    measured: Mapping[tuple[v.Instrument, v.Stage], tuple[Measured, EventRef]] = field(default_factory=dict)
    details_to_gp: v.Agreed = v.Agreed.NOT_ASKED
    follow_up: v.Agreed = v.Agreed.NOT_ASKED
    next_step: NextStep | None = None
    """The one that was said last. What holds now is `next_step.step_of`."""
    next_step_said: EventRef | None = None
    contact_changes: tuple[tuple[ContactChanged, EventRef], ...] = ()
    """What was said since of whether messages may be sent."""
    endings: tuple[Ending, ...] = ()
    """Those that no reopening has undone; in order of their ids."""
    reopenings: int = 0
    erased: bool = False
    last_recorded: datetime | None = None
    """When the latest fact was said: for ordering lists, never for deciding which fact wins."""

    @property
    def open(self) -> bool:
        return self.created is not None and not self.endings and not self.erased

    @property
    def contact(self) -> v.SafeToText:
        """Whether messages may be sent to the person; without a plain yes none is."""
        said = [change.contact for change, _ in self.contact_changes]
        if not said:
            return self.created.contact if self.created is not None else v.SafeToText.NOT_KNOWN
        careful = (v.SafeToText.RING, v.SafeToText.NOT_KNOWN, v.SafeToText.YES)
        return next(contact for contact in careful if contact in said)

    @property
    def attended(self) -> tuple[Meeting, ...]:
        return tuple(m for m in self.meetings if m.status == "attended")

    @property
    def missed(self) -> tuple[Meeting, ...]:
        return tuple(m for m in self.meetings if m.status == "missed")

    @property
    def first_visit(self) -> date | None:
        """The day of the first attendance at any service: what the programme is measured by."""
        days = [p.started_on for p in self.prescriptions if p.started_on is not None]
        return min(days, default=None)
