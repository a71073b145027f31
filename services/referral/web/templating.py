"""What every page of this service stands on."""

from collections.abc import Mapping
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import cast

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, Response

from services.referral.clients.matching import Matching
from services.referral.intake.service import Desk
from services.referral.settings import ReferralSettings
from services.referral.tracking.status import Kept, kept, names
from services.referral.web import words
from shared.delivery.mongo.database import Row
from shared.platform.web.caller import Principal
from shared.platform.web.pages import Pages
from shared.platform.web.session import Sessions

HERE = Path(__file__).parent
_WITHOUT_NAME: Mapping[Kept, str] = {
    "here": "Name cannot be shown",
    "by_partner": "Name kept by the partner",
    "erased": "Details erased",
}
_STATIC = {"referral.css": "text/css", "referral.js": "text/javascript"}


def make_pages(settings: ReferralSettings) -> Pages:
    """The shared shell with this service's templates and words."""
    pages = Pages(settings, HERE / "templates")
    pages.environment.globals |= {"words": words, "referral_version": _version()}
    return pages


def shown(request: Request, template: str, status: int = 200, **context: object) -> Response:
    """A page made of one of this service's templates."""
    pages: Pages = request.app.state.pages
    return pages.page(request, f"referral/{template}", status, **context)


def desk(request: Request) -> Desk:
    return cast("Desk", request.app.state.desk)


def matching(request: Request) -> Matching:
    return cast("Matching", request.app.state.matching)


def access_token(request: Request) -> str:
    """The reader's own token, for what another service does on their behalf."""
    sessions: Sessions = request.app.state.sessions
    session = sessions.current(request)
    return session.access_token if session else ""


def practice_name(request: Request, code: str) -> str:
    """A practice as staff call it."""
    practice = desk(request).localities.practice(code)
    return practice.display_name if practice else code


async def named(request: Request, caller: Principal, row: Row) -> str:
    """Whom a referral is about, as its reader may know. Audited where it is a name."""
    people = await names(desk(request), caller, [row], "status")
    person = people.get(row["referral"])
    return person.name if person else _WITHOUT_NAME[kept(desk(request), row)]


def static_routes() -> APIRouter:
    """Stylesheet and script of these pages."""
    router = APIRouter(include_in_schema=False)

    @router.get("/referral/static/{name}")
    async def static(name: str) -> Response:
        if name not in _STATIC:
            return Response(status_code=404)
        headers = {"cache-control": "public, max-age=31536000, immutable"}
        return FileResponse(HERE / "static" / name, media_type=_STATIC[name], headers=headers)

    return router


@cache
def _version() -> str:
    sums = sha256(b"".join((HERE / "static" / name).read_bytes() for name in sorted(_STATIC)))
    return sums.hexdigest()[:10]
