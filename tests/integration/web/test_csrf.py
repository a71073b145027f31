"""Forms from elsewhere are not taken."""

import httpx
import pytest
from fastapi import FastAPI

from shared.platform.web.settings import ServiceSettings
from tests.harness.web.forms import browser, hidden_fields, send_form
from tests.harness.web.issuer import LoopbackIssuer
from tests.harness.web.sample import sample_app

FORM = "/sample/form"


async def test_a_form_of_ours_is_taken(client: httpx.AsyncClient) -> None:
    answer = await send_form(client, "/", FORM, {"said": "hello"})

    assert answer.json() == {"said": "hello"}


async def test_a_page_may_be_open_in_two_windows(client: httpx.AsyncClient) -> None:
    first = hidden_fields((await client.get("/")).text)
    second = hidden_fields((await client.get("/")).text)

    assert first["csrf_token"] != second["csrf_token"]
    for fields in (second, first, first):
        assert (await client.post(FORM, data=fields)).status_code == 200


@pytest.mark.parametrize("token", [None, "", ".", "x.y", "é.é", "a" * 5_000])
async def test_without_a_token_of_ours_it_is_not(client: httpx.AsyncClient, token: str | None) -> None:
    await client.get("/")

    answer = await client.post(FORM, data={} if token is None else {"csrf_token": token})

    assert answer.status_code == 403


async def test_a_token_serves_one_browser(app: FastAPI, client: httpx.AsyncClient) -> None:
    theirs = hidden_fields((await client.get("/")).text)
    async with browser(app) as other:
        await other.get("/")
        assert (await other.post(FORM, data=theirs)).status_code == 403
    async with browser(app) as without_cookie:
        assert (await without_cookie.post(FORM, data=theirs)).status_code == 403


async def test_a_token_ends_with_the_sign_in(app: FastAPI, issuer: LoopbackIssuer) -> None:
    async with browser(app) as client:
        before = hidden_fields((await client.get("/")).text)
        client.cookies.update(issuer.signed_in(app, role="provider"))

        assert (await client.post(FORM, data=before)).status_code == 403
        assert (await send_form(client, "/sample/home", FORM, {})).status_code == 200


async def test_services_take_each_others_tokens(issuer: LoopbackIssuer) -> None:
    """A header is rendered by one service and its sign-out posted to another."""
    one, other = (sample_app(issuer.settings(ServiceSettings)) for _ in range(2))
    async with browser(one) as client:
        fields = hidden_fields((await client.get("/")).text)
        cookies = dict(client.cookies)
    async with browser(other, cookies) as client:
        assert (await client.post(FORM, data=fields)).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "none"}, 200),
        ({"sec-fetch-site": "same-origin", "origin": "null"}, 200),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "http://localhost:8080.evil.example"}, 403),
        ({"origin": "http://localhost:8080"}, 200),
        ({"origin": "null"}, 200),
        ({}, 200),
    ],
)
async def test_where_the_form_was_sent_from(app: FastAPI, headers: dict[str, str], status: int) -> None:
    async with browser(app) as client:
        fields = hidden_fields((await client.get("/")).text)
        del client.headers["sec-fetch-site"]

        assert (await client.post(FORM, data=fields, headers=headers)).status_code == status


async def test_the_cookie_is_for_us_alone(app: FastAPI, client: httpx.AsyncClient) -> None:
    cookie = (await client.get("/")).headers["set-cookie"].lower()

    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "domain" not in cookie


async def test_cookies_are_secure_wherever_the_address_is(issuer: LoopbackIssuer) -> None:
    app = sample_app(issuer.settings(ServiceSettings, public_url="https://linkwork.example"))
    async with browser(app) as client:
        cookie = (await client.get("/")).headers["set-cookie"]

    assert cookie.startswith("__Host-linkwork-browser=")
    assert "secure" in cookie.lower()
    assert next(iter(issuer.signed_in(app))) == "__Host-linkwork-session"
