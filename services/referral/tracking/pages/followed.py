"""The page of one referral: its appointment, a slip to print, its plan and its history."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response

from services.referral.clients.matching import MatchingClient
from services.referral.identity.context import Context, ReferralContext
from services.referral.referral_state.queries import find_visible
from services.referral.tracking.plans import read_plans
from services.referral.tracking.queries import wait_for_meeting
from services.referral.tracking.record import goal_line, service_line
from services.referral.tracking.returned import file_returned, is_sent_again, unanswered
from services.referral.tracking.status import read_referral
from services.referral.tracking.views import appointment, referral_line
from services.referral.web import words
from services.referral.web.parameters import ReferralId
from services.referral.web.templating import render
from shared.contract.history import Stage
from shared.platform.web.auth import require_page
from shared.platform.web.csrf import CheckedForm
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem

router = APIRouter(include_in_schema=False)

Referrer = Annotated[Principal, Depends(require_page("referrer"))]


@router.get("/referral/referrals/{referral_id}")
async def show(
    request: Request,
    referral_id: ReferralId,
    caller: Referrer,
    context: Context,
    matching: MatchingClient,
    made: Annotated[bool, Query()] = False,
    moved: Annotated[bool, Query()] = False,
    withdrawn: Annotated[bool, Query()] = False,
    contact_changed: Annotated[bool, Query()] = False,
) -> Response:
    """One referral. A new one (`made`) is shown once it has a meeting, or after a short wait."""
    if made:
        await _wait(context, caller, referral_id)
    found = await read_referral(context, caller, referral_id)
    plan = (await read_plans(context, matching, caller, [found.row]))[referral_id]
    waits = bool(found.returned) and referral_id in await unanswered(context.mongo, caller)
    sent_again = bool(found.returned) and await is_sent_again(context.mongo, caller, referral_id)
    return render(
        request,
        "followed.html",
        line=referral_line(context, found.row, plan),
        plan=plan,
        goals=[goal_line(goal) for goal in plan.goals],
        services=[service_line(service) for service in plan.services],
        returned=found.returned,
        waits_for_you=waits,
        sent_again=sent_again,
        view=found.row["view"],
        person=found.person,
        needs=[words.NEEDS[need] for need in found.needs],
        history=[(entry.on, words.happened(entry.kind, entry.detail)) for entry in found.history],
        ours=context.speaks(found.row["locality"]),
        owner=context.owner(found.row["locality"]),
        may_move=context.speaks(found.row["locality"]) and await matching.may_move(found.row["locality"]),
        made=made,
        moved=moved,
        contact_changed=contact_changed,
        withdrawn=withdrawn and found.row["view"]["stage"] == Stage.WITHDRAWN,
        **await appointment(context, matching, found.row),
    )


@router.get("/referral/referrals/{referral_id}/slip")
async def slip(
    request: Request, referral_id: ReferralId, caller: Referrer, context: Context, matching: MatchingClient
) -> Response:
    """The appointment as a slip to print."""
    row = await find_visible(context.mongo, caller, referral_id)
    if row["view"]["meeting"] is None:
        raise Problem(404, code="no_meeting", detail="There is no appointment to print.")
    return render(request, "slip.html", id=referral_id, **await appointment(context, matching, row))


@router.post("/referral/referrals/{referral_id}/file")
async def file(referral_id: ReferralId, caller: Referrer, context: Context, _: CheckedForm) -> Response:
    """Files a returned referral that the practice does not send again."""
    await file_returned(context, caller, referral_id)
    return RedirectResponse("/referral/?group=ended&filed=1", 303)


async def _wait(context: ReferralContext, caller: Principal, referral_id: str) -> None:
    row = await find_visible(context.mongo, caller, referral_id)
    await wait_for_meeting(context, row["locality"], referral_id, context.settings.booking_wait_seconds)
