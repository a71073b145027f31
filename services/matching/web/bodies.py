"""What the API takes."""

from typing import Annotated

from pydantic import ConfigDict, Field, model_validator

from services.matching.request import GoalSaid, MeetingRecord, NextMeeting, Prescribing
from services.matching.roster.link_workers import Leave, LinkWorker
from shared.contract.events import vocabulary as v
from shared.contract.events.models import Day, Rating, Ref
from shared.contract.events.outcomes import NextStep, SourceRef
from shared.platform.web.bodies import JsonBody

Words = Annotated[str, Field(max_length=5000)]
SlotKey = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,60}\|(19|2[01])\d\d-\d\d-\d\dT\d\d:\d\dZ$")]
Score = Annotated[int, Field(ge=0, le=10)]

_STEP = {"code": "wait_for_service", "on": "2026-12-01"}


class Body(JsonBody):
    """Everything that the API takes."""


class WithStep(Body):
    """An action that may say what happens next; where it does not, what follows from the case holds."""

    next_step: NextStep | None = Field(None, examples=[_STEP])


class Cancelling(Body):
    by: v.By = Field(examples=["person"])
    why: v.CancelReason = Field(examples=["unwell"])


class Moving(Body):
    slot: SlotKey | None = Field(
        None,
        description="A key from `options`; left out: the next suitable time.",
        examples=["lw-meir-1|2026-12-01T09:45Z"],
    )


class Later(Body):
    on: Day = Field(examples=["2027-01-11"])


class GoalIn(Body):
    need: v.Need
    words: Annotated[str, Field(max_length=500)] = ""
    importance: Rating | None = None
    confidence: Rating | None = None
    action: v.ActionCode | None = None
    review_on: Day | None = None


class PlanIn(Body):
    """What was agreed at a meeting. Texts are kept in the vault; events carry codes and references."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "needs": ["debt"],
                    "goals": [{"need": "debt", "importance": 8, "confidence": 4, "action": "gather_papers"}],
                    "ons4": {"satisfied": 4, "anxious": 7},
                    "next_step": {"code": "ring", "on": "2026-12-08"},
                }
            ]
        },
    )

    meeting_id: Ref | None = Field(None, description="The meeting that took place: it is marked as attended.")
    needs: Annotated[tuple[v.Need, ...], Field(max_length=14)] = ()
    what_matters: Words = ""
    goals: Annotated[tuple[GoalIn, ...], Field(max_length=3)] = ()
    ons4: dict[Annotated[str, Field(pattern="^(satisfied|worthwhile|happy|anxious)$")], Score] = Field(
        default_factory=dict
    )
    ons4_stage: v.Stage | None = None
    note: Words = ""
    next_step: NextStep | None = None
    details_to_gp: v.Agreed = v.Agreed.NOT_ASKED
    follow_up: v.Agreed = v.Agreed.NOT_ASKED

    def record(self) -> MeetingRecord:
        return MeetingRecord(
            needs=self.needs,
            what_matters=self.what_matters,
            goals=tuple(
                GoalSaid(g.need, g.words, g.importance, g.confidence, g.action, g.review_on)
                for g in self.goals
            ),
            ons4=dict(sorted(self.ons4.items())),
            ons4_stage=self.ons4_stage,
            note=self.note,
            next_step=self.next_step,
            details_to_gp=self.details_to_gp,
            follow_up=self.follow_up,
        )


class PrescriptionIn(WithStep):
    service_id: Ref
    need: v.Need = Field(examples=["debt"])
    signposted: bool = False
    may_share: v.Agreed = v.Agreed.NOT_ASKED

    def prescribing(self) -> Prescribing:
        return Prescribing(self.service_id, self.need, self.signposted, self.may_share)


class ContactIn(WithStep):
    channel: v.Channel = Field(examples=["phone"])
    reached: bool
    note: Words = ""


class UnmetIn(WithStep):
    need: v.Need = Field(examples=["debt"])
    reason: v.UnmetReason = Field(examples=["no_service"])


class RetractIn(Body):
    source: SourceRef = Field(examples=["/meir/matching"])
    event_id: Ref
    reason: v.RetractReason = v.RetractReason.UNDONE


class NextStepIn(Body):
    next_step: NextStep = Field(examples=[_STEP])
    note: Words = ""


class SharingIn(Body):
    agreement: v.Agreement
    agreed: v.Agreed
    prescription_id: Ref | None = None


class HandOver(Body):
    link_worker: str = Field(max_length=60, examples=["lw-meir-2"])


class Closing(Body):
    reason: v.CloseReason = Field(examples=["completed"])
    note: Words = ""


class Reopening(WithStep):
    """With neither `slot` nor `not_before`, a case that never met gets the next suitable time."""

    note: Words = ""
    slot: SlotKey | None = Field(None, description="The time of the meeting to be booked with it.")
    not_before: Day | None = Field(None, description="They can meet from that day on.")

    @model_validator(mode="after")
    def _one_of_the_two(self) -> "Reopening":
        if self.slot is not None and self.not_before is not None:
            raise ValueError("choose a time or a day, not both")
        return self

    def meeting(self) -> NextMeeting:
        return NextMeeting(self.slot, self.not_before)


class Declining(Body):
    by: v.By
    reason: v.DeclineReason


class GivingBack(Body):
    reason: v.ReturnReason
    note: Words = ""


class NoLongerWants(Body):
    by: v.By = v.By.PERSON


class ReplyIn(Body):
    """`waiting_list` may say `weeks` (left out: not known), `not_suitable` needs a `reason`."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"reply": "waiting_list", "weeks": 6}]}
    )

    reply: v.Reply
    weeks: Annotated[int, Field(ge=1, le=104)] | None = None
    reason: v.NotSuitableReason | None = None


class StartedIn(WithStep):
    on: Day = Field(examples=["2026-12-03"])
    accompanied_by: v.AccompaniedBy = v.AccompaniedBy.NOT_KNOWN


class NotStartedIn(WithStep):
    barrier: v.Barrier = Field(examples=["transport"])


class EndedIn(WithStep):
    reason: v.EndReason = Field(examples=["completed"])


class PlacesIn(Body):
    free: bool = Field(examples=[True])


class OffSick(Body):
    day: Day | None = Field(None, description="Left out: today, in London.")


class LeaveIn(Leave, Body):
    """Days away, both ends included."""

    def leave(self) -> Leave:
        return Leave(first=self.first, last=self.last)


class LinkWorkerIn(LinkWorker, Body):
    """A link worker's whole entry."""

    def link_worker(self) -> LinkWorker:
        return LinkWorker.model_validate(self.model_dump())
