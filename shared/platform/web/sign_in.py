"""Signing in with the issuer (OIDC authorization code with PKCE) and out again."""

import logging
import warnings
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlencode

import httpx
from authlib.integrations.base_client import OAuthError
from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response
from joserfc.errors import JoseError

from shared.platform.web.assurance import Assurance
from shared.platform.web.auth import MaybePageCaller, local_path, sessions_unavailable
from shared.platform.web.csrf import CheckedForm
from shared.platform.web.keys import KeysUnavailable
from shared.platform.web.principal import acr_of
from shared.platform.web.problem import Problem
from shared.platform.web.session import Session, Sessions, SessionTooLarge
from shared.platform.web.session_keeping import RememberedSessions, SessionKeeper, SessionsUnavailable
from shared.platform.web.settings import ServiceSettings
from shared.platform.web.tokens import InvalidToken, TokenVerifier

_NOT_STRONG = (
    "Your role asks for a stronger sign-in, such as with a second factor, and the sign-in service did not "
    "confirm one. Ask your programme team."
)
log = logging.getLogger("linkwork.web")


def issuer_client(settings: ServiceSettings) -> Any:
    """Authlib's client for the issuer. It reads the discovery document at first use."""
    with warnings.catch_warnings(record=True):  # It asks for httpx2, which nothing else here uses.
        from authlib.integrations.starlette_client import OAuth
    oauth = OAuth()
    return oauth.register(
        "linkwork",
        client_id=settings.client_id,
        client_secret=settings.client_secret.get_secret_value(),
        server_metadata_url=settings.discovery_url,
        access_token_url=settings.token_url or None,
        client_kwargs={"scope": "openid", "code_challenge_method": "S256", "timeout": 5.0},
    )


def sign_in_routes(settings: ServiceSettings, keeper: SessionKeeper) -> APIRouter:
    """/sign-in, /signed-in and /sign-out, in the service that keeps sessions."""
    router = APIRouter(include_in_schema=False)
    client = issuer_client(settings)
    returning = f"{settings.public_url}/signed-in"

    @router.get("/sign-in")
    async def sign_in(request: Request, following: Annotated[str, Query(alias="next")] = "/") -> Response:
        request.scope["session"] = begun = {"next": local_path(following)}
        # After idle minutes the issuer would let anybody at this browser pass unasked.
        again = {"prompt": "login"} if await _has_ended(request) else {}
        try:
            response: Response = await client.authorize_redirect(request, returning, **again)
        except (httpx.HTTPError, OAuthError, ValueError):
            raise _unavailable() from None
        sessions: Sessions = request.app.state.sessions
        sessions.sign_in.put(response, begun)
        return response

    @router.get("/signed-in")
    async def signed_in(request: Request) -> Response:
        sessions: Sessions = request.app.state.sessions
        begun = sessions.sign_in.read(request)
        if begun is None:
            raise _not_completed()
        request.scope["session"] = begun
        access_token, acr = await _exchanged(client, request, settings)
        verifier: TokenVerifier = request.app.state.verifier
        try:
            caller = await verifier.caller(access_token)
        except InvalidToken:
            raise Problem(403, code="no_role", detail="Your account has no role in Linkwork yet.") from None
        except KeysUnavailable:
            raise _unavailable() from None
        assurance: Assurance = request.app.state.assurance
        if not assurance.suffices(caller, acr):
            return await _more_surely(request, client, returning, begun, assurance.values_for(caller.role))
        response = RedirectResponse(local_path(begun.get("next")), 303)
        before = sessions.current(request)
        try:
            session = sessions.start(response, access_token, acr)
            await keeper.begin(session.digest, session.ends, caller)
            if before is not None:  # one browser has one session: the earlier cookie may have been copied
                await _end(request, keeper, before)
        except SessionTooLarge:
            log.error("access token too large for a cookie")
            raise Problem(500, code="token_too_large") from None
        except SessionsUnavailable:
            raise sessions_unavailable() from None
        sessions.sign_in.clear(response)
        return response

    router.include_router(_sign_out_routes(settings, client, keeper))
    return router


