"""The page that withdraws a referral."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from services.referral.identity.context import Context, ReferralContext
from services.referral.identity.people import name_for_page
from services.referral.intake.service import Service
from services.referral.referral_state.queries import find_visible
from services.referral.web.parameters import ReferralId
from services.referral.web.templating import render
from shared.contract.events import vocabulary as v
from shared.platform.web.auth import require_page
from shared.platform.web.csrf import CheckedForm
from shared.platform.web.forms import idempotency_key, text_field
from shared.platform.web.principal import Principal
from shared.platform.web.validation import FieldError

router = APIRouter(include_in_schema=False)

Referrer = Annotated[Principal, Depends(require_page("referrer"))]


@router.get("/referral/referrals/{referral_id}/withdraw")
async def ask_why(request: Request, referral_id: ReferralId, caller: Referrer, context: Context) -> Response:
    """Asks for the reason."""
    return await _why(request, context, caller, referral_id)


@router.post("/referral/referrals/{referral_id}/withdraw")
async def withdraw(
    request: Request,
    referral_id: ReferralId,
    caller: Referrer,
    form: CheckedForm,
    context: Context,
    service: Service,
) -> Response:
    """Withdraws the referral, or asks again if no reason was chosen."""
    given = text_field(form, "reason")
    if given not in set(v.WithdrawReason):
        errors = [FieldError("/reason", "missing", "Choose why the referral is withdrawn")]
        return await _why(request, context, caller, referral_id, errors)
    row = await find_visible(context.mongo, caller, referral_id)
    route, key = f"withdraw-form/{referral_id}", idempotency_key(form)
    idempotency = context.idempotency(caller, route, key, row["locality"], given)
    await service.withdraw(caller, referral_id, v.WithdrawReason(given), idempotency)
    return RedirectResponse(f"/referral/referrals/{referral_id}?withdrawn=1", 303)


async def _why(
    request: Request,
    context: ReferralContext,
    caller: Principal,
    referral_id: str,
    errors: Sequence[FieldError] = (),
) -> Response:
    row = await find_visible(context.mongo, caller, referral_id)
    context.require_ours(row["locality"])
    return render(
        request,
        "withdraw.html",
        422 if errors else 200,
        id=referral_id,
        name=await name_for_page(context, caller, row),
        open=row["view"]["open"],
        errors=list(errors),
    )
