"""Proxies requests if there is no Caddy: passes bodies on as they arrive and keeps nothing.

It has no time limits, as one person uses it on one machine.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from deploy.local.routes import OTHERS, ROUTES, part_for
from shared.platform import lifeline
from shared.platform.web.problem import Problem, wants_page

BODY_LIMIT = 1_048_576
# A directory arrives in one piece.
LARGER_BODIES = {"/api/matching/v1/directory/imports": 8 * BODY_LIMIT}
# Bytes of an oversized request that are read and dropped before the refusal.
DROPPED_LIMIT, DROPPING_SECONDS = 16 * BODY_LIMIT, 5.0
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
# Headers for one connection only (RFC 9110, 7.6.1), or written anew by the proxy.
HOP_BY_HOP = frozenset(
    (
        *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection"),
        *("te", "trailer", "transfer-encoding", "upgrade", "forwarded"),
        *("x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"),
    )
)
TIMEOUTS = {"connect": 2.0, "read": 60.0, "write": 30.0, "pool": 10.0}
WAIT_PAGE = """<!doctype html><html lang="en-GB"><meta charset="utf-8"><title>Not available just now</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><main><h1>Not available just now</h1>
<p>This part of Linkwork does not answer. Try again in a few seconds.</p></main></html>"""


class TooLarge(Exception):
    """The request exceeds its limit."""


def front(upstreams: Mapping[str, str]) -> Starlette:
    """The proxy. `upstreams` gives each part's address, without a slash at the end."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        # The transport, not a client: a client would keep one person's cookies and send them with another's.
        # Connections are closed before the services' own limit of 5 s.
        limits = httpx.Limits(max_connections=200, keepalive_expiry=3.0)
        async with httpx.AsyncHTTPTransport(limits=limits) as transport:
            app.state.transport = transport
            yield

    async def pass_on(request: Request) -> Response:
        part = part_for(request.url.path)
        if part is None or part not in upstreams:
            return Problem(404).response()
        if int(request.headers.get("content-length") or 0) > _limit_of(request):
            await _drop_the_rest(request)
            return _refusal(request, TooLarge())
        try:
            return _answer(await _ask(request.app.state.transport, request, upstreams[part]))
        except (TooLarge, httpx.TransportError, ClientDisconnect) as failure:
            if isinstance(failure, TooLarge):
                await _drop_the_rest(request)
            return _refusal(request, failure)

    async def ready(_: Request) -> Response:
        return PlainTextResponse("ready")

    return Starlette(
        routes=[Route("/readyz", ready), Route("/{path:path}", pass_on, methods=METHODS)], lifespan=lifespan
    )


async def _ask(transport: httpx.AsyncHTTPTransport, request: Request, upstream: str) -> httpx.Response:
    """Sends the request on.

    Sends one without a body again if the service closed the connection unanswered.
    """
    has_body = "content-length" in request.headers or "transfer-encoding" in request.headers
    for last in (False, True):
        onward = httpx.Request(
            request.method,
            httpx.URL(upstream).copy_with(raw_path=_target(request)),
            headers=_onward_headers(request),
            content=_limited(request.stream(), _limit_of(request)) if has_body else None,
            extensions={"timeout": TIMEOUTS},
        )
        try:
            return await transport.handle_async_request(onward)
        except (httpx.RemoteProtocolError, httpx.ReadError):
            if last or has_body or request.method not in ("GET", "HEAD"):
                raise
    raise AssertionError("the second attempt answers or raises")


def _target(request: Request) -> bytes:
    path: bytes = request.scope["raw_path"]
    query: bytes = request.scope["query_string"]
    return path + b"?" + query if query else path


def _onward_headers(request: Request) -> list[tuple[bytes, bytes]]:
    dropped = HOP_BY_HOP | _named_by_connection(request.headers.get("connection", ""))
    headers = [(name, value) for name, value in request.headers.raw if name.decode("latin-1") not in dropped]
    client = request.client.host if request.client else ""
    return [
        *headers,
        (b"x-forwarded-for", client.encode()),
        (b"x-forwarded-host", request.headers.get("host", "").encode("latin-1")),
        (b"x-forwarded-proto", request.url.scheme.encode()),
    ]


def _named_by_connection(value: str) -> frozenset[str]:
    return frozenset(name.strip().lower() for name in value.split(",") if name.strip())


def _limit_of(request: Request) -> int:
    """The largest body, in bytes, that this path accepts."""
    return LARGER_BODIES.get(request.url.path, BODY_LIMIT)


async def _limited(stream: AsyncIterator[bytes], limit: int) -> AsyncIterator[bytes]:
    received = 0
    async for chunk in stream:
        received += len(chunk)
        if received > limit:
            raise TooLarge
        yield chunk


async def _drop_the_rest(request: Request) -> None:
    """Lets a client finish sending, within bounds. Most clients that are cut off never read the refusal."""
    dropped = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DROPPING_SECONDS):
            while dropped < DROPPED_LIMIT:
                message = await request.receive()
                dropped += len(message.get("body", b""))
                if not message.get("more_body", False):
                    return


def _answer(answer: httpx.Response) -> Response:
    response = StreamingResponse(_body(answer), answer.status_code)
    # Set as pairs: each Set-Cookie stays a line of its own.
    dropped = HOP_BY_HOP | _named_by_connection(answer.headers.get("connection", ""))
    response.raw_headers = [
        (name.lower(), value)
        for name, value in answer.headers.raw
        if name.decode("latin-1").lower() not in dropped
    ]
    return response


async def _body(answer: httpx.Response) -> AsyncIterator[bytes]:
    """The bytes as they arrived, compressed or not."""
    try:
        async for chunk in answer.aiter_raw():
            yield chunk
    finally:
        await answer.aclose()


def _refusal(request: Request, failure: Exception) -> Response:
    """The answer if the service itself does not answer."""
    match failure:
        case TooLarge():
            closing = {"connection": "close"}
            return Problem(413, detail="A request may carry one megabyte.", headers=closing).response()
        case ClientDisconnect():
            return Response(status_code=499)  # The link has no use here.
        case httpx.ConnectError() | httpx.ConnectTimeout() | httpx.PoolTimeout():
            status, title = 503, "This part is not available just now"
        case httpx.TimeoutException():
            status, title = 504, "The answer took too long"
        case _:
            status, title = 502, "This part did not answer"
    headers = {"retry-after": "2"}
    if wants_page(request):
        return HTMLResponse(WAIT_PAGE, status, headers=headers)
    return Problem(status, title, headers=headers).response()


def serve(given: Mapping[str, str]) -> None:
    """Serves until the process is asked to stop. `given` names its own address and each service's."""
    lifeline.watch()
    names = {part for _, part in ROUTES} | {OTHERS}
    upstreams = {name: given[f"LINKWORK_{name.upper()}_URL"] for name in names}
    # No access log: addresses carry one-tap links.
    uvicorn.run(
        front(upstreams),
        host=given["LINKWORK_HOST"],
        port=int(given["LINKWORK_PORT"]),
        access_log=False,
        log_level="warning",
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=5,
    )
