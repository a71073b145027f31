"""Signing out: by the person on a page, or by the issuer without them (back-channel logout)."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from shared.platform.web.auth import MaybePageCaller
from shared.platform.web.csrf import CheckedForm
from shared.platform.web.granted import LogoutNotice
from shared.platform.web.issuer import Issuer
from shared.platform.web.keys import KeysUnavailable
from shared.platform.web.problem import Problem
from shared.platform.web.session import Session, Sessions
from shared.platform.web.session_keeping import (
    RememberedSessions,
    RepeatedNotice,
    SessionKeeper,
    SessionsUnavailable,
)
from shared.platform.web.tokens import InvalidToken


def sign_out_routes(keeper: SessionKeeper, issuer: Issuer) -> APIRouter:
    """/sign-out, /signed-out and /back-channel-logout, in the service that keeps sessions."""
    router = APIRouter(include_in_schema=False)

    @router.post("/sign-out")
    async def sign_out(request: Request, _: CheckedForm) -> Response:
        sessions: Sessions = request.app.state.sessions
        session = sessions.current(request)
        try:
            if session is not None:
                await end_session(request, keeper, session)
        except SessionsUnavailable:
            # The cookie stays: with it, the next try ends the session.
            raise Problem(
                503,
                "You are not signed out yet",
                code="sessions_unavailable",
                detail="Go back and select Sign out again in a minute.",
                headers={"retry-after": "5"},
            ) from None
        response = RedirectResponse(await issuer.sign_out_address(), 303)
        # Not "cookies": browsers would clear those of the whole organisation's domain.
        response.headers["clear-site-data"] = '"cache", "storage"'
        sessions.end(response)
        return response

    @router.get("/signed-out")
    async def signed_out(request: Request, _: MaybePageCaller) -> Response:
        page: Response = request.app.state.pages.page(request, "linkwork/signed-out.html")
        return page

    @router.post("/back-channel-logout")
    async def logged_out(request: Request, logout_token: Annotated[str, Form()] = "") -> Response:
        """The issuer ends sessions: OpenID Connect Back-Channel Logout 1.0."""
        remembered: RememberedSessions = request.app.state.session_check
        try:
            ended = await keeper.end_named(await _notice(issuer, logout_token))
        except RepeatedNotice:
            raise _refused() from None
        except SessionsUnavailable:
            raise Problem(503, code="away", headers={"retry-after": "2"}) from None
        for digest in ended:
            remembered.forget(digest)
        return Response(status_code=200)

    return router


async def _notice(issuer: Issuer, logout_token: str) -> LogoutNotice:
    try:
        return await issuer.logout_tokens.read(logout_token)
    except InvalidToken:
        raise _refused() from None
    except KeysUnavailable:
        raise Problem(503, code="away", headers={"retry-after": "5"}) from None


async def end_session(request: Request, keeper: SessionKeeper, session: Session) -> None:
    """Ends a session everywhere. Raises SessionsUnavailable."""
    await keeper.end(session.digest)
    remembered: RememberedSessions = request.app.state.session_check
    remembered.forget(session.digest)


def _refused() -> Problem:
    return Problem(400, code="logout_token", detail="The logout token is not accepted.")
