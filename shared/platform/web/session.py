"""Cookies of a browser that only we can read, and that end."""

import json
import secrets
import zlib
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from fastapi import Request, Response

from shared.platform.clock import Clock, system_clock
from shared.platform.key_ring import KeyRing, derived
from shared.platform.web.granted import Granted
from shared.platform.web.settings import ServiceSettings

LARGEST_COOKIE = 4_000
SIGN_IN_MINUTES = 10


class SessionTooLarge(Exception):
    """The rights of a person do not fit into a cookie."""


@dataclass(frozen=True, slots=True)
class Session:
    """A sign-in: a random id, its person's claims, and when it ends, however busy its owner is."""

    id: str
    claims: Mapping[str, Any]
    ends: datetime

    @property
    def digest(self) -> str:
        """The name under which the session is kept: nothing that is stored or sent opens a page."""
        return sha256(self.id.encode()).hexdigest()


def derived_keys(settings: ServiceSettings, purpose: str) -> KeyRing:
    """The keys of 32 bytes for one purpose, one of each session key, newest first."""
    ring = KeyRing.of(settings.session_key.get_secret_value())
    return KeyRing([derived(key.secret, purpose) for key in ring])


class SealedCookie:
    """A cookie with an encrypted, authenticated value that ends after a while."""

    def __init__(self, settings: ServiceSettings, name: str, lasts: timedelta, clock: Clock) -> None:
        self._secure = settings.secure_cookies
        self.name = f"__Host-linkwork-{name}" if self._secure else f"linkwork-{name}"
        keys = derived_keys(settings, f"cookie {name}")
        self._seal = MultiFernet([Fernet(urlsafe_b64encode(key.secret)) for key in keys])
        self._lasts = lasts
        self._clock = clock

    def put(self, response: Response, content: Mapping[str, Any]) -> None:
        """Raises SessionTooLarge for what a browser would drop in silence."""
        packed = zlib.compress(json.dumps(content, separators=(",", ":")).encode())
        value = self._seal.encrypt_at_time(packed, int(self._clock().timestamp())).decode()
        if len(value) > LARGEST_COOKIE:
            raise SessionTooLarge
        response.set_cookie(
            self.name,
            value,
            max_age=int(self._lasts.total_seconds()),
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="lax",
        )

    def read(self, request: Request) -> dict[str, Any] | None:
        """The content, or None for a cookie that is missing, altered or too old."""
        value = request.cookies.get(self.name)
        if not value or len(value) > LARGEST_COOKIE:
            return None
        try:
            packed = self._seal.decrypt_at_time(
                value.encode(), int(self._lasts.total_seconds()), int(self._clock().timestamp())
            )
        except (InvalidToken, UnicodeEncodeError):
            return None
        content = json.loads(zlib.decompress(packed))
        return content if isinstance(content, dict) else None

    def clear(self, response: Response) -> None:
        """Removes the cookie from the browser."""
        response.delete_cookie(self.name, path="/", secure=self._secure, httponly=True, samesite="lax")


class Sessions:
    """The cookies of sign-ins. All services that share the session key can read them.

    A cookie alone lets nobody in: `SessionCheck` says whether its session is still open.
    """

    def __init__(self, settings: ServiceSettings, clock: Clock = system_clock) -> None:
        self._clock = clock
        self._lasts = timedelta(hours=settings.session_hours)
        self._cookie = SealedCookie(settings, "session", self._lasts, clock)
        self.sign_in = SealedCookie(settings, "sign-in", timedelta(minutes=SIGN_IN_MINUTES), clock)

    def start(self, response: Response, granted: Granted) -> Session:
        """A new session under a new id, which is still to be kept. Raises SessionTooLarge."""
        ends = self._clock() + self._lasts
        if not granted.refresh_token:
            ends = min(ends, granted.until)  # nobody can be asked whether the rights still hold
        session = Session(secrets.token_urlsafe(16), granted.claims, ends)
        content = {"id": session.id, "claims": dict(session.claims), "ends": int(ends.timestamp())}
        self._cookie.put(response, content)
        return session

    def current(self, request: Request) -> Session | None:
        """The session that the request's cookie names, if its longest time is not over."""
        content = self._cookie.read(request)
        if content is None or "claims" not in content:  # of a version that kept the token
            return None
        session = Session(content["id"], content["claims"], datetime.fromtimestamp(content["ends"], UTC))
        return session if self._clock() < session.ends else None

    def named_by(self, request: Request) -> bool:
        """True if the request has a session cookie, valid or not."""
        return self._cookie.name in request.cookies

    def end(self, response: Response) -> None:
        """Removes the session's cookie from the browser."""
        self._cookie.clear(response)
