"""The base of every kind of outcome, with the next step, and the plan with its goals and actions."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.contract.events import vocabulary as v
from shared.contract.events.fields import AnyActionCode, AnyNeed, EventDay, EventRating, Ref, Revision
from shared.contract.events.models import EventBody

PrescriptionId = Annotated[
    Ref,
    Field(
        description="The service in the person's plan. The source of its `service_prescribed` event issues "
        "the id."
    ),
]
PlanNeed = Annotated[AnyNeed, Field(description="The need that it is for.")]
By = Annotated[v.By, Field(description="The side that did it.")]


class NextStep(BaseModel):
    """The next step of the referral, and by when."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    code: Annotated[v.NextStepCode, Field(description="The step.")]
    on: Annotated[
        EventDay,
        Field(description="The day by which it is done, by the calendar of the United Kingdom: YYYY-MM-DD."),
    ]


class Outcome(EventBody):
    """Fields that every kind may have beside its own."""

    next_step: Annotated[
        NextStep | None,
        Field(
            description="The next step that the link worker set. Left out, the step that follows from the "
            "referral's state holds."
        ),
    ] = None
    note: Annotated[
        Ref | None,
        Field(
            description="A note that goes with it, in the vault of the referral's creator, which issues the "
            "id. The text is never in an event."
        ),
    ] = None


class Action(BaseModel):
    """One thing to do for a goal."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    code: Annotated[AnyActionCode, Field(description="The thing to do.")]
    by: Annotated[v.By, Field(description="The one who does it. Left out, the person.")] = v.By.PERSON
    review_on: Annotated[
        EventDay | None, Field(description="The day on which they look at it again: YYYY-MM-DD.")
    ] = None


class Goal(BaseModel):
    """A goal of the plan; the person's own words for it are in the vault under `words`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    goal_id: Annotated[
        Ref,
        Field(description="The goal, the same in each revision. The source of the plan issues the id."),
    ]
    need: PlanNeed
    importance: Annotated[
        EventRating | None,
        Field(description="How important it is to the person, from 1 (least) to 10 (most)."),
    ] = None
    confidence: Annotated[
        EventRating | None,
        Field(description="How sure the person is to reach it, from 1 (least) to 10 (most)."),
    ] = None
    words: Annotated[
        Ref | None,
        Field(
            description="The note with the person's own words, in the vault of the referral's creator, "
            "which issues the id."
        ),
    ] = None
    actions: Annotated[tuple[Action, ...], Field(description="What is to be done for the goal.")] = ()


class PlanAgreed(Outcome):
    """The plan as it stands now: one of a higher `revision` takes its place."""

    kind: Literal["plan_agreed"] = "plan_agreed"
    plan_id: Annotated[
        Ref, Field(description="The plan, the same in each revision. Its source issues the id.")
    ]
    revision: Annotated[
        Revision, Field(description="Counts the plan's changes, from 1. Left out, it is 1.")
    ] = 1
    needs: Annotated[tuple[AnyNeed, ...], Field(description="The needs that the plan is about.")] = ()
    goals: Annotated[tuple[Goal, ...], Field(max_length=3, description="The goals, three at most.")] = ()
    what_matters: Annotated[
        Ref | None,
        Field(
            description="The note with what matters to the person, in the vault of the referral's creator, "
            "which issues the id."
        ),
    ] = None
