"""HTTP between services: what a practice may see of plans, asked at the moment of showing."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from services.matching.casework.plan_summary import PlanSummary
from services.matching.web.features import queries
from services.matching.web.parameters import BASE, REFUSALS
from shared.contract.events.models import LocalitySlug, Ref
from shared.platform.web.auth import require_scope
from shared.platform.web.bodies import JsonBody
from shared.platform.web.caller import Principal

READS_PLANS = "plans:read"
PlanReader = Annotated[Principal, Depends(require_scope(READS_PLANS))]


class PlansAsked(JsonBody):
    """Whose plans, and on whose behalf: the subject of the reader's token, for the audit."""

    model_config = ConfigDict(extra="forbid")

    locality: LocalitySlug
    referrals: Annotated[list[Ref], Field(min_length=1, max_length=50)]
    on_behalf_of: Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,120}$")]


class Plans(BaseModel):
    """Plans by referral. A referral whose person has not said yes is left out, like one that is not known."""

    plans: dict[str, PlanSummary]


def plan_routes() -> APIRouter:
    """POST /api/matching/v1/plan-summaries."""
    router = APIRouter(prefix=BASE, tags=["between services"], responses=REFUSALS)

    @router.post("/plan-summaries")
    async def summaries(request: Request, asked: PlansAsked, caller: PlanReader) -> Plans:
        """Goals and services with their state, as the GP's practice may see them."""
        found = await queries(request).casework.plan_summaries(
            caller, asked.locality, asked.referrals, asked.on_behalf_of
        )
        return Plans(plans=found)

    return router
