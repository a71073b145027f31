"""The calendar feed, and the page on which a link worker makes, changes or ends its address."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.matching.booking.calendar_use_cases import CalendarState
from services.matching.web.features import features
from services.matching.web.templating import SignedInLinkWorker, render
from shared.platform.web.csrf import CheckedForm

router = APIRouter(include_in_schema=False)

PATH = "/matching/diary/calendar"


@router.get(PATH)
async def page(request: Request, caller: SignedInLinkWorker) -> Response:
    """Serves the page: whether the feed is on, and what can be done."""
    return _page(request, await features(request).calendar.state(caller))


@router.post(f"{PATH}/new")
async def renew(request: Request, caller: SignedInLinkWorker, form: CheckedForm) -> Response:
    """Makes a new address, and shows it this once."""
    # No redirect: the address is stored nowhere, so that no later page could show it.
    return _page(request, await features(request).calendar.renew(caller))


@router.post(f"{PATH}/off")
async def switch_off(request: Request, caller: SignedInLinkWorker, form: CheckedForm) -> Response:
    """Ends the address."""
    return _page(request, await features(request).calendar.switch_off(caller), ended=True)


@router.get("/matching/calendar/{secret}.ics")
async def feed(request: Request, secret: str) -> Response:
    """Serves the feed to a calendar program, which does not sign in."""
    found = await features(request).calendar.read(secret)
    return _private(Response(found, media_type="text/calendar"))


def _page(request: Request, state: CalendarState, *, ended: bool = False) -> Response:
    return _private(render(request, "calendar.html", state=state, ended=ended))


def _private(response: Response) -> Response:
    """The response with headers that keep a secret address out of caches, referrers and search engines."""
    response.headers["x-robots-tag"] = "noindex, nofollow"
    response.headers["referrer-policy"] = "no-referrer"
    response.headers["cache-control"] = "no-store"
    return response
