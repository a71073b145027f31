"""What every page of this service stands on."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, cast

from fastapi import Request
from fastapi.responses import Response

from services.referral.clients.matching import Matching
from services.referral.intake.service import ReferralService
from services.referral.settings import ReferralSettings
from services.referral.tracking.status import DetailsLocation, details_location, read_names
from services.referral.web import words
from shared.delivery.mongo.database import Row
from shared.platform.web.caller import Principal
from shared.platform.web.pages import Pages
from shared.platform.web.session import Sessions
from shared.platform.web.static_files import StaticFiles

HERE = Path(__file__).parent
_WITHOUT_NAME: Mapping[DetailsLocation, str] = {
    "here": "Name cannot be shown",
    "by_partner": "Name kept by the partner",
    "erased": "Details erased",
}
static_files: Final = StaticFiles("/referral/static", HERE / "static", "referral.css", "referral.js")


def make_pages(settings: ReferralSettings) -> Pages:
    """The shared shell with this service's templates and words."""
    pages = Pages(settings, HERE / "templates")
    pages.environment.globals |= {"words": words, "referral_version": static_files.version}
    return pages


def shown(request: Request, template: str, status: int = 200, **context: object) -> Response:
    """A page made of one of this service's templates."""
    pages: Pages = request.app.state.pages
    return pages.page(request, f"referral/{template}", status, **context)


def desk(request: Request) -> ReferralService:
    return cast("ReferralService", request.app.state.desk)


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
    people = await read_names(desk(request), caller, [row], "status")
    person = people.get(row["referral"])
    return person.name if person else _WITHOUT_NAME[details_location(desk(request), row)]
