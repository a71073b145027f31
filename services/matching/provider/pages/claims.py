"""The administrators' page of services: mailboxes, places as they said, entries reported as wrong."""

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.matching.directory.availability import in_words
from services.matching.web.features import queries
from services.matching.web.templating import Administrator, render
from shared.contract import labels

router = APIRouter(include_in_schema=False)

PATH: Final = "/matching/administration/services"


@router.get(PATH)
async def services(request: Request, caller: Administrator) -> Response:
    """Serves the services that are offered in the caller's localities."""
    rows = [
        {
            "service": each.found.service,
            "mailbox": each.mailbox,
            "places": in_words(each.found.availability),
            "faults": [(labels.LISTING_FAULTS[kind], count) for kind, count in each.faults.items()],
        }
        for each in await queries(request).claims.claims(caller)
    ]
    return render(request, "services-kept.html", rows=rows)
