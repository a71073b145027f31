"""Pages: the NHS.UK components, our shell around them, and what every template knows."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import ChainableUndefined, ChoiceLoader, Environment, FileSystemLoader, PackageLoader
from starlette.routing import Match

from shared.contract import labels
from shared.platform.clock import LONDON
from shared.platform.localities import Localities
from shared.platform.people.telephone import as_dialled
from shared.platform.web import dates
from shared.platform.web.accessibility import LEAST, MOST, STEP, reading_settings, tools_open
from shared.platform.web.auth import local_path
from shared.platform.web.csrf import FormTokens, csrf_field, idempotency_field
from shared.platform.web.invalid_fields import invalid_checkboxes, invalid_field, invalid_radios
from shared.platform.web.navigation import current, navigation
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem
from shared.platform.web.references import short_reference
from shared.platform.web.settings import ServiceSettings
from shared.platform.web.static_files import version_of
from shared.platform.web.validation import FieldError

HERE = Path(__file__).parent
ASSETS = HERE / "assets"
STATIC = HERE / "static"


class Pages:
    """Renders templates of a service's own folder, which extend `linkwork/page.html`.

    Blocks: `title` (plain text, no identity; the filter `short_reference` tells two cases apart),
    `before_content`, `content`; `head` for more stylesheets.
    """

    def __init__(self, settings: ServiceSettings, *folders: Path) -> None:
        self._settings = settings
        # The NHS macros read undefined members of undefined parameters, so undefined has to be chainable.
        self.environment = Environment(
            loader=ChoiceLoader(
                [FileSystemLoader([*folders, HERE / "templates"]), PackageLoader("nhsuk_frontend_jinja")]
            ),
            autoescape=True,
            undefined=ChainableUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=settings.env == "development",
        )
        self.environment.filters |= {
            "day": dates.day,
            "short_day": dates.short_day,
            "clock_time": dates.clock_time,
            "day_and_time": dates.day_and_time,
            "age_band": dates.age_band,
            "as_dialled": as_dialled,
            "short_reference": short_reference,
        }
        own = {
            "demo": settings.demo,
            "labels": labels,
            "idempotency_field": idempotency_field,
            "steps": {"least": LEAST, "most": MOST, "step": STEP},
            "error_list": error_list,
            "error_for": error_for,
            "invalid_field": invalid_field,
            "invalid_radios": invalid_radios,
            "invalid_checkboxes": invalid_checkboxes,
            "version": _version(),
        }
        self.environment.globals |= own
        self._own = frozenset(own)

    def page(self, request: Request, template: str, status: int = 200, **context: Any) -> HTMLResponse:
        """Renders a whole page.

        `context` goes to the template beside request, caller, menu, csrf_field() and example_day(days): a day
        so far from today, as it is typed into three boxes.

        Raises:
            ValueError: the context takes a name that every page needs.
        """
        if taken := self._own & context.keys():
            raise ValueError(
                f"{template}: every page needs {', '.join(sorted(taken))} as it is; use another name"
            )
        caller: Principal | None = getattr(request.state, "caller", None)
        links = navigation(caller, development=self._settings.env == "development")
        query = f"?{request.url.query}" if request.url.query else ""
        now = request.app.state.clock()
        today = now.astimezone(LONDON).date()
        html = self.environment.get_template(template).render(
            request=request,
            caller=caller,
            menu=links,
            menu_current=current(links, request.url.path),
            csrf_field=lambda: csrf_field(request),
            example_day=lambda days: dates.example_day(today + timedelta(days=days)),
            reading=reading_settings(request),
            tools_open=tools_open(request),
            page_notices=_notices(request, caller, now),
            return_to=local_path(request.url.path + query) if can_be_had_again(request) else "/",
            **context,
        )
        response = HTMLResponse(html, status)
        tokens: FormTokens = request.app.state.form_tokens
        tokens.remember(request, response)
        return response

    def error(self, request: Request, problem: Problem) -> HTMLResponse:
        """A plain page for a problem."""
        response = self.page(request, "linkwork/problem.html", problem.status_code, problem=problem)
        for name, value in (problem.headers or {}).items():
            response.headers[name] = value
        return response


def _notices(request: Request, caller: Principal | None, now: datetime) -> list[str]:
    """The notices for this reader, as the table in force has them."""
    table: Localities | None = getattr(request.app.state, "table", None)
    theirs = caller.localities if caller is not None else frozenset()
    return [each.text for each in table.notices if each.shown(now, theirs)] if table is not None else []


def can_be_had_again(request: Request) -> bool:
    """True if the address of this page answers a GET, so that the reader can come back to it."""
    if request.method == "GET":
        return True
    scope = {"type": "http", "method": "GET", "path": request.url.path, "root_path": ""}
    return any(route.matches(scope)[0] is Match.FULL for route in request.app.routes)


def error_list(errors: Iterable[FieldError], ids: Mapping[str, str] | None = None) -> list[dict[str, str]]:
    """The `errorList` of the NHS error summary: each error leads to its field, whose id is its name."""
    named = ids or {}
    return [{"text": error.detail, "href": f"#{named.get(error.field, error.field)}"} for error in errors]


def error_for(errors: Sequence[FieldError] | None, field: str) -> dict[str, str] | None:
    """The `errorMessage` parameter of a NHS component for one field, or None."""
    for error in errors or ():
        if error.field == field:
            return {"text": error.detail}
    return None


def _version() -> str:
    """Changes whenever a stylesheet or script does, so that browsers may keep them."""
    files = (path for folder in (ASSETS, STATIC) for path in sorted(folder.glob("*.*")))
    return version_of(path.read_bytes() for path in files)
