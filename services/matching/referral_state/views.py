"""Values for pages and API. None holds a name, a contact or free text."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from services.matching.referral_state.attention import Reason
from shared.contract.events import vocabulary as v
from shared.contract.history import ReferralHistory, Stage
from shared.contract.history.model import MeetingStatus, PrescriptionStatus
from shared.contract.history.next_step import Step


@dataclass(frozen=True, slots=True)
class MeetingShown:
    """One meeting of a case. `place` in words: the room if face to face, otherwise the mode.

    `booked_by`: the name of another owner or partner that booked it; None for our own booking.
    """

    meeting_id: str
    referral_id: str
    locality: str
    link_worker: str
    practice: str
    place: str
    starts_at: datetime
    minutes: int
    mode: v.MeetingMode
    status: MeetingStatus
    provisional: bool
    sequence: int
    booked_by: str | None = None


@dataclass(frozen=True, slots=True)
class CaseLine:
    """A case as a line of a list."""

    locality: str
    referral_id: str
    practice: str
    stage: Stage
    open: bool
    created_at: datetime
    urgency: v.Urgency
    needs: tuple[v.Need, ...]
    age_band: v.AgeBand | None
    risk: v.Risk
    contact: v.SafeToText
    language: str
    interpreter: bool
    access_needs: tuple[v.AccessNeed, ...]
    link_worker: str | None
    active: MeetingShown | None
    step: Step | None
    # Reasons that hold now, oldest first.
    reasons: tuple[Reason, ...]
    waiting: v.WaitingReason | None = None
    expected_by: date | None = None
    risk_note: str | None = None
    # A partner keeps the person's identity: here they have a reference only.
    kept_elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class DiaryEntry:
    """A meeting in a diary with everything that the link worker must know before it."""

    meeting: MeetingShown
    case: CaseLine


@dataclass(frozen=True, slots=True)
class NeedsYouLine:
    """One line of "Needs you"."""

    case: CaseLine
    reason: Reason
    service_id: str | None = None
    # The name of the service concerned.
    service: str | None = None
    # Its number, as the directory prints it.
    service_telephone: str | None = None


@dataclass(frozen=True, slots=True)
class FactLine:
    """One fact of the case. `undo`: people may retract it, by (source, event id)."""

    source: str
    event_id: str
    kind: str
    time: datetime
    recorded: datetime
    undo: bool
    undone: bool
    # The day of the event, in London.
    on: date
    note: str | None = None
    # The event's own fields as JSON values: codes, dates, references.
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PrescriptionShown:
    """One service of the plan and how far the person got with it."""

    prescription_id: str
    service_id: str
    service: str
    need: v.Need
    status: PrescriptionStatus
    prescribed_at: datetime
    # The day since which `status` holds.
    since: date
    signposted: bool
    may_share: v.Agreed
    weeks: int | None
    not_suitable: v.NotSuitableReason | None
    started_on: date | None
    barrier: v.Barrier | None


@dataclass(frozen=True, slots=True)
class CaseShown:
    """A whole case: the line, the folded history, the facts, and the undo of each."""

    line: CaseLine
    story: ReferralHistory
    meetings: tuple[MeetingShown, ...]
    prescriptions: tuple[PrescriptionShown, ...]
    # Newest first.
    history: tuple[FactLine, ...]
    # Other referrals of the same person in this locality, newest first.
    earlier: tuple[CaseLine, ...]


@dataclass(frozen=True, slots=True)
class Done:
    """Outcome of a command: the present case, its new events, and whether it was a replay.

    `pending`: another owner has done it, and its event has not arrived yet. `case` shows what it answered.
    """

    locality: str
    referral_id: str
    case: CaseLine
    said: tuple[FactLine, ...]
    replayed: bool = False
    pending: bool = False


@dataclass(frozen=True, slots=True)
class ToRing:
    """A person to ring because their meeting was moved. `now`: None if no other time was free."""

    case: CaseLine
    was: MeetingShown
    now: MeetingShown | None
