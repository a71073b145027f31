"""Signing in as an invented user, the whole way, over real HTTP."""

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi import FastAPI

from tests.harness.web.forms import hidden_fields
from tests.harness.web.keeper import MemorySessions
from tests.integration.development.conftest import AUTHORIZE


async def choose(client: httpx.AsyncClient, asked: str, user: str) -> httpx.Response:
    """Open the sign-in page at `asked` and press one of its buttons."""
    page = await client.get(asked)
    page.raise_for_status()
    return await client.post(AUTHORIZE, data=hidden_fields(page.text) | {"user": user})


async def sign_in(client: httpx.AsyncClient, user: str, following: str = "/dev/mailbox") -> httpx.Response:
    begun = await client.get("/sign-in", params={"next": following})
    chosen = await choose(client, begun.headers["location"], user)
    return await client.get(chosen.headers["location"])


async def test_a_sign_in_leads_back_to_the_page(client: httpx.AsyncClient) -> None:
    wanted = await client.get("/dev/mailbox")
    assert wanted.headers["location"] == "/sign-in?next=/dev/mailbox"

    done = await sign_in(client, "admin")

    assert (done.status_code, done.headers["location"]) == (303, "/dev/mailbox")
    assert "Programme team" in (await client.get("/dev/mailbox")).text
    cookies = "".join(f"{cookie.name}={cookie.value}" for cookie in client.cookies.jar)
    assert "Farida" not in cookies
    assert "linkwork-sign-in=" not in cookies, "what began the sign-in is gone"


async def test_signing_out_ends_it(client: httpx.AsyncClient) -> None:
    await sign_in(client, "admin")
    page = await client.get("/dev/mailbox")

    left = await client.post("/sign-out", data=hidden_fields(page.text))

    assert left.headers["clear-site-data"] == '"cache", "storage"'
    assert (await client.get("/dev/mailbox")).status_code == 303
    assert "signed out" in (await client.get("/signed-out")).text


async def test_signing_out_kills_a_copied_cookie(client: httpx.AsyncClient) -> None:
    await sign_in(client, "admin")
    copied = {"linkwork-session": client.cookies["linkwork-session"]}
    page = await client.get("/dev/mailbox")
    await client.post("/sign-out", data=hidden_fields(page.text))

    async with httpx.AsyncClient(base_url=client.base_url, headers=client.headers, cookies=copied) as thief:
        assert (await thief.get("/dev/mailbox")).status_code == 303
        begun = await thief.get("/sign-in")

    assert parse_qs(urlsplit(begun.headers["location"]).query)["prompt"] == ["login"]


async def test_sign_out_without_a_keeper_is_not_claimed(
    client: httpx.AsyncClient, development: FastAPI
) -> None:
    await sign_in(client, "admin")
    fields = hidden_fields((await client.get("/dev/mailbox")).text)
    keeper: MemorySessions = development.state.keeper
    keeper.away = True
    try:
        refused = await client.post("/sign-out", data=fields)
    finally:
        keeper.away = False

    assert refused.status_code == 503
    assert "You are not signed out yet" in refused.text
    await client.post("/sign-out", data=fields)
    assert not client.cookies.get("linkwork-session")


async def test_signing_in_again_gives_another_session(client: httpx.AsyncClient) -> None:
    await sign_in(client, "admin")
    first = client.cookies["linkwork-session"]
    await sign_in(client, "admin")

    assert client.cookies["linkwork-session"] != first
    async with httpx.AsyncClient(base_url=client.base_url, headers=client.headers) as thief:
        thief.cookies.set("linkwork-session", first)
        assert (await thief.get("/dev/mailbox")).status_code == 303


async def test_a_step_up_signs_in_once_more(client: httpx.AsyncClient) -> None:
    await sign_in(client, "admin")
    first = client.cookies["linkwork-session"]
    begun = await client.get("/sign-in", params={"next": "/dev/mailbox", "step_up": "true"})
    asked = parse_qs(urlsplit(begun.headers["location"]).query)
    assert (asked["prompt"], asked["max_age"]) == (["login"], ["600"])

    chosen = await choose(client, begun.headers["location"], "admin")
    done = await client.get(chosen.headers["location"])
    assert (done.status_code, done.headers["location"]) == (303, "/dev/mailbox")
    assert client.cookies["linkwork-session"] != first


async def test_a_sign_in_never_takes_over_a_given_id(client: httpx.AsyncClient) -> None:
    async with httpx.AsyncClient(base_url=client.base_url, headers=client.headers) as attacker:
        await sign_in(attacker, "analyst")
        planted = attacker.cookies["linkwork-session"]
    client.cookies.set("linkwork-session", planted, domain="localhost.local", path="/")
    await sign_in(client, "admin")

    async with httpx.AsyncClient(base_url=client.base_url, headers=client.headers) as attacker:
        attacker.cookies.set("linkwork-session", planted)
        assert (await attacker.get("/dev/mailbox")).status_code == 303


@pytest.mark.parametrize("following", ["https://evil.example", "//evil.example", "/\\evil.example"])
async def test_a_sign_in_never_leads_away(client: httpx.AsyncClient, following: str) -> None:
    assert (await sign_in(client, "admin", following)).headers["location"] == "/"


async def test_a_sign_in_begun_elsewhere_is_not_completed(client: httpx.AsyncClient) -> None:
    """Somebody sends a link with their own code: it must not sign the victim in as them."""
    begun = await client.get("/sign-in")
    chosen = await choose(client, begun.headers["location"], "admin")
    async with httpx.AsyncClient(base_url=client.base_url, headers=client.headers) as victim:
        without = await victim.get(chosen.headers["location"])
        await victim.get("/sign-in")
        with_own = await victim.get(chosen.headers["location"])

    assert (without.status_code, with_own.status_code) == (400, 400)
    assert "linkwork-session" not in victim.cookies


async def test_unknown_user_is_refused(client: httpx.AsyncClient) -> None:
    begun = await client.get("/sign-in")
    chosen = await choose(client, begun.headers["location"], "nobody")

    assert "error=access_denied" in chosen.headers["location"]
    assert (await client.get(chosen.headers["location"])).status_code == 400
