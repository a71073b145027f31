"""HTTP routes that show referrals to practices, link workers and the programme team."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from services.referral.clients.matching import MatchingClient
from services.referral.identity.context import Context, ReferralContext
from services.referral.tracking import presenter, queries
from services.referral.tracking.plans import read_plans
from services.referral.tracking.schemas import Counts, ReferralPage, ReferralShown, StageCount
from services.referral.tracking.status import read_referral
from services.referral.web.parameters import BASE, ReferralId
from shared.contract.history import Stage
from shared.platform.web.auth import require
from shared.platform.web.bodies import MomentSent
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem

router = APIRouter(prefix=BASE, tags=["referrals"])

Reader = Annotated[Principal, Depends(require("referrer", "link_worker", "programme_admin"))]
Admin = Annotated[Principal, Depends(require("programme_admin"))]


@router.get("/referrals")
async def list_referrals(
    caller: Reader,
    context: Context,
    practice: Annotated[list[str], Query(max_length=50)] = [],  # noqa: B006 - FastAPI copies it
    stage: Annotated[list[Stage], Query(max_length=20)] = [],  # noqa: B006 - FastAPI copies it
    since: MomentSent | None = None,
    link_worker: Annotated[str | None, Query(max_length=80)] = None,
    made_before: MomentSent | None = None,
    newest_first: bool = False,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> ReferralPage:
    """The caller's referrals, longest waiting first. `since`: changed at that time or later."""
    wanted = queries.ListFilter(
        practices=[_own_practice(context, caller, code) for code in practice],
        stages=stage,
        link_worker=link_worker,
        since=since,
        made_before=made_before,
        newest_first=newest_first,
    )
    found = await queries.list_page(context.mongo, caller, wanted, limit, cursor)
    lines = [presenter.list_line(row) for row in found.rows]
    return ReferralPage(referrals=lines, next_cursor=found.next_cursor)


@router.get("/referrals/counts")
async def count(caller: Admin, context: Context) -> Counts:
    """Numbers of referrals at each stage, by practice."""
    counted = await queries.counts(context.mongo, caller)
    return Counts(counts=[StageCount(**each) for each in counted])


@router.get("/referrals/{referral_id}")
async def show(
    referral_id: ReferralId, caller: Reader, context: Context, matching: MatchingClient
) -> ReferralShown:
    """One referral with its history. Audited if it shows the person or details of the plan."""
    found = await read_referral(context, caller, referral_id)
    plan = (await read_plans(context, matching, caller, [found.row]))[referral_id]
    return presenter.referral_answer(found, plan)


def _own_practice(context: ReferralContext, caller: Principal, code: str) -> str:
    """The code of a practice that the caller may see. Raises a 404 Problem for any other."""
    practice = context.localities.practice(code)
    theirs = (
        practice is not None
        and practice.locality is not None
        and caller.may_locality(practice.locality)
        and (caller.role != "referrer" or caller.may_practice(practice.ods))
    )
    if practice is None or not theirs:
        raise Problem(404, code="no_such_practice")
    return practice.ods
