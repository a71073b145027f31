"""Errors over HTTP as RFC 9457 problem documents, or as a plain page where a person is reading."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from shared.platform.errors import Transient
from shared.platform.web.validation import FieldError, field_errors

log = logging.getLogger("linkwork.web")

MEDIA_TYPE = "application/problem+json"
# The code of the answer, for the audit of refusals.
PROBLEM = "linkwork.problem"
UNAVAILABLE = "Try again in a moment."

_TITLES: dict[int, str] = {
    400: "The request cannot be read",
    401: "Sign in first",
    403: "You may not do this",
    404: "Not found",
    405: "This cannot be done here",
    406: "Not available in that form",
    409: "This conflicts with what is there",
    410: "No longer there",
    413: "The request is too large",
    415: "This kind of content is not accepted",
    422: "Something needs to be put right",
    429: "Too many requests",
    500: "Something went wrong on our side",
    503: "Not available just now",
}


class Problem(HTTPException):
    """Raise this for any answer that is not a success. Nothing in it may identify a person.

    `code` names the kind of problem for programs; `extensions` become members of the document.
    """

    def __init__(
        self,
        status: int,
        title: str | None = None,
        *,
        code: str | None = None,
        detail: str | None = None,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        **extensions: Any,
    ) -> None:
        super().__init__(status, detail=detail or "", headers=dict(headers or {}))
        self.title = title or _TITLES.get(status, "The request was not done")
        self.code = code
        self.explanation = detail
        self.errors = tuple(errors)
        self.extensions = extensions

    def document(self) -> dict[str, Any]:
        """The problem document as JSON values."""
        document: dict[str, Any] = {
            "type": f"urn:linkwork:problem:{self.code}" if self.code else "about:blank",
            "title": self.title,
            "status": self.status_code,
        }
        if self.explanation:
            document["detail"] = self.explanation
        if self.errors:
            document["errors"] = [error.as_dict() for error in self.errors]
        return document | self.extensions

    def response(self) -> JSONResponse:
        """The problem document as a response."""
        return JSONResponse(
            self.document(), self.status_code, headers=dict(self.headers or {}), media_type=MEDIA_TYPE
        )


def problem_of(error: HTTPException) -> Problem:
    """Any HTTP exception as a problem. A detail not written by us is left out."""
    if isinstance(error, Problem):
        return error
    return Problem(error.status_code, headers=error.headers)


def temporarily_unavailable(detail: str = UNAVAILABLE, *, retry_seconds: int = 2) -> Problem:
    """The answer while the database or the broker is away: 503, and when to try again."""
    return Problem(503, code="away", detail=detail, headers={"retry-after": str(retry_seconds)})


def install_problem_handlers(app: FastAPI, unavailable: str = UNAVAILABLE) -> None:
    """Every error leaves `app` as a problem document or, on a page, as a friendly page.

    `unavailable` is the sentence of the answer to a temporary failure.
    """

    @app.exception_handler(Transient)
    async def on_transient(request: Request, _: Transient) -> Response:
        return answer_with(request, temporarily_unavailable(unavailable))

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> Response:
        return answer_with(request, problem_of(error))

    @app.exception_handler(RequestValidationError)
    async def on_invalid(request: Request, error: RequestValidationError) -> Response:
        body = error.body if isinstance(error.body, (Mapping, list)) else None
        errors = field_errors(error.errors(), body=body, known=_known_names(app))
        return answer_with(request, Problem(422, code="invalid", errors=errors))


def unexpected(request: Request, error: Exception) -> Response:
    """The answer to an exception nobody expected. Where it happened is logged; what it said is not."""
    log.error("unhandled", exc_info=error, extra={"route": route_of(request)})
    return answer_with(request, Problem(500, code="unexpected"))


def answer_with(request: Request, problem: Problem) -> Response:
    """The problem in the form that the asker can read: a page for a browser, else a document."""
    request.scope[PROBLEM] = problem.code
    pages = getattr(request.app.state, "pages", None)
    if pages is not None and wants_page(request):
        page: Response = pages.error(request, problem)
        return page
    return problem.response()


def wants_page(request: Request) -> bool:
    """True if a person in a browser waits for the answer."""
    return not request.url.path.startswith("/api/") and "text/html" in request.headers.get("accept", "")


def route_of(request: Request) -> str:
    """The route's template, never the address itself: a one-tap link is a secret."""
    return str(getattr(request.scope.get("route"), "path", "-"))


def _known_names(app: FastAPI) -> frozenset[str]:
    """All field and parameter names of the published API: the only ones an answer may repeat."""
    known = getattr(app.state, "known_names", None)
    if known is None:
        # FastAPI's own document, not the published one: that leaves the pages out.
        known = frozenset(_names_in(FastAPI.openapi(app)))
        app.state.known_names = known
    return frozenset(known)


def _names_in(schema: Any) -> set[str]:
    names: set[str] = set()
    if isinstance(schema, Mapping):
        properties = schema.get("properties")
        if isinstance(properties, Mapping):
            names.update(properties)
        if "in" in schema and isinstance(schema.get("name"), str):
            names.add(schema["name"])
        for value in schema.values():
            names |= _names_in(value)
    elif isinstance(schema, list):
        for value in schema:
            names |= _names_in(value)
    return names
