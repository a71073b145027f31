"""Off sick today: the day's meetings are moved at once, and the link worker sees whom to ring."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from services.matching.pages.known import NAME_AND_TELEPHONE, contact_flags, known
from services.matching.pages.site import actions, asked, queries, shown, today
from shared.web.auth import require_page
from shared.web.caller import Caller
from shared.web.csrf import CheckedForm

LinkWorkerReader = Annotated[Caller, Depends(require_page("link_worker"))]


def away_routes() -> APIRouter:
    """GET /matching/away asks for confirmation, POST moves the meetings and lists whom to ring."""
    router = APIRouter(include_in_schema=False)

    @router.get("/matching/away")
    async def ask(request: Request, caller: LinkWorkerReader) -> Response:
        diary = await queries(request).today(caller)
        now = queries(request).now()
        ahead = [
            entry for entry in diary if entry.meeting.starts_at > now and entry.meeting.status == "booked"
        ]
        return shown(request, "away.html", today=today(request), ahead=len(ahead), moved=None)

    @router.post("/matching/away")
    async def move(request: Request, caller: LinkWorkerReader, form: CheckedForm) -> Response:
        to_ring = await actions(request).off_sick(
            asked(caller, form), caller.link_worker or "", today(request)
        )
        people = await queries(request).people(
            caller, [each.case for each in to_ring], NAME_AND_TELEPHONE, "caseload"
        )
        moved = [
            {
                "referral_id": each.case.referral_id,
                "person": known(people, each.case.referral_id),
                "flags": contact_flags(each.case),
                "was": each.was.starts_at,
                "now": each.now,
            }
            for each in to_ring
        ]
        return shown(request, "away.html", today=today(request), ahead=0, moved=moved)

    return router
