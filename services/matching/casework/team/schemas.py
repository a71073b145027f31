"""Bodies and answers of the API on cover, the team's queue and hand-overs."""

from typing import Annotated

from pydantic import BaseModel, Field

from services.matching.casework.team.views import HandOverShown, Preview, QueueLine
from services.matching.roster.covers import MAX_DAYS, CoverReason
from services.matching.web.schemas import Body, Words
from shared.contract.events.models import LinkWorkerId, Ref


class CoverIn(Body):
    """The reason for opening a colleague's case, and for how many days."""

    reason: CoverReason = Field(examples=["away"])
    days: Annotated[int, Field(ge=1, le=MAX_DAYS)] = 1


class QueueOut(BaseModel):
    """The cases of the team that wait, the most overdue first."""

    cases: list[QueueLine]


class HandOversIn(Body):
    """Cases that go to a colleague. `note` is stored in the vault, once for each case."""

    referrals: Annotated[list[Ref], Field(min_length=1, max_length=100)]
    link_worker: LinkWorkerId = Field(examples=["lw-meir-2"])
    keep_time: bool = Field(True, description="A meeting keeps its time if the colleague is free then.")
    note: Words = ""


class PreviewOut(BaseModel):
    """The effect on each case. Nothing is changed."""

    cases: list[Preview]


class HandOverOut(BaseModel):
    """A hand-over, and why some cases stayed, by referral."""

    hand_over: HandOverShown | None
    refused: dict[str, str] = Field(default_factory=dict)
