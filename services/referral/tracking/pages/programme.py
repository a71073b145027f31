"""Pages of the programme team: numbers of referrals without names, and erasing a person."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response

from services.referral.identity.context import Context, ReferralContext
from services.referral.identity.erasure import erase_person
from services.referral.referral_state.queries import find_visible
from services.referral.tracking import queries
from services.referral.tracking.views import referral_line
from services.referral.web.parameters import ReferralId
from services.referral.web.templating import render
from shared.contract.history import Stage
from shared.platform.web.auth import require_page
from shared.platform.web.csrf import CheckedForm
from shared.platform.web.forms import text_field
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem
from shared.platform.web.step_up import require_recent_page
from shared.platform.web.validation import FieldError

router = APIRouter(include_in_schema=False)

Admin = Annotated[Principal, Depends(require_page("programme_admin"))]
Eraser = Annotated[Principal, Depends(require_recent_page("programme_admin"))]
_HOME = "/referral/programme"


@router.get(_HOME)
async def overview(
    request: Request, caller: Admin, context: Context, erased: Annotated[bool, Query()] = False
) -> Response:
    """Numbers of referrals by locality, practice and stage, without sandboxes."""
    return await _overview(request, context, caller, erased=erased)


@router.post(f"{_HOME}/find")
async def find(request: Request, caller: Admin, context: Context, form: CheckedForm) -> Response:
    """Finds a referral by its reference, to erase its person."""
    reference = text_field(form, "reference", 80).lower()
    try:
        row = await find_visible(context.mongo, caller, reference)
    except Problem:
        errors = [FieldError("/reference", "no_such_referral", "There is no referral with this reference")]
        return await _overview(request, context, caller, 404, errors=errors, reference=reference)
    return RedirectResponse(f"{_HOME}/{row['referral']}/erase", 303)


@router.get(_HOME + "/{referral_id}/erase")
async def ask(request: Request, referral_id: ReferralId, caller: Eraser, context: Context) -> Response:
    """Asks for confirmation before an erasure."""
    row = await find_visible(context.mongo, caller, referral_id)
    context.require_ours(row["locality"])
    return render(request, "erase.html", line=referral_line(context, row), errors=[])


@router.post(_HOME + "/{referral_id}/erase")
async def erase(
    request: Request, referral_id: ReferralId, caller: Eraser, context: Context, form: CheckedForm
) -> Response:
    """Erases the person behind a referral, once confirmed."""
    if not form.get("sure"):
        row = await find_visible(context.mongo, caller, referral_id)
        errors = [FieldError("/sure", "missing", "Confirm that everything kept of this person shall go")]
        return render(request, "erase.html", 422, line=referral_line(context, row), errors=errors)
    await erase_person(context, caller, referral_id)
    return RedirectResponse(f"{_HOME}?erased=1", 303)


async def _overview(
    request: Request, context: ReferralContext, caller: Principal, status: int = 200, **shown: Any
) -> Response:
    counted = await queries.counts(context.mongo, caller)
    places: dict[str, dict[str, dict[Stage, int]]] = {}
    for each in counted:
        practices = places.setdefault(each["locality"], {})
        practices.setdefault(each["practice"], {})[Stage(each["stage"])] = each["referrals"]
    localities = {locality.slug: locality for locality in context.localities.real}
    table = [
        (
            localities[slug].name,
            [(context.practice_name(code), stages) for code, stages in practices.items()],
        )
        for slug, practices in places.items()
        if slug in localities
    ]
    stages = (*queries.BEFORE_FIRST_VISIT, Stage.STARTED)
    return render(request, "programme.html", status, table=table, stages=stages, ended=queries.ENDED, **shown)
