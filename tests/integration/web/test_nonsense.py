"""Nonsense in a form or a cookie never causes an error of ours."""

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.platform.web.accessibility import COOKIE
from shared.platform.web.settings import ServiceSettings
from tests.harness.web.forms import browser
from tests.harness.web.issuer import LoopbackIssuer
from tests.harness.web.keeper import MemorySessions
from tests.harness.web.sample import sample_app

types = st.sampled_from(
    [
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "multipart/form-data",
        "application/json",
        "text/plain; charset=nonsense",
        "",
    ]
)
parts = st.sampled_from(
    [b'--x\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n', b"\r\n--x--", b"a=b&", b"%ff"]
)
bodies = st.one_of(st.binary(max_size=60), st.lists(parts, max_size=4).map(b"".join))
cookies = st.binary(max_size=40).map(lambda value: bytes(byte for byte in value if byte not in b"\r\n\x00"))
relaxed = settings(deadline=None)


@pytest.fixture(scope="session")
def app(issuer: LoopbackIssuer) -> FastAPI:
    """The sample where people sign in and out."""
    return sample_app(issuer.settings(ServiceSettings), MemorySessions())


@relaxed
@given(body=bodies, content_type=types)
async def test_forms(app: FastAPI, body: bytes, content_type: str) -> None:
    async with browser(app) as client:
        await client.get("/")
        answer = await client.post("/sample/form", content=body, headers={"content-type": content_type})

    assert answer.status_code in (400, 403)


@relaxed
@given(
    value=cookies, name=st.sampled_from(["linkwork-session", "linkwork-browser", "linkwork-sign-in", COOKIE])
)
async def test_cookies(app: FastAPI, value: bytes, name: str) -> None:
    async with browser(app) as client:
        headers = [(b"cookie", name.encode() + b"=" + value), (b"accept", b"text/html")]
        answers: list[httpx.Response] = [
            await client.get("/", headers=headers),
            await client.get("/signed-in?code=x&state=y", headers=headers),
            await client.post("/sample/form", headers=headers, data={"csrf_token": "x.y"}),
        ]

    assert [answer.status_code for answer in answers] == [200, 400, 403]
