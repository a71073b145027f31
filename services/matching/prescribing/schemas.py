"""Bodies and answers of the API on the services of a plan."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from services.matching.directory.ranking import RankedService
from services.matching.directory.schemas import ServiceOut
from services.matching.directory.views import FoundService
from services.matching.web.schemas import Body, WithStep
from shared.contract.events import vocabulary as v
from shared.contract.events.models import Day, Ref


class PrescriptionIn(WithStep):
    """A service to add to the plan."""

    service_id: Ref
    need: v.Need = Field(examples=["debt"])
    signposted: bool = False
    may_share: v.Agreed = v.Agreed.NOT_ASKED


class ReplyIn(Body):
    """A service's answer.

    `waiting_list` may have `weeks` (left out: not known); `not_suitable` needs a `reason`.
    """

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"reply": "waiting_list", "weeks": 6}]}
    )

    reply: v.Reply
    weeks: Annotated[int, Field(ge=1, le=104)] | None = None
    reason: v.NotSuitableReason | None = None


class StartedIn(WithStep):
    """The first visit to a service."""

    on: Day = Field(examples=["2026-12-03"])
    accompanied_by: v.AccompaniedBy = v.AccompaniedBy.NOT_KNOWN


class NotStartedIn(WithStep):
    """A first visit that did not happen, and the barrier."""

    barrier: v.Barrier = Field(examples=["transport"])


class EndedIn(WithStep):
    """The reason why the person no longer goes there."""

    reason: v.EndReason = Field(examples=["completed"])


class RankedOut(BaseModel):
    """A service and how it suits, in codes and in sentences."""

    service: ServiceOut
    suitable: bool
    why: list[str]
    why_not: list[str]
    sentences: list[str]
    against: list[str]
    can_be_asked: bool

    @classmethod
    def of(cls, ranked: RankedService) -> "RankedOut":
        """The ranked service as the API returns it."""
        return cls(
            service=ServiceOut.found(
                FoundService(ranked.service, ranked.distance_km, ranked.next_session, ranked.availability)
            ),
            suitable=ranked.suitable,
            why=[code.value for code in ranked.why],
            why_not=[code.value for code in ranked.why_not],
            sentences=list(ranked.sentences),
            against=list(ranked.against),
            can_be_asked=ranked.can_be_asked,
        )


class SuggestedOut(BaseModel):
    """Services for one need of one person: suitable ones first, near misses after them."""

    services: list[RankedOut]