def _sign_out_routes(settings: ServiceSettings, client: Any, keeper: SessionKeeper) -> APIRouter:
    router = APIRouter(include_in_schema=False)

    @router.post("/sign-out")
    async def sign_out(request: Request, _: CheckedForm) -> Response:
        sessions: Sessions = request.app.state.sessions
        session = sessions.current(request)
        try:
            if session is not None:
                await _end(request, keeper, session)
        except SessionsUnavailable:
            # The cookie stays: with it, the next try ends the session.
            raise Problem(
                503,
                "You are not signed out yet",
                code="sessions_unavailable",
                detail="Go back and select Sign out again in a minute.",
                headers={"retry-after": "5"},
            ) from None
        response = RedirectResponse(await _farewell(client, settings), 303)
        # Not "cookies": browsers would clear those of the whole organisation's domain.
        response.headers["clear-site-data"] = '"cache", "storage"'
        sessions.end(response)
        return response

    @router.get("/signed-out")
    async def signed_out(request: Request, _: MaybePageCaller) -> Response:
        page: Response = request.app.state.pages.page(request, "linkwork/signed-out.html")
        return page

    return router


async def _has_ended(request: Request) -> bool:
    """True if this browser still has the cookie of a session that has ended."""
    sessions: Sessions = request.app.state.sessions
    kept: RememberedSessions = request.app.state.session_check
    session = sessions.current(request)
    try:
        return session is not None and not await kept.is_open(session.digest)
    except SessionsUnavailable:
        raise sessions_unavailable() from None


async def _end(request: Request, keeper: SessionKeeper, session: Session) -> None:
    await keeper.end(session.digest)
    remembered: RememberedSessions = request.app.state.session_check
    remembered.forget(session.digest)


async def _farewell(client: Any, settings: ServiceSettings) -> str:
    """The address after signing out: the issuer's own sign-out if it has one, so that both forget."""
    try:
        leave = (await client.load_server_metadata()).get("end_session_endpoint")
    except (httpx.HTTPError, ValueError):
        leave = None  # our own session is over all the same
    if not leave:
        return "/signed-out"
    back = {"client_id": settings.client_id, "post_logout_redirect_uri": f"{settings.public_url}/signed-out"}
    return f"{leave}?{urlencode(back)}"


async def _more_surely(
    request: Request, client: Any, returning: str, begun: Mapping[str, Any], values: tuple[str, ...]
) -> Response:
    """Sends the browser to the issuer once more, which is asked for one of these values.

    Raises:
        Problem: 403, if it was asked already; 503 without the issuer.
    """
    if begun.get("acr_asked"):
        raise Problem(403, "A stronger sign-in is needed", code="acr", detail=_NOT_STRONG)
    request.scope["session"] = again = {"next": local_path(begun.get("next")), "acr_asked": True}
    try:
        response: Response = await client.authorize_redirect(request, returning, acr_values=" ".join(values))
    except (httpx.HTTPError, OAuthError, ValueError):
        raise _unavailable() from None
    sessions: Sessions = request.app.state.sessions
    sessions.sign_in.put(response, again)
    return response


async def _exchanged(client: Any, request: Request, settings: ServiceSettings) -> tuple[str, frozenset[str]]:
    """The access token for the code in this request, and the ID token's `acr`.

    State, PKCE and the ID token are Authlib's to check.
    """
    try:
        metadata = await client.load_server_metadata()
        if metadata.get("issuer") != settings.issuer:
            raise _unavailable()
        if settings.jwks_url:
            metadata["jwks_uri"] = settings.jwks_url  # as this process reaches it
        granted = await client.authorize_access_token(request, leeway=30)
        return str(granted["access_token"]), acr_of(granted.get("userinfo") or {})
    except httpx.HTTPError:
        raise _unavailable() from None
    except (OAuthError, JoseError, ValueError, KeyError, TypeError) as error:
        # Its name and, from Authlib, its code: neither holds anything of the person.
        log.warning("sign-in not completed: %s %s", type(error).__name__, getattr(error, "error", ""))
        raise _not_completed() from None


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
