"""What matching shows: plain values for pages and API. None holds a name, a contact or free text."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from services.matching.directory.availability import Availability
from services.matching.directory.feed.model import Service
from shared.contract.events import vocabulary as v
from shared.contract.history import ReferralHistory, Stage
from shared.contract.history.model import MeetingStatus, PrescriptionStatus
from shared.contract.history.next_step import Step


class NeedsYou(StrEnum):
    """Why a case needs its link worker."""

    HANDED_OVER = "handed_over"
    """It was somebody else's, and whoever has it now has done nothing yet."""
    TWO_MISSES = "two_misses"
    RING = "ring"
    """May not be texted and has not been rung about this meeting. No voicemail."""
    NOT_RECORDED = "not_recorded"
    """The meeting is over and nobody has said whether they came."""
    SERVICE_SAID_NO = "service_said_no"
    SERVICE_SILENT = "service_silent"
    NO_FIRST_VISIT = "no_first_visit"
    DID_NOT_START = "did_not_start"
    NO_MEETING = "no_meeting"
    """Waiting for a meeting longer than was promised."""
    REVIEW_DUE = "review_due"
    LINK_ENDED = "link_ended"
    """A service's one-tap link ended after too many wrong codes."""
    STEP_OVERDUE = "step_overdue"
    NO_NEXT_STEP = "no_next_step"


class ToDo(StrEnum):
    """What would settle it."""

    RING = "ring"
    RECORD = "record"
    CHOOSE_SERVICE = "choose_service"
    RING_SERVICE = "ring_service"
    ASK_PERSON = "ask_person"
    BOOK = "book"
    REVIEW = "review"
    SAY_NEXT_STEP = "say_next_step"


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason why a case needs its link worker, from `since` on (which may be in the future in a view).

    `about`: the meeting or prescription concerned, where there is one.
    """

    reason: NeedsYou
    since: datetime
    todo: ToDo
    about: str | None = None


@dataclass(frozen=True, slots=True)
class Slot:
    """A time in a link worker's diary. `key` goes through forms and comes back to `another_time`.

    `place`: where they meet, in words, from the mode; a room face to face.
    """

    link_worker: str
    practice: str
    place: str
    starts_at: datetime
    minutes: int
    mode: v.MeetingMode = v.MeetingMode.FACE_TO_FACE

    @property
    def key(self) -> str:
        return f"{self.link_worker}|{self.starts_at.strftime('%Y-%m-%dT%H:%MZ')}"


@dataclass(frozen=True, slots=True)
class MeetingShown:
    """One meeting of a case. `place`: where they meet, in words, from the mode; a room face to face."""

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
    reasons: tuple[Reason, ...]
    """Those that hold now, oldest first."""
    waiting: v.WaitingReason | None = None
    expected_by: date | None = None
    risk_note: str | None = None
    kept_elsewhere: bool = False
    """Who they are is kept by the partner that referred them: here they have a reference only."""


@dataclass(frozen=True, slots=True)
class DiaryEntry:
    """A meeting in a diary with what the link worker must know before it."""

    meeting: MeetingShown
    case: CaseLine


@dataclass(frozen=True, slots=True)
class NeedsYouLine:
    """One line of "Needs you"."""

    case: CaseLine
    reason: Reason
    service_id: str | None = None
    service: str | None = None
    """The name of the service concerned."""
    service_telephone: str | None = None
    """Its number, as the directory prints it."""


@dataclass(frozen=True, slots=True)
class FactLine:
    """Something that was said about the case. `undo`: it is ours to retract, by (source, event id)."""

    source: str
    event_id: str
    kind: str
    time: datetime
    recorded: datetime
    undo: bool
    undone: bool
    on: date
    """The day on which it happened, in London."""
    note: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    """The event's own fields as JSON values: codes, dates, references."""


