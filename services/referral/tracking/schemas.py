"""What the API answers: codes, references and times; a name only where the caller may know it."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from services.referral.identity.contacts import ContactDetails
from services.referral.tracking.history import HistoryEntry
from services.referral.tracking.plans import Plan, PlanState
from services.referral.tracking.status import ReturnDetails
from shared.contract.events import vocabulary as v
from shared.contract.history import Stage
from shared.delivery.mongo.database import Row


class MeetingAnswer(BaseModel):
    """The meeting that stands. `starts_at` is in UTC; `practice` is where they meet."""

    id: str
    sequence: int
    starts_at: datetime
    minutes: int
    mode: str
    practice: str
    link_worker: str
    provisional: bool


class WaitingAnswer(BaseModel):
    """Why there is no meeting yet, and by when one is expected."""

    reason: str
    expected_by: date


class NextAnswer(BaseModel):
    """What happens next and on which day; `at` is the time of a meeting, in UTC."""

    what: str
    on: date
    at: datetime | None = None


class WarningAnswer(BaseModel):
    """Something to look at again, by code and as a sentence; the referral was made all the same."""

    code: str
    detail: str


class ReferralMade(BaseModel):
    """A referral that was made. `meeting` is null while none is booked."""

    id: str
    stage: Stage
    meeting: MeetingAnswer | None
    warnings: list[WarningAnswer] = []


class ReferralListed(BaseModel):
    """One line of a list."""

    id: str
    locality: str
    practice: str
    stage: Stage
    open: bool
    urgency: str
    created_at: datetime
    changed_at: datetime
    next: NextAnswer | None
    meeting: MeetingAnswer | None
    waiting: WaitingAnswer | None


class ReferralPage(BaseModel):
    """A page of a list, longest waiting first; pass `next_cursor` as `cursor` for the next page."""

    referrals: list[ReferralListed]
    next_cursor: str | None


class HappeningAnswer(BaseModel):
    """One thing that happened, with codes that depend on its kind."""

    model_config = ConfigDict(extra="allow")

    kind: str
    at: datetime
    on: date
    """The day on which it happened, in London; `at` may be when that was recorded."""


class PersonAnswer(BaseModel):
    """Who it is, for those who may know."""

    name: str
    date_of_birth: date


class GoalAnswer(BaseModel):
    """A goal of the plan; `words` as the person puts it, null where none are kept here."""

    need: v.Need
    words: str | None
    actions: list[v.ActionCode]


class PlannedServiceAnswer(BaseModel):
    """A service of the plan and how it stands since which day."""

    name: str
    need: v.Need
    status: str
    since: date


class PlanAnswer(BaseModel):
    """What a practice may see of a plan, where the person said yes to it.

    `state`: `none`, `not_agreed` (or not asked), `shown`, or `away`: agreed, but not to be had just now.
    """

    state: PlanState
    goals: list[GoalAnswer]
    services: list[PlannedServiceAnswer]


class ReturnedAnswer(BaseModel):
    """Why and when a referral was sent back; `note` is for the practice that made it, else null."""

    reason: v.ReturnReason
    at: datetime
    note: str | None


class ReferralShown(ReferralListed):
    """The story so far. `person` is null for those who may not know, or where the details are not here."""

    needs: list[str]
    details_kept: Literal["here", "by_partner", "erased"]
    person: PersonAnswer | None
    history: list[HappeningAnswer]
    details_to_gp: v.Agreed
    plan: PlanAnswer
    returned: ReturnedAnswer | None


class StageCount(BaseModel):
    """How many referrals of a practice stand at a stage, and when the oldest of them was made."""

    locality: str
    practice: str
    stage: Stage
    referrals: int
    oldest: datetime


class Counts(BaseModel):
    """Exact operational counts, without names."""

    counts: list[StageCount]


def listed(row: Row) -> dict[str, Any]:
    """A stored referral as one line of a list."""
    view = row["view"]
    return {
        "id": row["referral"],
        "locality": row["locality"],
        "practice": view["practice"],
        "stage": view["stage"],
        "open": view["open"],
        "urgency": view["urgency"],
        "created_at": view["created"],
        "changed_at": view["changed"],
        "next": view["next"],
        "meeting": view["meeting"],
        "waiting": view["waiting"] if view["meeting"] is None else None,
    }


def happened(happenings: Sequence[HistoryEntry]) -> list[HappeningAnswer]:
    """A history as it is answered."""
    return [HappeningAnswer(**happening.as_dict()) for happening in happenings]


class EarlierAnswer(BaseModel):
    """A value that stood until then; `by` is the subject of who gave it at `at`, where that is known."""

    field: str
    value: str | None
    by: str | None
    at: datetime | None
    until: datetime


class ContactAnswer(BaseModel):
    """The person's telephone in E.164, whether it is safe to text, and what stood before, latest first."""

    telephone: str | None
    safe_to_text: v.SafeToText
    earlier: list[EarlierAnswer]


def contacted(known: ContactDetails) -> ContactAnswer:
    """How a person is reached, as it is answered."""
    return ContactAnswer(
        telephone=known.contact.telephone,
        safe_to_text=known.contact.safe_to_text,
        earlier=[
            EarlierAnswer(field=old.field, value=old.text, by=old.by, at=old.at, until=old.until)
            for old in known.earlier
        ],
    )


def planned(plan: Plan) -> PlanAnswer:
    """A plan as it is answered."""
    return PlanAnswer(
        state=plan.state,
        goals=[GoalAnswer(need=g.need, words=g.words, actions=list(g.actions)) for g in plan.goals],
        services=[
            PlannedServiceAnswer(name=s.name, need=s.need, status=s.status, since=s.since)
            for s in plan.services
        ],
    )


def sent_back(returned: ReturnDetails | None) -> ReturnedAnswer | None:
    """Why a referral was sent back, as it is answered."""
    if returned is None:
        return None
    return ReturnedAnswer(reason=returned.reason, at=returned.at, note=returned.note)
