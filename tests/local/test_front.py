"""The front against a real server behind it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
import pytest_asyncio
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from deploy.local.front import BODY_LIMIT, front
from deploy.local.ports import LOOPBACK, free_port
from deploy.local.routes import ROUTES, part_for


async def echo(request: Request) -> Response:
    response = JSONResponse(
        {
            "target": (request.scope["raw_path"] + b"?" + request.scope["query_string"]).decode(),
            "headers": [[name.decode(), value.decode()] for name, value in request.headers.raw],
            "length": len(await request.body()),
        }
    )
    for n in (1, 2):
        response.set_cookie(f"cookie-{n}", "of-one-person")
    response.headers["connection"] = "x-between-us"
    response.headers["x-between-us"] = "1"
    return response


@asynccontextmanager
async def serving(app: Starlette) -> AsyncIterator[str]:
    server = uvicorn.Server(
        uvicorn.Config(app, host=LOOPBACK, port=free_port(), log_level="error", proxy_headers=False)
    )
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield f"http://{LOOPBACK}:{server.config.port}"
    server.should_exit = True
    await running


@pytest_asyncio.fixture(scope="module")
async def address() -> AsyncIterator[str]:
    behind = Starlette(routes=[Route("/{path:path}", echo, methods=["GET", "POST"])])
    async with serving(behind) as upstream:
        upstreams = {"referral": upstream, "matching": f"http://{LOOPBACK}:{free_port()}"}
        async with serving(front(upstreams)) as ours:
            yield ours


@pytest_asyncio.fixture
async def client(address: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=address) as client:
        yield client


async def test_the_address_arrives_as_it_was_written(client: httpx.AsyncClient) -> None:
    answer = (await client.get("/referral/a%2Fb/%C3%A9?q=1&q=%26")).json()
    assert answer["target"] == "/referral/a%2Fb/%C3%A9?q=1&q=%26"


async def test_one_person_s_cookies_are_never_sent_with_another_s_request(address: str) -> None:
    async with httpx.AsyncClient(base_url=address) as one:
        answered = await one.get("/referral/")
        assert len(answered.headers.get_list("set-cookie")) == 2
    async with httpx.AsyncClient(base_url=address) as another:
        headers = (await another.get("/referral/")).json()["headers"]
    assert "cookie" not in dict(headers)


async def test_what_is_said_between_neighbours_goes_no_further(client: httpx.AsyncClient) -> None:
    sent = {"connection": "x-mine", "x-mine": "1", "te": "trailers", "x-other": "2"}
    answer = await client.get("/referral/", headers=sent)
    arrived = dict(answer.json()["headers"])
    assert arrived["x-other"] == "2"
    assert not {"x-mine", "te"} & set(arrived)
    assert "x-between-us" not in answer.headers


async def test_who_asked_is_said_by_the_front_alone(client: httpx.AsyncClient) -> None:
    forged = {"x-forwarded-for": "203.0.113.9", "x-forwarded-host": "evil.example", "forwarded": "for=x"}
    answer = await client.get("/referral/", headers=forged)
    arrived = answer.json()["headers"]
    assert [value for name, value in arrived if name == "x-forwarded-for"] == [LOOPBACK]
    assert [value for name, value in arrived if name == "x-forwarded-host"] == [
        client.base_url.netloc.decode()
    ]
    assert "forwarded" not in dict(arrived)


async def test_a_body_up_to_the_limit_passes(client: httpx.AsyncClient) -> None:
    answer = await client.post("/api/referral/v1/referrals", content=b"x" * BODY_LIMIT)
    assert answer.json()["length"] == BODY_LIMIT


@pytest.mark.parametrize("announced", [True, False])
async def test_a_larger_body_is_refused_whether_or_not_its_length_is_said(
    client: httpx.AsyncClient, announced: bool
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(12):
            yield b"x" * (BODY_LIMIT // 2)

    content = b"x" * (6 * BODY_LIMIT) if announced else pieces()
    answer = await client.post("/api/referral/v1/referrals", content=content)
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_part_that_is_away_is_a_problem_document_or_a_page(client: httpx.AsyncClient) -> None:
    to_a_program = await client.get("/api/matching/v1/diary")
    assert (to_a_program.status_code, to_a_program.json()["status"]) == (503, 503)
    to_a_person = await client.get("/matching/", headers={"accept": "text/html"})
    assert to_a_person.status_code == 503
    assert "Try again in a few seconds" in to_a_person.text


@pytest.mark.parametrize("path", ["/livez", "/metrics", "/asyncapi"])
async def test_what_is_for_those_who_run_it_is_not_passed_on(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("/", "referral"),
        ("/sign-in", "referral"),
        ("/assets/nhsuk-frontend.min.css", "referral"),
        ("/referrals-of-old", "referral"),
        ("/matching", "matching"),
        ("/matching/today", "matching"),
        ("/matchingly", "referral"),
        ("/s/abc", "matching"),
        ("/style", "referral"),
        ("/api/evaluation/v1/figures", "evaluation"),
        ("/dev/mailbox", "development"),
        ("/readyz", None),
    ],
)
def test_each_address_has_one_part(path: str, part: str | None) -> None:
    assert part_for(path) == part


def test_the_longest_prefix_comes_first() -> None:
    prefixes = [prefix for prefix, _ in ROUTES]
    assert prefixes == sorted(prefixes, key=len, reverse=True)


async def test_a_directory_may_be_larger_than_anything_else(client: httpx.AsyncClient) -> None:
    large = b"x" * 2_000_000
    taken = await client.post("/api/matching/v1/directory/imports?feed=council", content=large)
    assert taken.status_code != 413
    refused = await client.post("/api/matching/v1/directory/flags", content=large)
    assert refused.status_code == 413
