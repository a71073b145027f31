"""Another time for an appointment, asked of matching on the reader's behalf while the person is present."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from services.referral.api import ReferralId
from services.referral.settings import ReferralSettings
from services.referral.tracking import queries as cases
from services.referral.tracking.pages.followed import appointment
from services.referral.web.templating import access_token, desk, matching, named, shown
from shared.delivery.mongo.database import Row
from shared.platform.web.auth import require_page
from shared.platform.web.caller import Principal
from shared.platform.web.csrf import CheckedForm
from shared.platform.web.forms import idempotency_key, text_field
from shared.platform.web.problem import Problem
from shared.platform.web.validation import FieldError

Referrer = Annotated[Principal, Depends(require_page("referrer"))]
_TAKEN = "That time has just been taken. Choose another"


def routes() -> APIRouter:
    """/referral/referrals/{id}/another-time"""
    router = APIRouter(include_in_schema=False)

    @router.get("/referral/referrals/{referral_id}/another-time")
    async def options(request: Request, referral_id: ReferralId, caller: Referrer) -> Response:
        return await _offer(request, caller, await _booked(request, caller, referral_id))

    @router.post("/referral/referrals/{referral_id}/another-time")
    async def move(
        request: Request, referral_id: ReferralId, caller: Referrer, form: CheckedForm
    ) -> Response:
        row = await _booked(request, caller, referral_id)
        meeting = row["view"]["meeting"]
        slot = text_field(form, "slot", 200)
        if not slot:
            return await _offer(request, caller, row, "Choose a time")
        key = idempotency_key(form)
        moved = await matching(request).another_time(meeting["id"], slot, access_token(request), key)
        if not moved:
            return await _offer(request, caller, row, _TAKEN)
        settings: ReferralSettings = request.app.state.settings

        def changed(view: Row) -> bool:
            return view["meeting"] is not None and view["meeting"]["id"] != meeting["id"]

        await desk(request).kernel.wait_for(
            row["locality"], referral_id, changed, settings.booking_wait_seconds
        )
        return RedirectResponse(f"/referral/referrals/{referral_id}?moved=1", 303)

    return router


async def _booked(request: Request, caller: Principal, referral_id: str) -> Row:
    row = await cases.find_visible(desk(request).kernel.mongo, caller, referral_id)
    if row["view"]["meeting"] is None:
        raise Problem(404, code="no_meeting", detail="There is no appointment to move.")
    return row


async def _offer(request: Request, caller: Principal, row: Row, wrong: str | None = None) -> Response:
    slots = await matching(request).options(row["view"]["meeting"]["id"], access_token(request))
    errors = [FieldError("/slot", "slot", wrong)] if wrong else []
    return shown(
        request,
        "another-time.html",
        422 if wrong else 200,
        id=row["referral"],
        name=await named(request, caller, row),
        slots=slots[:3],
        errors=errors,
        **await appointment(request, row),
    )
