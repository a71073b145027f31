"""Templates of this service, rendered for a request."""

from pathlib import Path
from typing import Final

from fastapi import Request
from fastapi.responses import Response

from services.referral.web import words
from shared.platform.web.pages import Pages
from shared.platform.web.settings import ServiceSettings
from shared.platform.web.static_files import StaticFiles

_HERE = Path(__file__).parent
static_files: Final = StaticFiles("/referral/static", _HERE / "static", "referral.css", "referral.js")


def make_pages(settings: ServiceSettings) -> Pages:
    """The shared page shell with the templates and words of this service."""
    pages = Pages(settings, _HERE / "templates")
    pages.environment.globals |= {"words": words, "referral_version": static_files.version}
    return pages


def render(request: Request, template: str, status: int = 200, **context: object) -> Response:
    """A page from one of the templates in `templates/referral`."""
    pages: Pages = request.app.state.pages
    return pages.page(request, f"referral/{template}", status, **context)
