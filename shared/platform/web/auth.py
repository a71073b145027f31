"""FastAPI dependencies that say who calls and who may.

    @router.get("/referrals")
    async def listed(caller: Annotated[Principal, Depends(require("referrer", "programme_admin"))]) -> ...

    @router.get("/services")
    async def found(caller: Annotated[Principal, Depends(require("analyst", "service", scope=...))]) -> ...

    @pages.get("/referral/")
    async def home(caller: Annotated[Principal, Depends(require_page("referrer"))]) -> ...

What a caller may see inside their role (locality, practice, caseload) is the service's to decide, with 404.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated
from urllib.parse import quote

from fastapi import Depends, Request
from fastapi.responses import RedirectResponse, Response

from shared.platform.web.assurance import Assurance
from shared.platform.web.keys import KeysUnavailable
from shared.platform.web.limits import Limits
from shared.platform.web.principal import ROLES, NotAPrincipal, Principal, Role, principal_of
from shared.platform.web.problem import Problem
from shared.platform.web.session import Sessions
from shared.platform.web.session_keeping import RememberedSessions, SessionsUnavailable
from shared.platform.web.tokens import InvalidToken, TokenVerifier

__all__ = [
    "ROLES",
    "ApiCaller",
    "PageCaller",
    "Principal",
    "Role",
    "SignInNeeded",
    "caller",
    "local_path",
    "maybe_page_caller",
    "page_caller",
    "principal_of",
    "require",
    "require_page",
    "require_scope",
    "sessions_unavailable",
]


_STRONGER = "Your role asks for a stronger sign-in, such as with a second factor."


class SignInNeeded(Exception):
    """The reader of a page is not signed in, or no longer."""


async def caller(request: Request) -> Principal:
    """The principal of an API request, by bearer token. Raises a 401 problem; 503 without keys."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    limits: Limits = request.app.state.limits
    if scheme.lower() != "bearer" or not token:
        raise Problem(401, code="no_token", headers={"www-authenticate": 'Bearer realm="linkwork"'})
    try:
        found = await _verifier(request).caller(token.strip())
    except InvalidToken:
        limits.of_nobody(request)
        challenge = 'Bearer realm="linkwork", error="invalid_token"'
        raise Problem(401, code="invalid_token", headers={"www-authenticate": challenge}) from None
    except KeysUnavailable:
        raise _not_judged() from None
    limits.of_caller(found)
    _require_assurance(request, found)
    request.state.caller = found
    return found


async def maybe_page_caller(request: Request) -> Principal | None:
    """The principal who reads the page, or None if not signed in. For pages that anyone may open."""
    limits: Limits = request.app.state.limits
    found = await _reader(request)
    sessions: Sessions = request.app.state.sessions
    if found is None:
        if sessions.named_by(request):  # else RequestLimits has counted it
            limits.of_nobody(request)
        return None
    limits.of_caller(found)
    request.state.caller = found
    return found


async def _reader(request: Request) -> Principal | None:
    sessions: Sessions = request.app.state.sessions
    session = sessions.current(request)
    if session is None:
        return None
    kept: RememberedSessions = request.app.state.session_check
    try:
        found = principal_of(dict(session.claims))
        if not await kept.is_open(session.digest):
            return None
    except NotAPrincipal:
        return None
    except SessionsUnavailable:
        raise sessions_unavailable() from None
    # A session from before the setting was tightened: its owner signs in again, more surely.
    return found if _assurance(request).suffices(found) else None


async def page_caller(request: Request) -> Principal:
    """The principal who reads the page, by session cookie. Without one, redirects to /sign-in and back."""
    found = await maybe_page_caller(request)
    if found is None:
        raise SignInNeeded
    return found


ApiCaller = Annotated[Principal, Depends(caller)]
PageCaller = Annotated[Principal, Depends(page_caller)]
MaybePageCaller = Annotated[Principal | None, Depends(maybe_page_caller)]


