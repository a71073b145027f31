"""Middleware around every request: size limit, request id, security headers, one log line."""

import asyncio
import logging
import re
import time
import uuid
from collections.abc import Mapping
from contextvars import ContextVar
from urllib.parse import urlsplit, urlunsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.platform.web.problem import PROBLEM, Problem, unexpected
from shared.platform.web.settings import ServiceSettings

log = logging.getLogger("linkwork.http")

request_id: ContextVar[str] = ContextVar("request_id", default="-")

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_FILES = ("/assets/", "/static/")
# How much more of a body that is too large is read and thrown away, and for how long: a proxy that is cut off
# in the middle of sending says 502, and nobody learns why.
_LET_FINISH_BYTES = 8_000_000
_LET_FINISH_SECONDS = 5.0


def content_security_policy(settings: ServiceSettings) -> str:
    """Own files only, nothing inline. Forms may lead on to the issuer, because a sign-in can follow."""
    leads_to = (settings.issuer, settings.sign_in_issuer, settings.public_url)
    forms = {_origin(address) for address in leads_to} - {""}
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:",
            "font-src 'self'",
            "connect-src 'self'",
            "manifest-src 'self'",
            f"form-action 'self' {' '.join(sorted(forms))}".strip(),
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


class RequestMiddleware:
    """ASGI middleware around the whole application.

    `larger_bodies`: bytes allowed for a few exact paths, in place of LINKWORK_BODY_LIMIT.
    """

    def __init__(
        self, app: ASGIApp, settings: ServiceSettings, larger_bodies: Mapping[str, int] | None = None
    ) -> None:
        self._app = app
        self._limit = settings.body_limit
        self._larger = dict(larger_bodies or {})
        self._headers = {
            "content-security-policy": content_security_policy(settings),
            "x-content-type-options": "nosniff",
            "x-frame-options": "DENY",
            "referrer-policy": "no-referrer",
            "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
            "cross-origin-opener-policy": "same-origin",
            "cross-origin-resource-policy": "same-origin",
        }
        if settings.env == "production":
            self._headers["strict-transport-security"] = "max-age=63072000; includeSubDomains"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._larger.get(scope["path"], self._limit)
        exchange = _Exchange(scope, receive, send, limit, self._headers)
        token = request_id.set(exchange.id)
        try:
            if exchange.declared_too_large():
                await exchange.refuse()
            else:
                await self._app(scope, exchange.receive, exchange.send)
        except _BodyTooLarge:
            if not exchange.started:
                await exchange.refuse()
        except Exception as error:
            # Handled here and not by Starlette's outermost layer, whose answers would lack the headers.
            answer = unexpected(Request(scope), error)
            if not exchange.started:
                await answer(scope, receive, exchange.send)
        finally:
            exchange.log()
            exchange.note_refusal()
            request_id.reset(token)


class _BodyTooLarge(Problem):
    def __init__(self) -> None:
        super().__init__(413, code="too_large", detail="Send less at a time.")


class _Exchange:
    """One request and its answer."""

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, limit: int, headers: dict[str, str]
    ) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._limit, self._headers = limit, headers
        self._read = 0
        self._more = True
        self._too_large = False
        self._refusing = False
        self._status = 0
        self._began = time.perf_counter()
        self.started = False
        given = Headers(scope=scope).get("x-request-id", "")
        # Only a UUID is taken over: whatever else a caller puts there would end up in our logs.
        self.id = given.lower() if _UUID.fullmatch(given) else str(uuid.uuid4())

    def declared_too_large(self) -> bool:
        declared = Headers(scope=self._scope).get("content-length", "")
        return declared.isascii() and declared.isdigit() and int(declared[:20]) > self._limit

    async def receive(self) -> Message:
        message = await self._receive()
        self._more = message.get("more_body", False)
        if message["type"] == "http.request":
            self._read += len(message.get("body", b""))
            if self._read > self._limit:
                self._too_large = True
                raise _BodyTooLarge
        return message

    async def send(self, message: Message) -> None:
        if self._too_large and not self.started and not self._refusing:
            # Whatever the application made of the broken-off body, the true reason is this one.
            await self.refuse()
        if self._too_large and not self._refusing:
            return
        if message["type"] == "http.response.start":
            self.started = True
            self._status = message["status"]
            self._add_headers(MutableHeaders(scope=message))
        await self._send(message)

    async def refuse(self) -> None:
        """Answer 413, keep nothing of the rest, and read no more of it than lets most senders finish."""
        self._refusing = True
        await self._let_finish()
        answer = _BodyTooLarge().response()
        answer.headers["connection"] = "close"
        await answer(self._scope, self._receive, self.send)
        self._refusing = False

    async def _let_finish(self) -> None:
        left = _LET_FINISH_BYTES
        try:
            async with asyncio.timeout(_LET_FINISH_SECONDS):
                while self._more and left > 0:
                    message = await self._receive()
                    self._more = message.get("more_body", False)
                    left -= len(message.get("body", b""))
        except TimeoutError:
            return

    def _add_headers(self, headers: MutableHeaders) -> None:
        for name, value in self._headers.items():
            headers.setdefault(name, value)
        if "location" in headers:
            headers["location"] = self._naming_no_host(headers["location"])
        headers["x-request-id"] = self.id
        headers.setdefault("cache-control", self._keeping())

    def _naming_no_host(self, location: str) -> str:
        """A redirect to the same path with or without its last slash, as a path.

        Starlette makes these itself, from whatever the caller has put into `Host`.
        """
        parts = urlsplit(location)
        if not parts.netloc or parts.path.rstrip("/") != self._scope["path"].rstrip("/"):
            return location
        # Two slashes at the beginning would name a host again.
        return urlunsplit(("", "", "/" + parts.path.lstrip("/"), parts.query, ""))

    def _keeping(self) -> str:
        if self._status != 200 or not self._scope["path"].startswith(_FILES):
            return "no-store"
        versioned = self._scope["query_string"].startswith(b"v=")
        return "public, max-age=31536000, immutable" if versioned else "public, max-age=3600"

    def log(self) -> None:
        route = getattr(self._scope.get("route"), "path", None)
        if route in ("/livez", "/readyz", "/metrics"):
            return
        log.info(
            "request",
            extra={
                "method": self._scope["method"],
                "route": route or "-",
                "status": self._status,
                "milliseconds": round((time.perf_counter() - self._began) * 1000, 1),
            },
        )

    def note_refusal(self) -> None:
        """Hands a refusal over to the audit, if the service keeps one."""
        app = self._scope.get("app")
        refusals = getattr(app.state, "refusals", None) if app is not None else None
        if refusals is None:
            return
        refusals.note(
            self._status,
            self._scope["method"],
            getattr(self._scope.get("route"), "path", "-"),
            self._scope.get(PROBLEM),
            self._scope.get("state", {}).get("caller"),
            self._scope.get("path_params", {}),
            self.id,
        )
