"""Answers of the tracking API: codes, references and times, and a name if the caller may know it."""

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from shared.contract.events import vocabulary as v
from shared.contract.history import Stage

# No plan yet; not agreed, or not asked; shown; agreed, but matching does not answer just now.
PlanState = Literal["none", "not_agreed", "shown", "away"]


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
    """The reason for no meeting yet, and the day by which one is expected."""

    reason: str
    expected_by: date


class NextAnswer(BaseModel):
    """The next event and its day. `at` is the time of a meeting, in UTC."""

    what: str
    on: date
    at: datetime | None = None


class ReferralListed(BaseModel):
    """A line of a list."""

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
    """An entry of the history, with codes that depend on its kind.

    `on` is its day in London. `at` may be the time at which it was recorded.
    """

    model_config = ConfigDict(extra="allow")

    kind: str
    at: datetime
    on: date


class PersonAnswer(BaseModel):
    """The person, for those who may know."""

    name: str
    date_of_birth: date


class GoalAnswer(BaseModel):
    """A goal of the plan. `words` are the person's own, null if none are stored here."""

    need: v.Need
    words: str | None
    actions: list[v.ActionCode]


class PlannedServiceAnswer(BaseModel):
    """A service of the plan, with its status and the day since which it holds."""

    name: str
    need: v.Need
    status: str
    since: date


class PlanAnswer(BaseModel):
    """The part of a plan that a practice may see, if the person agreed.

    `state`: `none`, `not_agreed` (or not asked), `shown`, or `away` (agreed, but unavailable just now).
    """

    state: PlanState
    goals: list[GoalAnswer]
    services: list[PlannedServiceAnswer]


class ReturnedAnswer(BaseModel):
    """Reason and time of a return. `note` is null unless the reader is of the practice that referred."""

    reason: v.ReturnReason
    at: datetime
    note: str | None


class ReferralShown(ReferralListed):
    """One referral. `person` is null if the reader may not know them or the details are elsewhere."""

    needs: list[str]
    details_kept: Literal["here", "by_partner", "erased"]
    person: PersonAnswer | None
    history: list[HappeningAnswer]
    details_to_gp: v.Agreed
    plan: PlanAnswer
    returned: ReturnedAnswer | None


class StageCount(BaseModel):
    """Number of a practice's referrals at a stage, and the time of the oldest."""

    locality: str
    practice: str
    stage: Stage
    referrals: int
    oldest: datetime


class Counts(BaseModel):
    """Exact operational counts, without names."""

    counts: list[StageCount]