def require(
    *roles: Role, scope: str | None = None, parts: frozenset[str] | None = None
) -> Callable[[Principal], Awaitable[Principal]]:
    """Dependency for API routes: a caller in one of these roles, else a 403 problem.

    `scope`: what a token of role `service` must hold besides; several have spaces between them. A route that
    takes services names one: ValueError, as the module is imported, for one that does not. `parts`: a
    partner's token is of one of these, and holds the scope too.
    """
    if ("service" in roles) is not bool(scope):
        raise ValueError("a scope goes with the role service, and with no other")
    if parts is not None and not {"service", "partner"} <= set(roles):
        raise ValueError("parts go with the roles service and partner")

    async def required(caller: ApiCaller) -> Principal:
        _in_role(caller, roles)
        if scope is not None and caller.role in ("service", "partner"):
            _in_scope(caller, scope)
        if parts is not None and caller.role == "partner" and not caller.parts & parts:
            raise Problem(403, code="part", detail="Your token is of no part that may ask this.")
        return caller

    return required


def require_page(*roles: Role) -> Callable[[Principal], Awaitable[Principal]]:
    """Dependency for page routes: a reader in one of these roles, else a plain page that says no.

    Pages are for people: ValueError for the role `service`.
    """
    if "service" in roles:
        raise ValueError("pages are for people")

    async def required(caller: PageCaller) -> Principal:
        return _in_role(caller, roles)

    return required


def require_scope(scope: str) -> Callable[[Principal], Awaitable[Principal]]:
    """Dependency for routes between services: the service role with this scope."""
    return require("service", scope=scope)


def _in_scope(caller: Principal, scope: str) -> None:
    if not caller.scopes.issuperset(scope.split()):
        challenge = f'Bearer realm="linkwork", error="insufficient_scope", scope="{scope}"'
        raise Problem(
            403,
            code="scope",
            detail=f"This needs the scope {scope}.",
            headers={"www-authenticate": challenge},
        )


def _in_role(caller: Principal, roles: tuple[str, ...]) -> Principal:
    if caller.role not in roles:
        raise Problem(403, code="role", detail="Your role does not include this.")
    return caller


def _require_assurance(request: Request, caller: Principal) -> None:
    """Raises a 401 problem, with the challenge of RFC 9470, for a sign-in that was not sure enough."""
    if _assurance(request).suffices(caller):
        return
    values = " ".join(_assurance(request).values_for(caller.role))
    challenge = f'Bearer realm="linkwork", error="insufficient_user_authentication", acr_values="{values}"'
    raise Problem(401, code="acr", detail=_STRONGER, headers={"www-authenticate": challenge})


def _assurance(request: Request) -> Assurance:
    assurance: Assurance = request.app.state.assurance
    return assurance


def _verifier(request: Request) -> TokenVerifier:
    verifier: TokenVerifier = request.app.state.verifier
    return verifier


def _not_judged() -> Problem:
    return Problem(
        503,
        code="sign_in_unavailable",
        detail="The sign-in service does not answer. Try again in a minute.",
        headers={"retry-after": "30"},
    )


def sessions_unavailable() -> Problem:
    """The answer while nobody can say whether a session is open."""
    return Problem(
        503,
        code="sessions_unavailable",
        detail="We cannot check that you are still signed in. Try again in a minute.",
        headers={"retry-after": "5"},
    )


def local_path(wanted: str | None) -> str:
    """`wanted` if it is a path on this site, else `/`: a link of ours must not lead away."""
    if not wanted or len(wanted) > 1_000 or not wanted.startswith("/") or wanted.startswith("//"):
        return "/"
    # Browsers read a backslash as a slash and skip control characters: //evil in other clothes.
    if "\\" in wanted or any(ord(sign) <= 32 or ord(sign) == 127 for sign in wanted):
        return "/"
    return wanted


async def to_sign_in(request: Request, _: Exception) -> Response:
    """Exception handler for SignInNeeded: remember the page, unless coming back there would not work."""
    here = request.url.path
    if request.method in ("GET", "HEAD"):
        here += f"?{request.url.query}" if request.url.query else ""
    else:
        here = "/"
    return RedirectResponse(f"/sign-in?next={quote(local_path(here), safe='/')}", 303)
