"""The answer to a change of an appointment: a page that shows it, or the page where it is shown."""

from fastapi import Request
from fastapi.responses import Response

from services.matching.referral_state.views import Done
from services.matching.web.banner import SENTENCES, back_to
from services.matching.web.features import queries
from services.matching.web.templating import render
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem


async def answer(request: Request, caller: Principal, what: str, done: Done) -> Response:
    """Goes back to the case with the banner `what`.

    A meeting with another link worker may take the case out of the caller's caseload. Then the page Today
    says so. If the event of another owner has not arrived, the case would still show the old appointment.
    Then the page shows what the owner has answered.
    """
    if not done.pending and await _has_left(request, caller, done):
        return back_to("/matching/", "moved-with-case")
    if not done.pending:
        return back_to(f"/matching/cases/{done.referral_id}", what, done)
    by_practice = caller.role == "referrer"
    return render(
        request,
        "answered.html",
        sentence=SENTENCES[what].removesuffix("."),
        line=done.case,
        booking=await queries(request).booking.offer(done.locality),
        by_practice=by_practice,
        back_at="/referral/" if by_practice else f"/matching/cases/{done.referral_id}",
    )


async def _has_left(request: Request, caller: Principal, done: Done) -> bool:
    """True if the case is no longer the caller's: neither in their caseload nor covered by them."""
    active, own = done.case.active, (None, caller.link_worker)
    if caller.role != "link_worker" or done.case.link_worker in own or active is None:
        return False
    try:
        await queries(request).booking.meeting(caller, active.meeting_id)
    except Problem as problem:
        if problem.status_code != 404:
            raise
        return True
    return False
