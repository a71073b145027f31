"""Forms are taken only from our own pages, shown to the same browser and sign-in."""

import hmac
import secrets
import uuid
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request, Response
from markupsafe import Markup, escape
from starlette.datastructures import FormData

from shared.platform.web.problem import Problem
from shared.platform.web.session import Sessions, derived_keys
from shared.platform.web.settings import ServiceSettings

FIELD = "csrf_token"
IDEMPOTENCY_FIELD = "idempotency_key"


class FormTokens:
    """Signed tokens bound to a browser (a random cookie) and to its sign-in."""

    def __init__(self, settings: ServiceSettings, sessions: Sessions) -> None:
        self._keys = derived_keys(settings, "form tokens")
        self._sessions = sessions
        self._secure = settings.secure_cookies
        self._cookie = "__Host-linkwork-browser" if self._secure else "linkwork-browser"
        self._own = urlsplit(settings.public_url).netloc

    def token(self, request: Request) -> str:
        """A token for a form on the page now being made for this request."""
        browser = request.cookies.get(self._cookie) or getattr(request.state, "new_browser", "")
        if not browser:
            browser = request.state.new_browser = secrets.token_urlsafe(16)
        nonce = secrets.token_urlsafe(12)
        return f"{nonce}.{self._signatures(request, browser, nonce)[0]}"

    def remember(self, request: Request, response: Response) -> None:
        """Set the browser's cookie if the page made for it needed a new one."""
        if browser := getattr(request.state, "new_browser", ""):
            response.set_cookie(
                self._cookie, browser, path="/", secure=self._secure, httponly=True, samesite="lax"
            )

    def check(self, request: Request, token: object) -> None:
        """Raises a 403 problem unless the form came from a page of ours."""
        browser = request.cookies.get(self._cookie, "")
        nonce, _, signature = token.partition(".") if isinstance(token, str) else ("", "", "")
        genuine = bool(browser) and any(
            hmac.compare_digest(signature.encode(), each.encode())
            for each in self._signatures(request, browser, nonce)
        )
        if not genuine or not self._from_here(request):
            raise Problem(
                403,
                "This form has been open too long",
                code="form_expired",
                detail="Go back, load the page again and send it once more.",
            )

    def _signatures(self, request: Request, browser: str, nonce: str) -> list[str]:
        """The signature under each key, newest first."""
        session = self._sessions.current(request)
        bound = "\n".join((browser, session.id if session else "", nonce))
        return [mac.hex() for mac in self._keys.macs(bound.encode())]

    def _from_here(self, request: Request) -> bool:
        site = request.headers.get("sec-fetch-site")
        if site is not None:
            return site in ("same-origin", "none")
        origin = request.headers.get("origin")
        if origin in (None, "null"):
            return True  # no-referrer makes browsers say null: then the token alone decides
        return urlsplit(origin).netloc in {self._own, request.headers.get("host", "")}


def csrf_field(request: Request) -> Markup:
    """The hidden input for every form that POSTs."""
    tokens: FormTokens = request.app.state.form_tokens
    return Markup('<input type="hidden" name="{}" value="{}">').format(FIELD, tokens.token(request))


def idempotency_field(key: str | None = None) -> Markup:
    """A hidden key so that a form sent twice is done once. Pass the earlier key when showing errors."""
    return Markup('<input type="hidden" name="{}" value="{}">').format(
        IDEMPOTENCY_FIELD, escape(key or str(uuid.uuid4()))
    )


async def checked_form(request: Request) -> FormData:
    """FastAPI dependency of every form route: the form, after its token and origin were checked."""
    form = await request.form(max_fields=500, max_files=1)
    tokens: FormTokens = request.app.state.form_tokens
    tokens.check(request, form.get(FIELD))
    return form


CheckedForm = Annotated[FormData, Depends(checked_form)]
