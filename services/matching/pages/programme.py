"""How the localities stand, for those who run the programme: exact counts, no names."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from services.matching.pages.site import localities, queries, shown, today
from shared.clock import LONDON
from shared.story import Stage
from shared.web.auth import require_page
from shared.web.caller import Caller

Reader = Annotated[Caller, Depends(require_page("programme_admin"))]

STAGES = (Stage.WAITING, Stage.BOOKED, Stage.MISSED, Stage.MET, Stage.PRESCRIBED, Stage.STARTED)
MOST_AT_FIRST = 10
"""So many unmet needs are shown; the others are folded away."""


def programme_routes() -> APIRouter:
    """GET /matching/programme."""
    router = APIRouter(include_in_schema=False)

    @router.get("/matching/programme")
    async def programme(request: Request, caller: Reader) -> Response:
        places, day = localities(request), today(request)
        now = await queries(request).programme(caller)
        rows = [
            {
                "name": places.by_slug[each.locality].name,
                "counts": [each.by_stage.get(stage, 0) for stage in STAGES],
                "open": sum(each.by_stage.values()),
                "waits": (day - each.waiting_since.astimezone(LONDON).date()).days
                if each.waiting_since
                else None,
                "needs_link_worker": each.needs_link_worker,
            }
            for each in now
        ]
        unmet = sorted(
            ((places.by_slug[each.locality].name, line) for each in now for line in each.unmet),
            key=lambda pair: -pair[1].count,
        )
        return shown(
            request,
            "programme.html",
            stages=[s.value for s in STAGES],
            rows=rows,
            unmet=unmet,
            at_first=MOST_AT_FIRST,
            today=day,
        )

    return router
