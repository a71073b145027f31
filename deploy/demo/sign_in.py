"""Signs in at the development issuer as a browser does: its page, a choice, a code, a token."""

from __future__ import annotations

import base64
import hashlib
import secrets
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit

import httpx

from deploy.demo.settings import DemoSettings


class SignInFailed(Exception):
    """The issuer gave no token."""


class SignIn:
    """Tokens for the invented users of the development issuer."""

    def __init__(self, http: httpx.AsyncClient, settings: DemoSettings) -> None:
        self._http = http
        self._settings = settings
        self._issuer = settings.discovery_url.removesuffix("/.well-known/openid-configuration")

    async def token(self, user: str) -> str:
        """An access token for a user. Raises SignInFailed; transport errors pass through."""
        verifier = secrets.token_urlsafe(48)
        digest = hashlib.sha256(verifier.encode()).digest()
        returning = f"{self._settings.public_url}/signed-in"
        asked = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": returning,
            "state": secrets.token_urlsafe(12),
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        page = await self._http.get(f"{self._issuer}/authorize", params=asked)
        form = _Inputs.of(page.text)
        chosen = await self._http.post(f"{self._issuer}/authorize", data={**asked, **form, "user": user})
        answer = parse_qs(urlsplit(chosen.headers.get("location", "")).query)
        if "code" not in answer:
            raise SignInFailed(f"The issuer does not sign in {user}: {chosen.status_code}.")
        given = await self._http.post(
            self._settings.token_url or f"{self._issuer}/token",
            data={
                "grant_type": "authorization_code",
                "code": answer["code"][0],
                "redirect_uri": returning,
                "code_verifier": verifier,
                "client_id": self._settings.client_id,
                "client_secret": self._settings.client_secret.get_secret_value(),
            },
        )
        if not given.is_success:
            raise SignInFailed(f"The issuer gives {user} no token: {given.status_code}.")
        token: str = given.json()["access_token"]
        return token


class _Inputs(HTMLParser):
    """The hidden inputs of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}

    @classmethod
    def of(cls, page: str) -> dict[str, str]:
        parser = cls()
        parser.feed(page)
        return parser.found

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag == "input" and named.get("type") == "hidden" and named.get("name"):
            self.found.setdefault(str(named["name"]), named.get("value") or "")
