"""Both proxies against a real server behind them: Caddy with the containers' file, and the one in Python."""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from deploy.local.front import UPSTREAMS, caddy_environment, caddy_path
from deploy.local.ports import LOOPBACK, free_port
from deploy.local.python_front import BODY_LIMIT, front
from deploy.local.reaper import ROOT
from deploy.local.routes import ROUTES, part_for
from shared.platform.web.security import RequestMiddleware
from shared.platform.web.settings import ServiceSettings


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


async def broken(_: Request) -> Response:
    """Hangs up in the middle of its answer."""

    async def part() -> AsyncIterator[bytes]:
        yield b"x" * 10
        raise ConnectionError

    return StreamingResponse(part(), headers={"content-length": "1000"})


@asynccontextmanager
async def serving(app: Starlette | RequestMiddleware) -> AsyncIterator[str]:
    server = uvicorn.Server(
        uvicorn.Config(app, host=LOOPBACK, port=free_port(), log_level="error", proxy_headers=False)
    )
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield f"http://{LOOPBACK}:{server.config.port}"
    server.should_exit = True
    await running


@asynccontextmanager
async def caddy(upstreams: Mapping[str, str], folder: Path, log: list[str]) -> AsyncIterator[str]:
    """The front as `make run` starts it."""
    port = free_port()
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("LINKWORK_")},
        "LINKWORK_HOST": LOOPBACK,
        "LINKWORK_PORT": str(port),
        "LINKWORK_STATE": str(folder),
        **{f"LINKWORK_{name.upper()}_URL": url for name, url in upstreams.items()},
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "deploy.local.front"),
        cwd=ROOT,
        env=environment,
        stdout=DEVNULL,
        stderr=PIPE,
    )
    assert process.stderr is not None
    said = asyncio.create_task(_keep(process.stderr, log))
    address = f"http://{LOOPBACK}:{port}"
    try:
        async with httpx.AsyncClient(base_url=address) as client, asyncio.timeout(30):
            while True:
                assert process.returncode is None
                try:
                    assert (await client.get("/readyz")).text == "ready"
                    break
                except httpx.TransportError:
                    await asyncio.sleep(0.05)
        yield address
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), 20)
        await said


async def _keep(said: asyncio.StreamReader, log: list[str]) -> None:
    while line := await said.readline():
        log.append(line.decode())


@pytest_asyncio.fixture(scope="module")
async def upstreams() -> AsyncIterator[dict[str, str]]:
    """The referral service echoes what arrives, within the limits of a service; nobody else is there."""
    behind = Starlette(
        routes=[Route("/broken", broken), Route("/{path:path}", echo, methods=["GET", "POST"])]
    )
    limits = {"/api/matching/v1/directory/imports": 8 * BODY_LIMIT}
    settings = ServiceSettings(env="development", body_limit=BODY_LIMIT)
    async with serving(RequestMiddleware(behind, settings, limits)) as upstream:
        nobody = f"http://{LOOPBACK}:{free_port()}"
        yield dict.fromkeys(UPSTREAMS, nobody) | {"referral": upstream, "evaluation": upstream}


@pytest.fixture(scope="module")
def caddy_log() -> list[str]:
    """The lines that Caddy has written."""
    return []


