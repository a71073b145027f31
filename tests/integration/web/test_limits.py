"""Limits of requests: a caller, an address and a process may have so many; neighbours notice nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from starlette.requests import Request

from shared.platform.web.addresses import client_address, networks
from shared.platform.web.limits import BURST_SECONDS, Buckets, Limits, RequestLimits
from shared.platform.web.settings import ServiceSettings
from tests.harness.web.forms import PAGE
from tests.harness.web.issuer import LoopbackIssuer
from tests.harness.web.sample import sample_app


@dataclass
class Seconds:
    """A clock of seconds that the test moves."""

    now: float = 100.0

    def __call__(self) -> float:
        return self.now


def limited(issuer: LoopbackIssuer, **more: Any) -> tuple[FastAPI, Seconds]:
    settings = issuer.settings(ServiceSettings, **more)
    app, seconds = sample_app(settings), Seconds()
    app.state.limits = Limits(settings, seconds)
    return app, seconds


@asynccontextmanager
async def from_address(
    app: FastAPI, address: str = "198.51.100.7", **headers: str
) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, client=(address, 50_000))
    async with httpx.AsyncClient(
        transport=transport, base_url="http://localhost:8080", headers=PAGE | headers
    ) as client:
        yield client


async def statuses(client: httpx.AsyncClient, path: str, times: int, **more: Any) -> list[int]:
    return [(await client.get(path, **more)).status_code for _ in range(times)]


@given(st.lists(st.floats(0, 5), max_size=200), st.floats(0.5, 20))
def test_a_bucket_never_gives_more_than_its_rate(pauses: list[float], rate: float) -> None:
    seconds = Seconds()
    buckets = Buckets(rate, seconds)
    given = 0
    for pause in pauses:
        seconds.now += pause
        wait = buckets.take("somebody")
        given += wait == 0
        assert wait >= 0
    assert given <= rate * (BURST_SECONDS + seconds.now - 100) + 1


def test_after_the_wait_a_request_is_allowed() -> None:
    seconds = Seconds()
    buckets = Buckets(2, seconds)
    while not (wait := buckets.take("somebody")):
        pass
    seconds.now += wait + 0.001
    assert buckets.take("somebody") == 0


def test_buckets_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.platform.web.limits._MOST_BUCKETS", 3)
    buckets = Buckets(1, Seconds())
    for number in range(100):
        buckets.take(str(number))
    assert len(buckets._left) == 3


async def test_a_caller_too_many_is_429(issuer: LoopbackIssuer) -> None:
    app, seconds = limited(issuer, requests_a_second=1)
    me = "/api/linkwork/v1/me"
    async with from_address(app) as client:
        busy, other = issuer.bearer(subject="busy"), issuer.bearer(subject="other")
        assert await statuses(client, me, BURST_SECONDS, headers=busy) == [200] * BURST_SECONDS
        refused = await client.get(me, headers=busy)
        assert refused.status_code == 429
        assert refused.headers["retry-after"] == "1"
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.json()["type"] == "urn:linkwork:problem:too_many_requests"
        assert (await client.get(me, headers=other)).status_code == 200
        seconds.now += 1.1
        assert (await client.get(me, headers=busy)).status_code == 200


async def test_a_reader_too_many_gets_a_page(issuer: LoopbackIssuer) -> None:
    app, _ = limited(issuer, requests_a_second=1)
    async with from_address(app) as client:
        client.cookies.update(issuer.signed_in(app, role="analyst"))
        await statuses(client, "/sample/figures", BURST_SECONDS)
        refused = await client.get("/sample/figures")
        assert refused.status_code == 429
        assert "Wait 1 second, then try again." in refused.text
        assert await statuses(client, "/static/linkwork.css", 3) == [200] * 3


async def test_a_service_has_a_limit_of_its_own(issuer: LoopbackIssuer) -> None:
    app, _ = limited(issuer, requests_a_second=1, service_requests_a_second=3)
    async with from_address(app) as client:
        headers = issuer.bearer(role="service", scopes="claims:read", subject="linkwork-matching")
        found = await statuses(client, "/api/linkwork/v1/claims", 3 * BURST_SECONDS + 1, headers=headers)
    assert found == [200] * 3 * BURST_SECONDS + [429]


async def test_bad_tokens_shut_out_their_address_alone(issuer: LoopbackIssuer) -> None:
    app, _ = limited(issuer, anonymous_requests_a_second=1)
    me = "/api/linkwork/v1/me"
    async with from_address(app) as client, from_address(app, "198.51.100.8") as elsewhere:
        guesses = await statuses(client, me, BURST_SECONDS + 1, headers={"authorization": "Bearer x.y.z"})
        assert guesses == [401] * BURST_SECONDS + [429]
        assert (await client.get("/")).status_code == 429
        assert (await elsewhere.get("/")).status_code == 200
        colleague = await client.get(me, headers=issuer.bearer())
        assert colleague.status_code == 200, "who shares the address and is known is not shut out"


async def test_what_watches_a_process_is_exempt(issuer: LoopbackIssuer) -> None:
    app, _ = limited(issuer, anonymous_requests_a_second=0.1)
    async with from_address(app) as client:
        await statuses(client, "/", 3)
        assert (await client.get("/")).status_code == 429
        for path in ("/livez", "/readyz", "/metrics"):
            assert await statuses(client, path, 5) == [200] * 5
        assert 'linkwork_requests_limited_total{reason="address"' in (await client.get("/metrics")).text


def request(peer: str, *forwarded: str) -> Request:
    headers = [(b"x-forwarded-for", each.encode("latin-1")) for each in forwarded]
    return Request({"type": "http", "client": (peer, 1), "headers": headers})


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("198.51.100.7", [], "198.51.100.7"),
        ("198.51.100.7", ["203.0.113.9"], "198.51.100.7"),
        ("127.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("127.0.0.1", ["10.9.9.9, 203.0.113.9"], "203.0.113.9"),
        ("127.0.0.1", ["10.9.9.9", "203.0.113.9"], "203.0.113.9"),
        ("127.0.0.1", ["203.0.113.9, 127.0.0.1"], "203.0.113.9"),
        ("127.0.0.1", [], None),
        ("127.0.0.1", ["127.0.0.1"], None),
        ("127.0.0.1", ["203.0.113.9, nonsense"], None),
        ("::ffff:127.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("::1", ["2001:db8:1:2:3:4:5:6"], "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", [], "2001:db8:1:2::/64"),
        ("", [], None),
    ],
)
def test_only_a_trusted_proxy_names_the_client(peer: str, forwarded: list[str], address: str | None) -> None:
    assert client_address(request(peer, *forwarded), networks("127.0.0.0/8,::1")) == address


def test_a_network_that_is_none_is_refused(issuer: LoopbackIssuer) -> None:
    with pytest.raises(ValidationError, match="trusted_proxies"):
        issuer.settings(ServiceSettings, trusted_proxies="everywhere")


async def test_a_process_has_so_many_at_once(issuer: LoopbackIssuer) -> None:
    """Of eight at once, two are under way, two wait, and four are told to come again."""
    settings = issuer.settings(ServiceSettings, requests_at_once=2)
    go = asyncio.Event()
    started = 0

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        nonlocal started
        started += 1
        await go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    sample = sample_app(settings)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await RequestLimits.__call__(limiting, scope | {"app": sample}, receive, send)

    limiting = RequestLimits(slow, settings)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        asking = [asyncio.create_task(client.get("/x")) for _ in range(8)]
        while sum(each.done() for each in asking) < 4:
            await asyncio.sleep(0.01)
        assert started == 2
        go.set()
        answers = await asyncio.gather(*asking)
        assert sorted(answer.status_code for answer in answers) == [200] * 4 + [429] * 4
        assert all(a.headers["retry-after"] == "1" for a in answers if a.status_code == 429)
        assert (await client.get("/x")).status_code == 200, "every place was given back"
