"""Signing in with the issuer (OIDC authorization code with PKCE)."""

import logging
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from shared.platform.web.assurance import Assurance
from shared.platform.web.auth import local_path, sessions_unavailable
from shared.platform.web.granted import Granted, IssuerUnavailable, NoRole, NotGranted
from shared.platform.web.issuer import Issuer
from shared.platform.web.principal import Principal, principal_of
from shared.platform.web.problem import Problem
from shared.platform.web.session import Sessions, SessionTooLarge
from shared.platform.web.session_keeping import RememberedSessions, SessionKeeper, SessionsUnavailable
from shared.platform.web.sign_out import end_session
from shared.platform.web.step_up import StepUp

_NOT_STRONG = (
    "Your role asks for a stronger sign-in, such as with a second factor, and the sign-in service did not "
    "confirm one. Ask your programme team."
)
_NOT_AGAIN = (
    "This needs you to sign in once more, and the sign-in service did not confirm that you did. Ask your "
    "programme team."
)
log = logging.getLogger("linkwork.web")


def sign_in_routes(keeper: SessionKeeper, issuer: Issuer) -> APIRouter:
    """/sign-in and /signed-in, in the service that keeps sessions."""
    router = APIRouter(include_in_schema=False)

    @router.get("/sign-in")
    async def sign_in(
        request: Request,
        following: Annotated[str, Query(alias="next")] = "/",
        step_up: Annotated[bool, Query()] = False,
    ) -> Response:
        again: dict[str, str] = {}
        if step_up:
            again = _step_up(request).asked()
        elif await _has_ended(request):
            # After idle minutes the issuer would let anybody at this browser pass unasked.
            again = {"prompt": "login"}
        begun: dict[str, Any] = {"next": local_path(following), "step_up": step_up}
        return await _begin(request, issuer, begun, again)

    @router.get("/signed-in")
    async def signed_in(request: Request) -> Response:
        sessions: Sessions = request.app.state.sessions
        begun = sessions.sign_in.read(request)
        if begun is None:
            raise _not_completed()
        request.scope["session"] = begun
        granted = await _granted(issuer, request)
        caller = principal_of(dict(granted.claims))
        assurance: Assurance = request.app.state.assurance
        if not assurance.suffices(caller):
            return await _more_surely(request, issuer, begun, assurance.values_for(caller.role))
        if begun.get("step_up") and not _step_up(request).holds(caller):
            raise Problem(403, "You need to sign in again", code="step_up", detail=_NOT_AGAIN)
        response = RedirectResponse(local_path(begun.get("next")), 303)
        await _start(request, response, keeper, granted, caller)
        sessions.sign_in.clear(response)
        return response

    return router


async def _begin(
    request: Request, issuer: Issuer, begun: dict[str, Any], asked: Mapping[str, str]
) -> Response:
    """Sends the browser to the issuer, and remembers there what was begun."""
    request.scope["session"] = begun
    try:
        response = await issuer.redirect(request, **asked)
    except IssuerUnavailable:
        raise _unavailable() from None
    sessions: Sessions = request.app.state.sessions
    sessions.sign_in.put(response, begun)
    return response


async def _granted(issuer: Issuer, request: Request) -> Granted:
    try:
        return await issuer.granted(request)
    except NoRole:
        raise Problem(403, code="no_role", detail="Your account has no role in Linkwork yet.") from None
    except NotGranted as refused:
        log.warning("sign-in not completed: %s", refused.code)
        raise _not_completed() from None
    except IssuerUnavailable:
        raise _unavailable() from None


async def _start(
    request: Request, response: Response, keeper: SessionKeeper, granted: Granted, caller: Principal
) -> None:
    sessions: Sessions = request.app.state.sessions
    before = sessions.current(request)
    try:
        session = sessions.start(response, granted)
        await keeper.begin(session.digest, session.ends, caller, granted)
        if before is not None:  # one browser has one session: the earlier cookie may have been copied
            await end_session(request, keeper, before)
    except SessionTooLarge:
        log.error("the claims of an access token are too large for a cookie")
        raise Problem(500, code="token_too_large") from None
    except SessionsUnavailable:
        raise sessions_unavailable() from None


async def _has_ended(request: Request) -> bool:
    """True if this browser still has the cookie of a session that has ended."""
    sessions: Sessions = request.app.state.sessions
    kept: RememberedSessions = request.app.state.session_check
    session = sessions.current(request)
    try:
        return session is not None and not await kept.is_open(session.digest)
    except SessionsUnavailable:
        raise sessions_unavailable() from None


async def _more_surely(
    request: Request, issuer: Issuer, begun: Mapping[str, Any], values: tuple[str, ...]
) -> Response:
    """Sends the browser to the issuer once more, which is asked for one of these values.

    Raises:
        Problem: 403, if it was asked already; 503 without the issuer.
    """
    if begun.get("acr_asked"):
        raise Problem(403, "A stronger sign-in is needed", code="acr", detail=_NOT_STRONG)
    again = {
        "next": local_path(begun.get("next")),
        "acr_asked": True,
        "step_up": bool(begun.get("step_up")),
    }
    return await _begin(request, issuer, again, {"acr_values": " ".join(values)})


def _step_up(request: Request) -> StepUp:
    step_up: StepUp = request.app.state.step_up
    return step_up


def _unavailable() -> Problem:
    return Problem(
        503,
        code="sign_in_unavailable",
        detail="The sign-in service does not answer. Try again in a minute.",
        headers={"retry-after": "30"},
    )


def _not_completed() -> Problem:
    return Problem(
        400,
        "Signing in was not completed",
        code="sign_in_not_completed",
        detail="It took too long or was begun in another window. Start again.",
    )