@dataclass(frozen=True, slots=True)
class PrescriptionShown:
    """One service of the plan and how far the person got with it."""

    prescription_id: str
    service_id: str
    service: str
    need: v.Need
    status: PrescriptionStatus
    prescribed_at: datetime
    since: date
    """The day since which it stands as `status` says."""
    signposted: bool
    may_share: v.Agreed
    weeks: int | None
    not_suitable: v.NotSuitableReason | None
    started_on: date | None
    barrier: v.Barrier | None


@dataclass(frozen=True, slots=True)
class CaseShown:
    """A whole case: the line, the story that the facts tell, what was said, and what can be undone."""

    line: CaseLine
    story: ReferralHistory
    meetings: tuple[MeetingShown, ...]
    prescriptions: tuple[PrescriptionShown, ...]
    history: tuple[FactLine, ...]
    """Newest first."""
    earlier: tuple[CaseLine, ...]
    """Other referrals of the same person in this locality, newest first."""


@dataclass(frozen=True, slots=True)
class Done:
    """What an action came to: the case as it is now, the events that it said, and whether it was a replay."""

    locality: str
    referral_id: str
    case: CaseLine
    said: tuple[FactLine, ...]
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class ToRing:
    """Somebody whose meeting was moved and who must be told; `now` is None where nothing else was free."""

    case: CaseLine
    was: MeetingShown
    now: MeetingShown | None


class ListingFault(StrEnum):
    """What is wrong with a directory entry."""

    CLOSED = "closed"
    CONTACT = "contact"
    TIMES = "times"
    PLACE = "place"
    COST = "cost"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class FoundService:
    """A directory entry that a search found; `distance_km` from the postcode asked about, where known."""

    service: Service
    distance_km: float | None
    next_session: str | None
    availability: Availability


@dataclass(frozen=True, slots=True)
class UnmetCount:
    """One line of the unmet-need ledger: how often, for this need, for this reason."""

    need: v.Need
    reason: v.UnmetReason
    count: int


@dataclass(frozen=True, slots=True)
class LocalityNow:
    """How a locality stands: open cases by stage, the longest wait for a meeting, and its unmet needs."""

    locality: str
    by_stage: Mapping[Stage, int]
    """Open cases only; a stage without any is left out."""
    waiting_since: datetime | None
    """When the referral that waits longest for a meeting was made."""
    needs_link_worker: int
    """Open cases with at least one reason under "Needs you"."""
    unmet: tuple[UnmetCount, ...]
    """The most frequent first, of the last 12 months."""


@dataclass(frozen=True, slots=True)
class Sessions:
    """When a service met last and meets next, as far as its times are known."""

    last: datetime | None = None
    next: datetime | None = None


@dataclass(frozen=True, slots=True)
class ServiceAsk:
    """What a service sees through its one-tap link: no identity.

    `access_needs` are there only where the person agreed to be introduced. `answered` is the answer given so
    far. `may_reveal`: after a yes, name and telephone can be shown against a code.
    """

    locality: str
    referral_id: str
    prescription_id: str
    service_id: str
    service: str
    need: v.Need
    age_band: v.AgeBand | None
    area: str | None
    """Outward postcode."""
    language: str
    interpreter: bool
    access_needs: tuple[v.AccessNeed, ...]
    answered: v.Reply | None
    weeks: int | None
    not_suitable: v.NotSuitableReason | None
    started: bool
    closed: bool
    """The case has ended: nothing is awaited any more."""
    may_reveal: bool
    shared: bool
    """The person agreed that this service gets name and telephone."""
    seen_at: datetime | None
    """When it last saw them."""
    link_worker: str | None
    """Whom the service can ask: the link worker's name as they give it at work, and their number to ring."""
    link_worker_telephone: str | None
    expires_at: datetime
    referred_on: date
    """The day on which the person agreed to be referred: no first visit was before it."""
    places: Availability
    """Whether the service takes people, as link workers see it."""
    sessions: Sessions


@dataclass(frozen=True, slots=True)
class Introduced:
    """A person's name and telephone, shown once to a service that said yes."""

    name: str
    telephone: str | None