@pytest_asyncio.fixture(scope="module")
async def caddy_address(
    upstreams: dict[str, str], caddy_log: list[str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[str]:
    async with caddy(upstreams, tmp_path_factory.mktemp("caddy"), caddy_log) as address:
        yield address


@pytest_asyncio.fixture(scope="module")
async def python_address(upstreams: dict[str, str]) -> AsyncIterator[str]:
    async with serving(front(upstreams)) as address:
        yield address


@pytest.fixture(params=["caddy", "python"])
def address(request: pytest.FixtureRequest) -> str:
    found: str = request.getfixturevalue(f"{request.param}_address")
    return found


@pytest_asyncio.fixture
async def client(address: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=address) as client:
        yield client


def test_caddy_comes_with_the_packages_of_this_machine() -> None:
    assert caddy_path() is not None


def test_caddy_is_told_no_secret_and_each_service_s_place() -> None:
    given = {f"LINKWORK_{name.upper()}_URL": f"http://{LOOPBACK}:8101" for name in UPSTREAMS}
    told = caddy_environment({**given, "LINKWORK_PORT": "8080", "LINKWORK_SESSION_KEY": "secret"})
    assert "secret" not in told.values()
    assert (told["LINKWORK_MATCHING_HOST"], told["LINKWORK_MATCHING_PORT"]) == (LOOPBACK, "8101")


async def test_the_address_arrives_as_it_was_written(client: httpx.AsyncClient) -> None:
    answer = (await client.get("/referral/a%2Fb/%C3%A9?q=1&q=%26")).json()
    assert answer["target"] == "/referral/a%2Fb/%C3%A9?q=1&q=%26"


async def test_front_never_sends_cookies_with_another_persons_request(address: str) -> None:
    async with httpx.AsyncClient(base_url=address) as one:
        answered = await one.get("/referral/")
        assert len(answered.headers.get_list("set-cookie")) == 2
    async with httpx.AsyncClient(base_url=address) as another:
        headers = (await another.get("/referral/")).json()["headers"]
    assert "cookie" not in dict(headers)


async def test_front_drops_hop_by_hop_headers(client: httpx.AsyncClient) -> None:
    sent = {"connection": "x-mine", "x-mine": "1", "x-other": "2"}
    answer = await client.get("/referral/", headers=sent)
    arrived = dict(answer.json()["headers"])
    assert arrived["x-other"] == "2"
    assert "x-mine" not in arrived
    assert "x-between-us" not in answer.headers


async def test_front_alone_says_who_asked(client: httpx.AsyncClient) -> None:
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
async def test_body_too_large_is_refused_with_or_without_length(
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
    client.timeout = httpx.Timeout(15)
    to_a_program = await client.get("/api/matching/v1/diary")
    assert (to_a_program.status_code, to_a_program.json()["status"]) == (503, 503)
    assert to_a_program.headers["content-type"] == "application/problem+json"
    assert to_a_program.headers["retry-after"] == "2"
    to_a_person = await client.get("/matching/", headers={"accept": "text/html"})
    assert to_a_person.status_code == 503
    assert "Try again in a few seconds" in to_a_person.text


@pytest.mark.parametrize("path", ["/livez", "/metrics", "/asyncapi"])
async def test_front_does_not_pass_operators_paths(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404


CLIMBING = [
    "/referral/../metrics",
    "/evaluation/../metrics",
    "/evaluation/%2e%2e/metrics",
    "/evaluation/.%2E/metrics",
    "/evaluation/%2e%2e%2fmetrics",
    "/evaluation/./../metrics",
    "/evaluation/..",
    "/./metrics",
    "//metrics",
]


@pytest.mark.parametrize("path", CLIMBING)
async def test_a_path_that_climbs_is_not_passed_on(address: str, path: str) -> None:
    """As bytes on a connection of our own: a client would take the dots out."""
    host, _, port = address.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x.example\r\nConnection: close\r\n\r\n".encode())
    status, _, body = (await asyncio.wait_for(reader.read(), 10)).partition(b"\r\n\r\n")
    writer.close()
    assert b" 404 " in status.splitlines()[0], status
    assert b"metrics" not in body


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
        ("/s/a..b", "matching"),
        ("/style", "referral"),
        ("/api/evaluation/v1/figures", "evaluation"),
        ("/dev/mailbox", "development"),
        ("/readyz", None),
        ("/s/../metrics", None),
    ],
)
def test_each_address_has_one_part(path: str, part: str | None) -> None:
    assert part_for(path) == part


def test_the_longest_prefix_comes_first() -> None:
    prefixes = [prefix for prefix, _ in ROUTES]
    assert prefixes == sorted(prefixes, key=len, reverse=True)


async def test_slow_clients_stop_nobody_and_are_hung_up_on(caddy_address: str) -> None:
    host, _, port = caddy_address.removeprefix("http://").partition(":")
    start = b"POST /api/referral/v1/referrals HTTP/1.1\r\nHost: x.example\r\nContent-Length: 1000\r\n\r\nx"
    slow = [await asyncio.open_connection(host, int(port)) for _ in range(300)]
    half = [await asyncio.open_connection(host, int(port)) for _ in range(20)]
    for _, writer in slow:
        writer.write(start)
    for _, writer in half:
        writer.write(b"GET /referral/ HTTP/1.1\r\nHos")
    async with httpx.AsyncClient(base_url=caddy_address, timeout=10) as client:
        for _ in range(10):
            assert (await client.get("/referral/")).status_code == 200
    # Ten seconds for a header, and some more where the machine is busy.
    ends = await asyncio.wait_for(asyncio.gather(*(reader.read() for reader, _ in half)), 40)
    assert all(b"200" not in end for end in ends)
    for _, writer in (*slow, *half):
        writer.close()


async def test_the_log_holds_no_address(caddy_address: str, caddy_log: list[str]) -> None:
    async with httpx.AsyncClient(base_url=caddy_address, timeout=15) as client:
        answer = await client.get("/s/a-secret-link", headers={"cookie": "session=also-secret"})
        assert answer.status_code == 503
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get("/broken?a-secret-link", headers={"cookie": "session=also-secret"})
    async with asyncio.timeout(10):
        while not any("aborting with incomplete response" in line for line in caddy_log):
            await asyncio.sleep(0.05)
    assert not [line for line in caddy_log if "secret" in line]
