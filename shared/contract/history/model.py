"""The history of one referral, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal, NoReturn, Protocol

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


class NotFolded(AttributeError):
    """A field was read whose section the fold did not pick."""


class EventRef(Protocol):
    """The source and id of a fact, when it happened (`time`) and when it was said (`recorded`)."""

    @property
    def source(self) -> str:
        """The source of the fact."""

    @property
    def id(self) -> str:
        """The id of the fact."""

    @property
    def time(self) -> datetime:
        """The time at which it happened."""

    @property
    def recorded(self) -> datetime:
        """The time at which it was said."""


@dataclass(frozen=True, slots=True)
class Meeting:
    """One meeting and what became of it.

    Attributes:
        outcome: the fact by which it was attended, missed or cancelled.
    """

    booked: MeetingBooked
    said: EventRef
    status: MeetingStatus
    cancelled: MeetingCancelled | None = None
    outcome: EventRef | None = None

    @property
    def held_on(self) -> date:
        """Its day in London as booked, or sooner if the outcome was said sooner."""
        booked = london_day(self.booked.starts_at)
        return booked if self.outcome is None else min(booked, london_day(self.outcome.time))


@dataclass(frozen=True, slots=True)
class Prescription:
    """One service of the plan and how far the person got with it.

    Attributes:
        may_share: whether name and contact may be shared with this service.
    """

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

    @property
    def since(self) -> date:
        """The day since which `status` holds, not the day on which the service was asked."""
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
    """Why a referral is no longer open.

    Attributes:
        note: the note in the vault that says more.
    """

    kind: Literal["closed", "declined", "returned", "withdrawn"]
    reason: str
    said: EventRef
    note: str | None = None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ReferralHistory:
    """Everything that was said about one referral and not retracted.

    A history that a fold made has the fields of the sections that the fold picked, and no others.

    Attributes:
        created: None until the creation arrives. Other facts may arrive before it.
        meetings: in ascending order of (sequence, priority of the source, meeting id).
        active: the meeting that stands.
        next_step: the one said last. `next_step.step_of` gives the one that holds now.
        contact_changes: facts that say anew whether messages may be sent.
        endings: those that no reopening has undone, in order of (id, source).
        last_recorded: when the latest fact was said. For ordering lists, never for deciding which fact wins.
    """

    created: ReferralCreated | None = None
    created_said: EventRef | None = None
    meetings: tuple[Meeting, ...] = ()
    active: Meeting | None = None
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
    next_step_said: EventRef | None = None
    contact_changes: tuple[tuple[ContactChanged, EventRef], ...] = ()
    endings: tuple[Ending, ...] = ()
    reopenings: int = 0
    erased: bool = False
    last_recorded: datetime | None = None

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> "ReferralHistory":
        """A history that has these fields only."""
        history = object.__new__(cls)
        put = object.__setattr__
        for name, value in given.items():
            put(history, name, value)
        return history

    def folded(self) -> dict[str, Any]:
        """The fields that the fold gave, by name."""
        return {each.name: getattr(self, each.name) for each in fields(self) if hasattr(self, each.name)}

    if not TYPE_CHECKING:  # else every misspelt field would pass the type checker

        def __getattr__(self, name: str) -> NoReturn:
            raise NotFolded(f"{name} is of a section that this fold did not pick")

    def __eq__(self, other: object) -> bool:
        return self.folded() == other.folded() if isinstance(other, ReferralHistory) else NotImplemented

    def __hash__(self) -> int:
        raise TypeError("a history is no key")

    def __repr__(self) -> str:
        return f"ReferralHistory({', '.join(f'{name}={value!r}' for name, value in self.folded().items())})"

    @property
    def open(self) -> bool:
        """True while the referral is created, no ending stands and the person is not erased."""
        return self.created is not None and not self.endings and not self.erased

    @property
    def contact(self) -> v.SafeToText:
        """The agreement to messages. Without a plain yes, none may be sent to the person."""
        said = [change.contact for change, _ in self.contact_changes]
        if not said:
            return self.created.contact if self.created is not None else v.SafeToText.NOT_KNOWN
        careful = (v.SafeToText.RING, v.SafeToText.NOT_KNOWN, v.SafeToText.YES)
        return next(contact for contact in careful if contact in said)

    @property
    def attended(self) -> tuple[Meeting, ...]:
        """The meetings that the person attended."""
        return tuple(m for m in self.meetings if m.status == "attended")

    @property
    def missed(self) -> tuple[Meeting, ...]:
        """The meetings that the person did not attend."""
        return tuple(m for m in self.meetings if m.status == "missed")

    @property
    def first_visit(self) -> date | None:
        """The day of the first attendance at any service, by which the programme is measured."""
        days = [p.started_on for p in self.prescriptions if p.started_on is not None]
        return min(days, default=None)
