"""Limits of requests for each principal, address and process. Beyond them: 429 and Retry-After."""

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.platform import metrics
from shared.platform.web.addresses import client_address
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem, answer_with
from shared.platform.web.session import Sessions
from shared.platform.web.settings import ServiceSettings

# A caller who has been quiet may send as much at once as the limit allows in this time.
BURST_SECONDS: Final = 12
QUEUE_SECONDS: Final = 1.0
_MOST_BUCKETS: Final = 10_000
_EXEMPT: Final = ("/livez", "/readyz", "/metrics")
_FILES: Final = ("/assets/", "/static/")


class Buckets:
    """A token bucket for each key, for the latest 10,000 keys. `a_second` of 0 is no limit."""

    def __init__(self, a_second: float, seconds: Callable[[], float] = time.monotonic) -> None:
        self._a_second = a_second
        self._most = max(1.0, a_second * BURST_SECONDS)
        self._seconds = seconds
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str) -> float:
        """Takes one request. Gives 0, or the seconds until the next is allowed, and then takes none."""
        if self._a_second <= 0:
            return 0.0
        now = self._seconds()
        left, at = self._left.pop(key, (self._most, now))
        left = min(self._most, left + (now - at) * self._a_second)
        allowed = left >= 1
        self._left[key] = (left - 1 if allowed else left, now)
        if len(self._left) > _MOST_BUCKETS:
            self._left.popitem(last=False)
        return 0.0 if allowed else (1 - left) / self._a_second


class Limits:
    """The limits of one process. Who is limited depends on what is known of them: caller or address."""

    def __init__(self, settings: ServiceSettings, seconds: Callable[[], float] = time.monotonic) -> None:
        self._service = settings.service
        self._people = Buckets(settings.requests_a_second, seconds)
        self._services = Buckets(settings.service_requests_a_second, seconds)
        self._addresses = Buckets(settings.anonymous_requests_a_second, seconds)
        self._proxies = settings.proxy_networks()

    def of_caller(self, caller: Principal) -> None:
        """Counts a request of somebody whose token was checked. Raises a 429 problem."""
        is_service = caller.role == "service"
        buckets = self._services if is_service else self._people
        self._judge(buckets.take(caller.subject), "service" if is_service else "caller")

    def of_nobody(self, request: Request) -> None:
        """Counts a request of somebody unknown, by address. Raises a 429 problem."""
        address = client_address(request, self._proxies)
        if address is not None:
            self._judge(self._addresses.take(address), "address")

    def _judge(self, seconds: float, reason: str) -> None:
        if seconds > 0:
            metrics.requests_limited.labels(self._service, reason).inc()
            raise too_many(seconds)


def too_many(seconds: float) -> Problem:
    """The answer to one request too many."""
    wait = max(1, math.ceil(seconds))
    return Problem(
        429,
        code="too_many_requests",
        detail=f"Wait {wait} second{'' if wait == 1 else 's'}, then try again.",
        headers={"retry-after": str(wait)},
    )


class RequestLimits:
    """ASGI middleware: so many requests under way in a process, and as many waiting for up to a second.

    It also counts, by address, requests that do not say who sends them. The others are counted once that is
    known (`auth.py`): a token of nobody must not shut out those who share an address with its sender.
    """

    def __init__(self, app: ASGIApp, settings: ServiceSettings) -> None:
        self._app = app
        self._service = settings.service
        self._most = settings.requests_at_once
        self._free = asyncio.Semaphore(self._most)
        self._waiting = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles one request."""
        path = scope.get("path", "")
        if scope["type"] != "http" or path in _EXEMPT or path.startswith(_FILES):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        try:
            self._count_unknown(request)
        except Problem as refused:
            await answer_with(request, refused)(scope, receive, send)
            return
        if not await self._enter():
            metrics.requests_limited.labels(self._service, "at_once").inc()
            await answer_with(request, too_many(QUEUE_SECONDS))(scope, receive, send)
            return
        try:
            with metrics.requests_under_way.labels(self._service).track_inprogress():
                await self._app(scope, receive, send)
        finally:
            self._free.release()

    def _count_unknown(self, request: Request) -> None:
        limits: Limits = request.app.state.limits
        sessions: Sessions = request.app.state.sessions
        if "authorization" not in request.headers and not sessions.named_by(request):
            limits.of_nobody(request)

    async def _enter(self) -> bool:
        if not self._free.locked():
            return await self._free.acquire()
        if self._waiting >= self._most:
            return False
        self._waiting += 1
        try:
            return await asyncio.wait_for(self._free.acquire(), QUEUE_SECONDS)
        except TimeoutError:
            return False
        finally:
            self._waiting -= 1
