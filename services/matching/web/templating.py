"""Renders the pages of matching, and finds the parts of the application from a request."""

from datetime import date, datetime
from pathlib import Path
from typing import Annotated, cast

from fastapi import Depends, Request
from fastapi.responses import Response
from starlette.datastructures import FormData

from services.matching.request import RequestContext
from services.matching.web.features import queries
from services.matching.web.grammar import listed, lower_first, plural
from shared.platform.clock import LONDON
from shared.platform.localities import Localities
from shared.platform.localities.miles import in_miles
from shared.platform.web.auth import require_page
from shared.platform.web.dates import day
from shared.platform.web.forms import idempotency_key
from shared.platform.web.pages import Pages
from shared.platform.web.principal import Principal
from shared.platform.web.session import SealedCookie
from shared.platform.web.settings import ServiceSettings
from shared.platform.web.static_files import StaticFiles

SignedInLinkWorker = Annotated[Principal, Depends(require_page("link_worker"))]
Administrator = Annotated[Principal, Depends(require_page("programme_admin"))]

HERE = Path(__file__).parent
TEMPLATES = HERE / "templates"
static_files = StaticFiles("/matching/static", HERE / "static", "matching.css", "draft.js")


def make_pages(settings: ServiceSettings) -> Pages:
    """The shared page shell with matching's templates, filters and globals."""
    pages = Pages(settings, TEMPLATES)
    pages.environment.filters["near_day"] = near_day
    pages.environment.filters["short_day_of_week"] = short_day_of_week
    pages.environment.filters["miles"] = in_miles
    pages.environment.globals |= {
        "plural": plural,
        "listed": listed,
        "lower_first": lower_first,
        "matching_version": static_files.version,
    }
    return pages


def near_day(value: date, today: date) -> str:
    """A day such as Tuesday 24 November. The year is added if it is not the year of `today`."""
    text = day(value)
    return text.rsplit(" ", 1)[0] if value.year == today.year else text


def short_day_of_week(value: date) -> str:
    """A day such as Tue 24 November."""
    return f"{value:%a} {value.day} {value:%B}"


def search_cookie(request: Request) -> SealedCookie:
    """The cookie with the postcode of the last search."""
    return cast("SealedCookie", request.app.state.near)


def localities(request: Request) -> Localities:
    """The localities of this process."""
    return cast("Localities", request.app.state.localities)


def render(request: Request, template: str, status: int = 200, **context: object) -> Response:
    """Renders one of matching's templates."""
    pages: Pages = request.app.state.pages
    return pages.page(request, f"matching/{template}", status, **context)


def request_context(caller: Principal, form: FormData, part: str = "") -> RequestContext:
    """The caller with the form's idempotency key. `part` distinguishes several commands of one form."""
    key = idempotency_key(form)
    return RequestContext(caller, f"{key}{part}" if key else None)


def london_now(request: Request) -> datetime:
    """The time of the service's clock, in London."""
    return queries(request).now().astimezone(LONDON)


def today(request: Request) -> date:
    """The day in London."""
    return london_now(request).date()
