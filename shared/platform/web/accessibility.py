"""The accessibility toolbar: four sizes from 100 to 200 per cent, kept in a cookie, without JavaScript.

A setting is a class on <html>; the rules for all classes are one generated stylesheet, because the content
security policy allows no inline style.
"""

import re
from dataclasses import dataclass, replace
from typing import ClassVar

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from shared.platform.web.auth import local_path
from shared.platform.web.csrf import CheckedForm
from shared.platform.web.forms import text_field
from shared.platform.web.problem import Problem

COOKIE = "linkwork-accessibility"
OPEN_COOKIE = "linkwork-accessibility-open"
OPEN_SECONDS = 15
LEAST, MOST, STEP = 100, 200, 10
_YEAR = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class ReadingSettings:
    """The size and spacing that the reader wants, as a percentage of the usual."""

    content: int = LEAST
    font: int = LEAST
    line: int = LEAST
    letter: int = LEAST

    NAMES: ClassVar[dict[str, str]] = {
        "content": "Content scaling",
        "font": "Font size",
        "line": "Line height",
        "letter": "Letter spacing",
    }

    @property
    def changed(self) -> bool:
        """True if any setting differs from the usual."""
        return self != ReadingSettings()

    @property
    def classes(self) -> str:
        """Class names for <html>."""
        return " ".join(f"lw-{name}-{self.value(name)}" for name in self.NAMES if self.value(name) != LEAST)

    def value(self, name: str) -> int:
        """The per cent of one setting, by its name in NAMES."""
        value: int = getattr(self, name)
        return value

    def with_step(self, name: str, value: int) -> "ReadingSettings":
        """The same with one setting changed. Raises ValueError for what no stepper offers."""
        if name not in self.NAMES or value not in range(LEAST, MOST + 1, STEP):
            raise ValueError
        return replace(self, **{name: value})

    def as_cookie(self) -> str:
        """The settings in the form that the cookie holds."""
        return "-".join(str(self.value(name)) for name in self.NAMES)


def reading_settings(request: Request) -> ReadingSettings:
    """The settings of the cookie. A cookie in any other form than ours means the usual ones."""
    value = request.cookies.get(COOKIE, "")
    if not re.fullmatch(r"(1[0-9]0|200)(-(1[0-9]0|200)){3}", value, re.ASCII):
        return ReadingSettings()
    return ReadingSettings(*(int(part) for part in value.split("-")))


def tools_open(request: Request) -> bool:
    """True if the tools were used a moment ago. They stay open for the next press, then fold away."""
    return OPEN_COOKIE in request.cookies


def stylesheet() -> str:
    """One rule for each class that ReadingSettings.classes can give."""
    rules = []
    for value in range(LEAST + STEP, MOST + 1, STEP):
        ratio = value / 100
        rules += [
            f".lw-content-{value} body {{ zoom: {ratio}; }}",
            f"html.lw-font-{value} {{ font-size: {value}%; }}",
            f".lw-line-{value} body * {{ line-height: {1.5 * ratio:.3g} !important; }}",
            # 200 per cent is 0.2em: beyond the 0.12em that readers may ask of any page (WCAG 1.4.12).
            f".lw-letter-{value} body * {{ letter-spacing: {0.2 * (ratio - 1):.3g}em !important; }}",
        ]
    return "@media screen {\n" + "\n".join(rules) + "\n}\n"


def accessibility_routes(*, secure: bool) -> APIRouter:
    """POST /accessibility and the stylesheet."""
    router = APIRouter(include_in_schema=False)
    css = stylesheet()

    @router.get("/static/accessibility.css")
    async def styles() -> Response:
        return Response(css, media_type="text/css")

    @router.post("/accessibility")
    async def change(request: Request, form: CheckedForm) -> Response:
        step = text_field(form, "step")
        chosen = _chosen(reading_settings(request), step)
        back = local_path(text_field(form, "return_to") or "/").partition("#")[0]
        # Back to the stepper just used, so that the next press of Tab is where the last one was.
        response = RedirectResponse(f"{back}#accessibility-{step.partition(':')[0]}", 303)
        for name, value, seconds in ((COOKIE, chosen.as_cookie(), _YEAR), (OPEN_COOKIE, "1", OPEN_SECONDS)):
            response.set_cookie(
                name, value, max_age=seconds, path="/", secure=secure, httponly=True, samesite="lax"
            )
        return response

    return router


def _chosen(now: ReadingSettings, step: str) -> ReadingSettings:
    if step == "reset":
        return ReadingSettings()
    name, _, value = step.partition(":")
    try:
        return now.with_step(name, int(value))
    except ValueError:
        raise Problem(400, code="no_such_step") from None
