"""For the programme: how many referrals stand where, without names; and erasing a person."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response

from services.referral.api import ReferralId
from services.referral.tracking import queries as cases
from services.referral.tracking.pages.home import line
from services.referral.web.templating import desk, practice_name, shown
from shared.contract.history import Stage
from shared.platform.web.auth import require_page
from shared.platform.web.caller import Principal
from shared.platform.web.csrf import CheckedForm
from shared.platform.web.forms import text_field
from shared.platform.web.problem import Problem
from shared.platform.web.validation import FieldError

Admin = Annotated[Principal, Depends(require_page("programme_admin"))]
_HOME = "/referral/programme"


def routes() -> APIRouter:
    """/referral/programme"""
    router = APIRouter(include_in_schema=False)

    @router.get(_HOME)
    async def overview(request: Request, caller: Admin, erased: Annotated[bool, Query()] = False) -> Response:
        return await _overview(request, caller, erased=erased)

    @router.post(f"{_HOME}/find")
    async def find(request: Request, caller: Admin, form: CheckedForm) -> Response:
        reference = text_field(form, "reference", 80).lower()
        try:
            row = await cases.find_visible(desk(request).kernel.mongo, caller, reference)
        except Problem:
            errors = [
                FieldError("/reference", "no_such_referral", "There is no referral with this reference")
            ]
            return await _overview(request, caller, 404, errors=errors, reference=reference)
        return RedirectResponse(f"{_HOME}/{row['referral']}/erase", 303)

    @router.get(_HOME + "/{referral_id}/erase")
    async def ask(request: Request, referral_id: ReferralId, caller: Admin) -> Response:
        row = await cases.find_visible(desk(request).kernel.mongo, caller, referral_id)
        return shown(request, "erase.html", line=line(request, row), errors=[])

    @router.post(_HOME + "/{referral_id}/erase")
    async def erase(request: Request, referral_id: ReferralId, caller: Admin, form: CheckedForm) -> Response:
        if not form.get("sure"):
            row = await cases.find_visible(desk(request).kernel.mongo, caller, referral_id)
            errors = [FieldError("/sure", "missing", "Confirm that everything kept of this person shall go")]
            return shown(request, "erase.html", 422, line=line(request, row), errors=errors)
        await desk(request).erase(caller, referral_id)
        return RedirectResponse(f"{_HOME}?erased=1", 303)

    return router


async def _overview(request: Request, caller: Principal, status: int = 200, **context: Any) -> Response:
    counted = await cases.counts(desk(request).kernel.mongo, caller)
    places: dict[str, dict[str, dict[Stage, int]]] = {}
    for each in counted:
        practices = places.setdefault(each["locality"], {})
        practices.setdefault(each["practice"], {})[Stage(each["stage"])] = each["referrals"]
    localities = desk(request).localities.by_slug
    table = [
        (
            localities[slug].name,
            [(practice_name(request, code), stages) for code, stages in practices.items()],
        )
        for slug, practices in places.items()
        if slug in localities
    ]
    stages = (*cases.BEFORE_FIRST_VISIT, Stage.STARTED)
    return shown(request, "programme.html", status, table=table, stages=stages, ended=cases.ENDED, **context)
