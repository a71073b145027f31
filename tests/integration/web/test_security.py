"""Middleware around every request."""

import asyncio
import io
import json
import logging
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from fastapi import FastAPI

from shared.platform.web.logs import JsonLines
from shared.platform.web.settings import ServiceSettings
from tests.harness.pages.serving import serving
from tests.harness.web.forms import browser
from tests.harness.web.production import PRODUCTION
from tests.harness.web.sample import sample_app

LIMIT = 1_000_000


@pytest.mark.parametrize(
    "path", ["/", "/nowhere", "/api/linkwork/v1/me", "/api/linkwork/v1/broken", "/sample/broken"]
)
async def test_every_answer_carries_the_headers(client: httpx.AsyncClient, path: str) -> None:
    headers = (await client.get(path)).headers

    policy = headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert "strict-transport-security" not in headers, "a development copy must not pin localhost to https"


async def test_production_pins_https() -> None:
    app = sample_app(ServiceSettings.model_validate(PRODUCTION))
    async with browser(app) as client:
        assert "max-age" in (await client.get("/")).headers["strict-transport-security"]


async def test_assets_may_be_kept(client: httpx.AsyncClient) -> None:
    plain = await client.get("/static/linkwork.css")
    versioned = await client.get("/static/linkwork.css?v=1")
    missing = await client.get("/static/nowhere.css?v=1")

    assert plain.headers["cache-control"] == "public, max-age=3600"
    assert "immutable" in versioned.headers["cache-control"]
    assert missing.headers["cache-control"] == "no-store"


async def test_pages_hold_nothing_inline(client: httpx.AsyncClient) -> None:
    for path in ("/", "/nowhere"):
        html = (await client.get(path)).text
        assert " style=" not in html
        assert "<style" not in html
        assert "<script>" not in html
        assert "http://" not in html.replace("http://www.w3.org", "")


async def test_a_body_of_the_limit_is_read(client: httpx.AsyncClient) -> None:
    answer = await client.post("/sample/upload", content=b"x" * LIMIT)

    assert answer.json() == {"bytes": LIMIT}


@pytest.mark.parametrize(
    "path", ["/sample/upload", "/sample/swallow", "/sample/form", "/api/linkwork/v1/samples"]
)
@pytest.mark.parametrize("chunked", [True, False])
async def test_a_larger_body_is_refused(client: httpx.AsyncClient, path: str, *, chunked: bool) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(21):
            yield b"x" * (LIMIT // 20)

    answer = await client.post(
        path,
        content=chunks() if chunked else b"x" * (LIMIT + 1),
        headers={
            "content-type": "application/x-www-form-urlencoded" if "form" in path else "application/json"
        },
    )

    assert answer.status_code == 413
    assert answer.json()["type"] == "urn:linkwork:problem:too_large"
    assert "x-request-id" in answer.headers


async def test_an_import_may_be_larger(client: httpx.AsyncClient) -> None:
    for size, status in ((3_000_000, 200), (3_000_001, 413)):
        assert (await client.post("/sample/import", content=b"x" * size)).status_code == status


async def test_a_length_that_is_a_lie_does_not_help(client: httpx.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"x" * (LIMIT * 2)

    answer = await client.post("/sample/upload", content=chunks(), headers={"content-length": "10"})

    assert answer.status_code == 413


async def test_who_is_still_sending_hears_the_answer(app: FastAPI) -> None:
    """As a proxy does: it sends on, and takes a connection that is cut off for a service that is away."""
    async with serving(app) as url:
        host, port = url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(
            f"POST /sample/upload HTTP/1.1\r\nhost: a\r\ncontent-length: {4 * LIMIT}\r\n\r\n".encode()
        )
        for _ in range(40):
            writer.write(b"x" * (LIMIT // 10))
            await writer.drain()
            await asyncio.sleep(0.002)
        assert (await reader.readline()).split()[1] == b"413"
        writer.close()
        await writer.wait_closed()


async def test_a_request_id_is_taken_over_only_if_it_is_a_uuid(client: httpx.AsyncClient) -> None:
    given = "01a2042a-b947-76ae-a8df-3617e96223cc"

    assert (await client.get("/", headers={"x-request-id": given})).headers["x-request-id"] == given
    for made_up in ("9990000018", "Ada Example", "x" * 500):
        assert (await client.get("/", headers={"x-request-id": made_up})).headers["x-request-id"] != made_up


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """Lines that our loggers write while a test runs."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines("sample"))
    logger = logging.getLogger("linkwork")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield stream
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)


async def test_the_log_holds_routes_and_no_addresses(app: FastAPI, written: io.StringIO) -> None:
    async with browser(app) as client:
        answer = await client.get("/api/linkwork/v1/samples?limit=9990000018")
        await client.get("/Ada/Example?name=Ada")
        await client.get("/api/linkwork/v1/broken")

    text = written.getvalue()
    assert "Ada" not in text
    assert "9990000018" not in text
    lines = [json.loads(line) for line in text.splitlines()]
    assert {
        "service": "sample",
        "level": "info",
        "method": "GET",
        "route": "/api/linkwork/v1/samples",
        "status": 200,
        "request_id": answer.headers["x-request-id"],
    }.items() <= lines[0].items()
    [broken] = [line for line in lines if line["message"] == "unhandled"]
    assert broken["exception"][0]["class"] == "builtins.RuntimeError"
    assert "broken" in broken["exception"][0]["frames"][-1]


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8080", "linkwork.example@evil.example"])
async def test_redirect_repeats_no_host(client: httpx.AsyncClient, host: str) -> None:
    answer = await client.get("/sample/home/", headers={"host": host}, follow_redirects=False)
    assert answer.status_code == 307
    assert answer.headers["location"] == "/sample/home"


async def test_redirect_within_doubled_slashes_names_no_host(client: httpx.AsyncClient) -> None:
    answer = await client.get("http://linkwork.test//sample/home//", follow_redirects=False)
    assert not answer.headers.get("location", "/").startswith(("//", "http"))
