"""Bodies and answers of the API on cases."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.matching.casework.inputs import GoalSaid, MeetingRecord, NextMeeting, Reopen
from services.matching.referral_state.views import CaseLine, NeedsYouLine
from services.matching.web.schemas import STEP_EXAMPLE, Body, SlotKey, WithStep, Words
from shared.contract.api import casework as contract
from shared.contract.events import vocabulary as v
from shared.contract.events.models import Day, Rating, Ref
from shared.contract.events.outcomes import NextStep, SourceRef

Score = Annotated[int, Field(ge=0, le=10)]


class CaseloadOut(BaseModel):
    """The caller's cases."""

    cases: list[CaseLine]


class NeedsYouOut(BaseModel):
    """Reasons why cases need the caller."""

    needs_you: list[NeedsYouLine]


class GoalIn(Body):
    """A goal of the plan. Its words are stored in the vault."""

    need: v.Need
    words: Annotated[str, Field(max_length=500)] = ""
    importance: Rating | None = None
    confidence: Rating | None = None
    action: v.ActionCode | None = None
    review_on: Day | None = None


class PlanIn(Body):
    """A meeting and its plan. Texts are stored in the vault; events carry codes and references."""

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
        """The input of the command, with the answers in a fixed order."""
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


class ContactIn(WithStep):
    """A call or a message to the person."""

    channel: v.Channel = Field(examples=["phone"])
    reached: bool
    note: Words = ""


class UnmetIn(WithStep):
    """A need for which nothing is suitable, and why."""

    need: v.Need = Field(examples=["debt"])
    reason: v.UnmetReason = Field(examples=["no_service"])


class RetractIn(Body):
    """The fact to undo, by source and event id."""

    source: SourceRef = Field(examples=["/meir/casework"])
    event_id: Ref
    reason: v.RetractReason = v.RetractReason.UNDONE


class NextStepIn(Body):
    """The next step of the case."""

    next_step: NextStep = Field(examples=[STEP_EXAMPLE])
    note: Words = ""


class SharingIn(Body):
    """An answer about sharing; with `prescription_id`, about one service."""

    agreement: v.Agreement
    agreed: v.Agreed
    prescription_id: Ref | None = None


class HandOver(Body):
    """The link worker who takes the case over. `note` is stored in the vault."""

    link_worker: str = Field(max_length=60, examples=["lw-meir-2"])
    keep_time: bool = Field(False, description="A meeting keeps its time if the colleague is free then.")
    note: Words = ""


class Closing(Body):
    """The end of a case."""

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

    def reopen(self) -> Reopen:
        """The input of the command."""
        return Reopen(self.note, self.next_step, NextMeeting(self.slot, self.not_before))


class Declining(Body):
    """The end of a case before its first meeting."""

    by: v.By
    reason: v.DeclineReason


class GivingBack(Body):
    """The return of a referral to its referrer."""

    reason: v.ReturnReason
    note: Words = ""


class NoLongerWants(Body):
    """The person's wish to end the support."""

    by: v.By = v.By.PERSON


class CasesAsked(contract.CasesAsked, Body):
    """The referrals whose link workers are wanted."""


class PlansAsked(contract.PlansAsked, Body):
    """The requested referrals, and the subject of the reader's token for the audit."""


class SharingAsked(contract.SharingAsked, Body):
    """The service of a plan about which the person was asked, at another directory."""
