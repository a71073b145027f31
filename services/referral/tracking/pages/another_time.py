"""The page that moves an appointment while the person is present, through matching."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from services.referral.clients.matching import Matching, MatchingClient
from services.referral.identity.context import Context, ReferralContext
from services.referral.identity.people import name_for_page
from services.referral.referral_state.queries import find_visible
from services.referral.tracking.views import appointment
from services.referral.web.parameters import ReferralId
from services.referral.web.templating import render
from shared.delivery.mongo.database import Row
from shared.platform.web.auth import require_page
from shared.platform.web.csrf import CheckedForm
from shared.platform.web.forms import idempotency_key, text_field
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem
from shared.platform.web.validation import FieldError

router = APIRouter(include_in_schema=False)

Referrer = Annotated[Principal, Depends(require_page("referrer"))]
_TAKEN = "That time has just been taken. Choose another"


@router.get("/referral/referrals/{referral_id}/another-time")
async def options(
    request: Request, referral_id: ReferralId, caller: Referrer, context: Context, matching: MatchingClient
) -> Response:
    """Other times for the appointment."""
    row = await _booked(context, caller, referral_id)
    return await _offer(request, context, matching, caller, row)


@router.post("/referral/referrals/{referral_id}/another-time")
async def move(
    request: Request,
    referral_id: ReferralId,
    caller: Referrer,
    form: CheckedForm,
    context: Context,
    matching: MatchingClient,
) -> Response:
    """Moves the appointment, or offers other times again if the chosen one is taken."""
    row = await _booked(context, caller, referral_id)
    meeting = row["view"]["meeting"]
    slot = text_field(form, "slot", 200)
    if not slot:
        return await _offer(request, context, matching, caller, row, "Choose a time")
    key = idempotency_key(form)
    moved = await matching.reschedule(row["locality"], meeting["id"], slot, caller.subject, key)
    if moved is None:
        return await _offer(request, context, matching, caller, row, _TAKEN)

    def is_moved(view: Row) -> bool:
        return view["meeting"] is not None and view["meeting"]["id"] != meeting["id"]

    view = await context.kernel.wait_for(
        row["locality"], referral_id, is_moved, context.settings.booking_wait_seconds
    )
    if view is None or not is_moved(view):
        name = await name_for_page(context, caller, row)
        return render(request, "moved.html", id=referral_id, name=name, now=moved.meeting)
    return RedirectResponse(f"/referral/referrals/{referral_id}?moved=1", 303)


async def _booked(context: ReferralContext, caller: Principal, referral_id: str) -> Row:
    row = await find_visible(context.mongo, caller, referral_id)
    context.require_ours(row["locality"])
    if row["view"]["meeting"] is None:
        raise Problem(404, code="no_meeting", detail="There is no appointment to move.")
    return row


async def _offer(
    request: Request,
    context: ReferralContext,
    matching: Matching,
    caller: Principal,
    row: Row,
    error: str | None = None,
) -> Response:
    may_move = await matching.may_move(row["locality"])
    slots = await matching.options(row["locality"], row["view"]["meeting"]["id"]) if may_move else []
    errors = [FieldError("/slot", "slot", error)] if error else []
    return render(
        request,
        "another-time.html",
        422 if error else 200,
        id=row["referral"],
        name=await name_for_page(context, caller, row),
        slots=slots[:3],
        may_move=may_move,
        changing_hands=matching.changing_hands(row["locality"]),
        errors=errors,
        **await appointment(context, matching, row),
    )
