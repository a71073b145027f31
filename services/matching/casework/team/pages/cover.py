"""The page that asks for a reason before a colleague's case is opened. It shows nothing of the case."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from services.matching.casework.team.pages.words import COVER_DAYS, COVER_REASONS
from services.matching.roster.covers import CoverReason
from services.matching.web.banner import back_to
from services.matching.web.features import features
from services.matching.web.forms import FormInput
from services.matching.web.templating import SignedInLinkWorker, render, request_context
from shared.platform.web.csrf import CheckedForm
from shared.platform.web.principal import Principal
from shared.platform.web.step_up import require_recent_page
from shared.platform.web.validation import FieldError

PATH = "/matching/cover/{referral}"

# The case of a colleague shows a name that its reader has not seen.
Covering = Annotated[Principal, Depends(require_recent_page("link_worker"))]

router = APIRouter(include_in_schema=False)


@router.get(PATH)
async def ask(request: Request, referral: str, caller: Covering) -> Response:
    """Serves the page. A reference of another locality gets the same page: it tells nothing."""
    return _page(request, referral)


@router.post(PATH)
async def open_case(request: Request, referral: str, caller: Covering, form: CheckedForm) -> Response:
    """Opens the case with the reason."""
    given = FormInput(form)
    reason = given.choice("reason", CoverReason, "Choose why you open this case")
    days = given.raw("days")
    if days not in dict(COVER_DAYS):
        given.add_error("days", "Choose for how long")
    if given.errors or reason is None:
        return _page(request, referral, given.errors, given.raw("reason"), days)
    await features(request).team.open_cover(request_context(caller, form), referral, reason, int(days))
    return back_to(f"/matching/cases/{referral}", "covered")


@router.post(f"{PATH}/end")
async def end(request: Request, referral: str, caller: SignedInLinkWorker, form: CheckedForm) -> Response:
    """Ends the cover."""
    await features(request).team.end_cover(request_context(caller, form), referral)
    return RedirectResponse("/matching/team?done=cover-ended", 303)


def _page(
    request: Request, referral: str, errors: Sequence[FieldError] = (), reason: str = "", days: str = "1"
) -> Response:
    return render(
        request,
        "cover.html",
        status=422 if errors else 200,
        referral=referral,
        reasons=list(COVER_REASONS.items()),
        lengths=COVER_DAYS,
        reason=reason,
        days=days,
        errors=list(errors),
    )
