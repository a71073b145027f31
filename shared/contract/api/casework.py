"""Casework's operations: link workers with hours and leave, the link worker of a case, plans."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.contract.api.operation import BASE, Operation, Parameter
from shared.contract.api.referral import REFERRAL_EXAMPLE, Subject
from shared.contract.events import vocabulary as v
from shared.contract.events.models import Day, LanguageCode, LinkWorkerId, LocalitySlug, OdsCode, Ref
from shared.contract.history.model import PrescriptionStatus

_BASE: Final = "/api/matching/v1"
# Link workers' entries, and the addresses at which services are asked.
READS_CONTACTS: Final = "contacts:read"
READS_PLANS: Final = "plans:read"
READS_SHARING: Final = "sharing:read"

# A time of day in London, such as 09:00 or 09:00:00.
LocalTime = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?$")]


class WeeklyHours(BaseModel):
    """Weekly hours at a place, in London time, for the practices that share its room."""

    weekday: Annotated[int, Field(ge=0, le=6, description="0 is Monday.")]
    opens: LocalTime
    closes: LocalTime
    practices: list[OdsCode]
    place: Annotated[str, Field(description="The place in words for a visitor, such as a room.")]
    room: Annotated[
        str | None,
        Field(description="The room's id, where casework keeps a list of rooms."),
    ] = None


class DaysAway(BaseModel):
    """Days away, both ends included. A reader who knows no halves and no open ends takes whole days."""

    first: Day
    last: Day
    half: Annotated[
        Literal["am", "pm"] | None, Field(description="The half of a single day; left out for whole days.")
    ] = None
    end_unknown: Annotated[
        bool, Field(description="The leave lasts until it is ended. `last` is a day far ahead.")
    ] = False


class LinkWorkerEntry(BaseModel):
    """Everything by which a link worker's diary is kept."""

    id: LinkWorkerId
    locality: LocalitySlug
    name: str
    email: str
    telephone: Annotated[str, Field(description="The number that people ring to move a meeting.")]
    hours: list[WeeklyHours]
    leave: list[DaysAway]
    languages: list[LanguageCode]
    meeting_minutes: Annotated[int, Field(ge=15, le=120, description="Length of a meeting.")]
    caseload_limit: Annotated[int, Field(ge=0, description="Open cases at most.")]
    caseload_weight: Annotated[
        int, Field(ge=10, le=200, description="Share of new cases beside colleagues, in per cent.")
    ] = 100
    home_visits: bool
    telephone_meetings: Annotated[bool, Field(description="Meets people by telephone too.")] = True
    video_meetings: Annotated[bool, Field(description="Meets people by video too.")] = False
    active: Annotated[bool, Field(description="False: no new meeting is booked with them.")] = True


class LinkWorkerAnswer(BaseModel):
    """A link worker. `place` is the first of the places where they meet people."""

    id: LinkWorkerId
    locality: LocalitySlug
    name: str
    email: str
    telephone: str
    place: str | None
    practices: list[OdsCode]
    languages: list[LanguageCode]
    entry: LinkWorkerEntry


class LinkWorkersAnswer(BaseModel):
    """The link workers of a locality, by id. Those who have left are not active."""

    link_workers: list[LinkWorkerEntry]


class CasesAsked(BaseModel):
    """The referrals whose link workers are wanted."""

    model_config = ConfigDict(extra="forbid")

    locality: LocalitySlug
    referrals: Annotated[list[Ref], Field(min_length=1, max_length=200)]


class CaseLinkWorkers(BaseModel):
    """Link workers by referral. A referral without a link worker, or an unknown one, is left out."""

    link_workers: dict[str, str]
    covering: Annotated[
        dict[str, list[str]],
        Field(description="Colleagues who cover a case now, by referral. Casework without cover omits it."),
    ] = {}


class SharingAsked(BaseModel):
    """The service of a plan about which the person was asked."""

    model_config = ConfigDict(extra="forbid")

    locality: LocalitySlug
    referral: Ref
    prescription: Annotated[Ref, Field(description="The service of the plan, as events name it.")]


class SharingRecorded(BaseModel):
    """The person's answer, as casework's own store has it."""

    agreed: Annotated[bool, Field(description="True if a yes is recorded that stands. False for all else.")]


class PlansAsked(BaseModel):
    """The requested referrals, and the subject of the reader's token for the audit."""

    model_config = ConfigDict(extra="forbid")

    locality: LocalitySlug
    referrals: Annotated[list[Ref], Field(min_length=1, max_length=50)]
    on_behalf_of: Subject


@dataclass(frozen=True, slots=True)
class GoalSummary:
    """One goal. `words`: id of the note in the vault with the goal in the person's own words."""

    need: v.Need
    words: str | None
    actions: tuple[v.ActionCode, ...]


@dataclass(frozen=True, slots=True)
class ServiceSummary:
    """One service of the plan, and the day since which it has its status."""

    name: str
    need: v.Need
    status: PrescriptionStatus
    since: date


@dataclass(frozen=True, slots=True)
class PlanSummary:
    """The part of a plan that the practice may see."""

    goals: tuple[GoalSummary, ...]
    services: tuple[ServiceSummary, ...]


