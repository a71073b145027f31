"""The answer to a change of an appointment: a page that shows it, or the page where it is shown."""

from fastapi import Request
from fastapi.responses import Response

from services.matching.referral_state.views import Done
from services.matching.web.banner import SENTENCES, back_to
from services.matching.web.features import queries
from services.matching.web.templating import render
from shared.platform.web.principal import Principal


async def answer(request: Request, caller: Principal, what: str, done: Done) -> Response:
    """Goes back to the case with the banner `what`.

    If the event of another owner has not arrived, the case would still show the old appointment. Then the
    page shows what the owner has answered.
    """
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
