"""Access to pages and routes, by role."""

from urllib.parse import unquote, urlsplit

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from shared.platform.web.auth import local_path
from shared.platform.web.settings import ServiceSettings
from tests.harness.web.forms import browser
from tests.harness.web.issuer import LoopbackIssuer
from tests.harness.web.sample import sample_app


async def test_the_api_takes_a_bearer_token(client: httpx.AsyncClient, issuer: LoopbackIssuer) -> None:
    answer = await client.get("/api/linkwork/v1/me", headers=issuer.bearer(subject="r-7"))

    assert answer.json() == {"subject": "r-7", "role": "referrer"}


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic dTpw", "Bearer x.y.z", "Bearer x"])
async def test_the_api_says_401_to_anything_else(client: httpx.AsyncClient, header: str | None) -> None:
    headers = {} if header is None else {"authorization": header}

    answer = await client.get("/api/linkwork/v1/me", headers=headers)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_session_cookie_does_not_open_the_api(app: FastAPI, issuer: LoopbackIssuer) -> None:
    async with browser(app, issuer.signed_in(app, role="analyst")) as signed_in:
        assert (await signed_in.get("/api/linkwork/v1/me")).status_code == 401


async def test_roles_open_their_routes_only(client: httpx.AsyncClient, issuer: LoopbackIssuer) -> None:
    for role, status in (("analyst", 200), ("programme_admin", 200), ("referrer", 403), ("service", 403)):
        answer = await client.get("/api/linkwork/v1/figures", headers=issuer.bearer(role=role))
        assert answer.status_code == status, role


async def test_scopes_are_for_services(client: httpx.AsyncClient, issuer: LoopbackIssuer) -> None:
    for role, scopes, status in (
        ("service", "claims:read notes:write", 200),
        ("service", "notes:write", 403),
        ("programme_admin", "claims:read", 403),
    ):
        answer = await client.get("/api/linkwork/v1/claims", headers=issuer.bearer(role=role, scopes=scopes))
        assert answer.status_code == status, (role, scopes)


async def test_a_page_leads_to_sign_in_and_back(client: httpx.AsyncClient) -> None:
    answer = await client.get("/sample/home?stage=open&page=2")

    assert answer.status_code == 303
    wanted = urlsplit(answer.headers["location"])
    assert wanted.path == "/sign-in"
    assert unquote(wanted.query) == "next=/sample/home?stage=open&page=2"
    assert "&" not in wanted.query, "the page's own query must not leak into that of /sign-in"


async def test_a_page_knows_who_is_signed_in(app: FastAPI, issuer: LoopbackIssuer) -> None:
    async with browser(app, issuer.signed_in(app, role="analyst")) as analyst:
        assert (await analyst.get("/sample/figures")).text == "figures"
        home = await analyst.get("/sample/home")
    assert "Sign out" in home.text
    assert "Analyst" in home.text


async def test_the_wrong_role_gets_a_plain_page(app: FastAPI, issuer: LoopbackIssuer) -> None:
    async with browser(app, issuer.signed_in(app, role="referrer")) as referrer:
        answer = await referrer.get("/sample/figures")

    assert answer.status_code == 403
    assert answer.headers["content-type"].startswith("text/html")
    assert "You may not do this" in answer.text


async def test_a_session_with_an_expired_token_is_over(app: FastAPI, issuer: LoopbackIssuer) -> None:
    async with browser(app, issuer.signed_in(app, exp=1_700_000_000)) as late:
        assert (await late.get("/sample/home")).status_code == 303


async def test_an_altered_session_is_none(app: FastAPI, issuer: LoopbackIssuer) -> None:
    [(name, value)] = issuer.signed_in(app).items()
    middle = len(value) // 2
    altered = value[:middle] + ("A" if value[middle] != "A" else "B") + value[middle + 1 :]
    for cookie in (altered, "", "x", value[:-4], "é"):
        async with browser(app) as client:
            answer = await client.get("/sample/home", headers=[(b"cookie", f"{name}={cookie}".encode())])
        assert answer.status_code == 303


async def test_a_session_of_another_key_is_none(app: FastAPI, issuer: LoopbackIssuer) -> None:
    other = sample_app(issuer.settings(ServiceSettings, session_key="another key of thirty-two letters"))

    async with browser(app, issuer.signed_in(other)) as client:
        assert (await client.get("/sample/home")).status_code == 303


async def test_the_cookie_tells_nothing(app: FastAPI, issuer: LoopbackIssuer) -> None:
    [value] = issuer.signed_in(app, subject="asha.brindley").values()

    assert "asha" not in value
    assert "eyJ" not in value, "the access token must not be readable"


async def test_when_tokens_cannot_be_judged_nobody_gets_in(own_issuer: LoopbackIssuer) -> None:
    app = sample_app(own_issuer.settings(ServiceSettings))
    own_issuer.answer_with(500)

    async with browser(app, own_issuer.signed_in(app)) as client:
        api = await client.get("/api/linkwork/v1/me", headers=own_issuer.bearer())
        page = await client.get("/sample/home")

    assert (api.status_code, page.status_code) == (503, 503)
    assert api.headers["retry-after"]


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "javascript:alert(1)",
        "evil.example",
        " /home",
        "",
        "/" * 2_000,
    ],
)
def test_next_never_leads_away(wanted: str) -> None:
    assert local_path(wanted) == "/"


@given(st.text(alphabet="/\\:.@?#ae \t\r\n%\x00\x7f", max_size=12))
def test_no_spelling_of_next_leads_away(wanted: str) -> None:
    path = local_path(wanted)
    seen_by_browser = path.replace("\\", "/").replace("\t", "").replace("\n", "").replace("\r", "")

    assert seen_by_browser == path
    assert not urlsplit(path).netloc
    assert path.startswith("/")
    assert not path.startswith("//")