class Plans(BaseModel):
    """Plans by referral. A referral is left out if the person has not agreed, or if it is unknown."""

    plans: dict[str, PlanSummary]


_PRESCRIPTION: Final = "01938f1c-2b3c-7d4e-9f50-6b7c8d9e0f1a"
_ENTRY: Final[dict[str, Any]] = {
    "id": "lw-meir-1",
    "locality": "meir",
    "name": "Priya Wainwright",
    "email": "priya.wainwright@potteries-links.example",
    "telephone": "+441632960401",
    "hours": [
        {
            "weekday": 0,
            "opens": "09:00:00",
            "closes": "12:30:00",
            "practices": ["M83100"],
            "place": "Meir Primary Care Centre, room 4",
        }
    ],
    "leave": [{"first": "2026-12-21", "last": "2026-12-31"}],
    "languages": ["en", "ur"],
    "meeting_minutes": 45,
    "caseload_limit": 40,
    "home_visits": True,
    "active": True,
}

LINK_WORKER: Final = Operation(
    name="readLinkWorker",
    owner="casework",
    callers=frozenset({"booking", "referral", "notifications"}),
    method="GET",
    path=f"{_BASE}/link-workers/{{link_worker}}",
    words="A link worker: name, contact at work, languages, practices, places, hours and leave.",
    scopes=(READS_CONTACTS,),
    parameters=(
        Parameter(
            "link_worker", "path", LinkWorkerId, "The link worker, as meetings name them.", "lw-meir-1"
        ),
        Parameter("locality", "query", LocalitySlug, "Their locality.", "meir"),
    ),
    answer=LinkWorkerAnswer,
    answer_example={
        "id": "lw-meir-1",
        "locality": "meir",
        "name": "Priya Wainwright",
        "email": "priya.wainwright@potteries-links.example",
        "telephone": "+441632960401",
        "place": "Meir Primary Care Centre, room 4",
        "practices": ["M83100"],
        "languages": ["en", "ur"],
        "entry": _ENTRY,
    },
    problems=("unknown_link_worker",),
    owners_only=False,
)
LINK_WORKERS: Final = Operation(
    name="listLinkWorkers",
    owner="casework",
    callers=frozenset({"booking", "evaluation"}),
    method="GET",
    path=f"{BASE}/casework/link-workers",
    words=(
        "All link workers of a locality. Casework's owner issues their ids. Booking's owner reads the list "
        "once a minute, with If-None-Match. So it knows a new link worker before a meeting names them, and "
        "learns of hours and leave. 304: nothing has changed."
    ),
    scopes=(READS_CONTACTS,),
    parameters=(
        Parameter("locality", "query", LocalitySlug, "The locality.", "meir"),
        Parameter(
            "If-None-Match", "header", str, "The ETag of the last answer.", '"5b1d2c3e4f"', required=False
        ),
    ),
    answer=LinkWorkersAnswer,
    answer_example={"link_workers": [_ENTRY]},
    owners_only=False,
)
CASE_LINK_WORKERS: Final = Operation(
    name="readCaseLinkWorkers",
    owner="casework",
    callers=frozenset({"referral"}),
    method="POST",
    path=f"{_BASE}/case-link-workers",
    words=(
        "The link worker of each referral, from casework's own store. The vault asks before it shows a person"
        " to a link worker; no event says who may read."
    ),
    scopes=(READS_CONTACTS,),
    body=CasesAsked,
    body_example={"locality": "meir", "referrals": [REFERRAL_EXAMPLE]},
    answer=CaseLinkWorkers,
    answer_example={"link_workers": {REFERRAL_EXAMPLE: "lw-meir-1"}},
)
PLAN_SUMMARIES: Final = Operation(
    name="readPlans",
    owner="casework",
    callers=frozenset({"referral"}),
    method="POST",
    path=f"{_BASE}/plan-summaries",
    words="Goals and services as the practice may see them, on a consent that casework recorded. Audited.",
    scopes=(READS_PLANS,),
    body=PlansAsked,
    body_example={"locality": "meir", "referrals": [REFERRAL_EXAMPLE], "on_behalf_of": "referrer-m83100"},
    answer=Plans,
    answer_example={
        "plans": {
            REFERRAL_EXAMPLE: {
                "goals": [{"need": "debt", "words": None, "actions": ["gather_papers"]}],
                "services": [
                    {"name": "Money desk (example)", "need": "debt", "status": "asked", "since": "2026-12-01"}
                ],
            }
        }
    },
)
SHARING: Final = Operation(
    name="readSharing",
    owner="casework",
    callers=frozenset({"directory"}),
    method="POST",
    path=f"{BASE}/casework/sharing",
    words=(
        "Whether casework recorded the person's yes to sharing name and contact with a service. Directory"
        " asks before it introduces a person; no event says who may read."
    ),
    scopes=(READS_SHARING,),
    body=SharingAsked,
    body_example={"locality": "meir", "referral": REFERRAL_EXAMPLE, "prescription": _PRESCRIPTION},
    answer=SharingRecorded,
    answer_example={"agreed": True},
)

CASEWORK: Final = (LINK_WORKER, LINK_WORKERS, CASE_LINK_WORKERS, PLAN_SUMMARIES, SHARING)
