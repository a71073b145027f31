"""The programme's rules, which a version of the table sets."""

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.contract.history.next_step import StepDays
from shared.platform.localities.entries import Entry, LocalitiesError


class ProgrammeRules(BaseModel):
    """Rules of the programme. A table that sets none has these.

    Attributes:
        misses: missed appointments after which no other one is booked by itself.
        reminder_days: a person is reminded so many days before the appointment; 0 for never.
        travel_minutes: left free before and after a home visit; None for the setting of the service.
        nudge_days: a service that was asked and has not answered is rung after so many days.
        review_days: a plan is reviewed so many days after the first visit.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    misses: Annotated[int, Field(ge=2, le=5)] = 2
    reminder_days: Annotated[int, Field(ge=0, le=7)] = 1
    travel_minutes: Annotated[int, Field(ge=0, le=180)] | None = None
    nudge_days: Annotated[int, Field(ge=1, le=60)] = 7
    review_days: Annotated[int, Field(ge=7, le=366)] = 84


USUAL: Final = ProgrammeRules()


def usual_rules() -> ProgrammeRules:
    """The rules of a table that sets none."""
    return USUAL


def step_days(rules: ProgrammeRules) -> StepDays:
    """The days by which the next step of a case follows from its history."""
    return StepDays(answer=rules.nudge_days, review=rules.review_days)


def rules_in(programme: Entry) -> ProgrammeRules:
    """The rules of a programme's entry.

    Raises:
        LocalitiesError: a rule is none of ours, or out of its range.
    """
    if not programme.has("rules"):
        return USUAL
    try:
        return ProgrammeRules.model_validate(dict(programme.table("rules")))
    except ValidationError as wrong:
        error = wrong.errors()[0]
        where = ".".join(str(part) for part in error["loc"])
        raise LocalitiesError(f"{programme.where}, rules, {where}: {error['msg']}.") from None
