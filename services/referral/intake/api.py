"""HTTP routes of practices and hubs: make a referral, withdraw it."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query, Response

from services.referral.identity.context import Context
from services.referral.identity.matching import SamePersonQuestion
from services.referral.intake.address import distance_warning
from services.referral.intake.schemas import ReferralMade, ReferralRequest, WarningAnswer, Withdrawal
from services.referral.intake.service import Service
from services.referral.intake.validation import validate
from services.referral.referral_state.queries import find_visible
from services.referral.tracking.presenter import list_line
from services.referral.tracking.queries import wait_for_meeting
from services.referral.tracking.schemas import ReferralListed
from services.referral.web.errors import ValidationFailed
from services.referral.web.parameters import BASE, IdempotencyKey, ReferralId
from shared.platform.web.auth import require
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem

router = APIRouter(prefix=BASE, tags=["referrals"])

_MAX_WAIT_SECONDS = 10.0
# The scope of a hub's token.
WRITES_REFERRALS = "referrals:write"

MayRefer = Annotated[Principal, Depends(require("referrer", "service", scope=WRITES_REFERRALS))]
Referrer = Annotated[Principal, Depends(require("referrer"))]


@router.post("/referrals", status_code=201)
async def make(
    request: ReferralRequest,
    caller: MayRefer,
    response: Response,
    context: Context,
    service: Service,
    key: IdempotencyKey = None,
    wait: Annotated[float, Query(ge=0, le=_MAX_WAIT_SECONDS)] = 0,
    prefer: Annotated[str | None, Header(max_length=200)] = None,
) -> ReferralMade:
    """Make a referral. `wait`, or `Prefer: wait=2`: seconds to wait for the meeting."""
    try:
        practice, locality = service.practice(caller, request.practice)
        accepted = validate(request, practice, locality, context.today())
        body = request.model_dump_json()
        idempotency = context.idempotency(caller, "make", key, locality.slug, body)
        done = await service.refer(caller, accepted, idempotency)
    except ValidationFailed as refused:
        raise Problem(422, code="not_taken", errors=refused.errors) from None
    except SamePersonQuestion as question:
        raise question.problem() from None
    made = str(done.reply["id"])
    view = await wait_for_meeting(context, locality.slug, made, max(wait, _preferred_wait(prefer)))
    response.headers["location"] = f"{BASE}/referrals/{made}"
    far = distance_warning(practice, accepted.person.postcode)
    warnings = [WarningAnswer(code=far.code, detail=far.detail)] if far else []
    return ReferralMade(id=made, stage=view["stage"], meeting=view["meeting"], warnings=warnings)


@router.post("/referrals/{referral_id}/withdraw")
async def withdraw(
    referral_id: ReferralId,
    withdrawal: Withdrawal,
    caller: Referrer,
    context: Context,
    service: Service,
    key: IdempotencyKey = None,
) -> ReferralListed:
    """Withdraw a referral of one's own practice."""
    row = await find_visible(context.mongo, caller, referral_id)
    route, body = f"withdraw/{referral_id}", withdrawal.model_dump_json()
    idempotency = context.idempotency(caller, route, key, row["locality"], body)
    return list_line(await service.withdraw(caller, referral_id, withdrawal.reason, idempotency))


def _preferred_wait(prefer: str | None) -> float:
    """The seconds of `Prefer: wait=2`; 0 for any other preference."""
    for preference in (prefer or "").split(","):
        name, _, value = preference.strip().partition("=")
        if name.lower() == "wait" and value.isascii() and value.isdigit():
            return min(float(value), _MAX_WAIT_SECONDS)
    return 0.0
