"""Signing in as somebody invented, the whole way, over real HTTP."""

import asyncio
import base64
import json
import secrets
import shutil
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote_plus, urlsplit

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from deploy.development import tokens
from deploy.development.app import development_app
from deploy.development.grants import CODE_LASTS, Codes
from deploy.development.settings import DevelopmentSettings, NotForProduction
from deploy.development.signing import KEY_FILE, IssuerKey
from deploy.development.token_endpoint import TokenEndpoint
from deploy.development.tokens import Minter
from deploy.development.users import load_users
from deploy.local.state import State
from shared.platform.clock import system_clock
from shared.platform.localities import load_localities
from shared.platform.web.service_token import ServiceTokens, ServiceTokenUnavailable
from shared.platform.web.settings import ServiceSettings
from tests.harness.web.forms import hidden_fields
from tests.harness.web.keeper import MemorySessions
from tests.harness.web.production import PRODUCTION
from tests.integration.development.conftest import settings_in

AUTHORIZE = "/dev/issuer/authorize"
TOKEN = "/dev/issuer/token"


def settings_of(development: FastAPI) -> DevelopmentSettings:
    settings: DevelopmentSettings = development.state.settings
    return settings


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

    await client.post("/sign-out", data=hidden_fields(page.text))

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


VERIFIER = secrets.token_urlsafe(32)
CHALLENGE = urlsafe_b64encode(sha256(VERIFIER.encode()).digest()).decode().rstrip("=")


def request_of(settings: DevelopmentSettings, **changes: str) -> dict[str, str]:
    return {
        "response_type": "code",
        "client_id": "linkwork-referral",
        "redirect_uri": f"{settings.public_url}/signed-in",
        "state": "s",
        "nonce": "n",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    } | changes


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uri": "https://evil.example/signed-in"},
        {"redirect_uri": "http://localhost/signed-in"},
        {"client_id": "another"},
        {"client_id": ""},
    ],
)
async def test_a_stranger_is_not_answered(
    client: httpx.AsyncClient, development: FastAPI, changes: dict[str, str]
) -> None:
    answer = await client.get(AUTHORIZE, params=request_of(settings_of(development), **changes))

    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
    ],
)
async def test_a_request_without_proof_is_refused(
    client: httpx.AsyncClient, development: FastAPI, changes: dict[str, str], error: str
) -> None:
    answer = await client.get(AUTHORIZE, params=request_of(settings_of(development), **changes))

    assert f"error={error}" in answer.headers["location"]


async def code_for(client: httpx.AsyncClient, settings: DevelopmentSettings, user: str) -> str:
    page = await client.get(AUTHORIZE, params=request_of(settings))
    chosen = await client.post(AUTHORIZE, data=hidden_fields(page.text) | {"user": user})
    return parse_qs(urlsplit(chosen.headers["location"]).query)["code"][0]


async def redeem(
    client: httpx.AsyncClient, settings: DevelopmentSettings, code: str, **changes: str
) -> tuple[int, dict[str, Any]]:
    form: Mapping[str, str] = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": f"{settings.public_url}/signed-in",
        "code_verifier": VERIFIER,
        "client_id": "linkwork-referral",
        "client_secret": settings.client_secret.get_secret_value(),
    } | changes
    answer = await client.post(TOKEN, data=form)
    return answer.status_code, answer.json()


async def test_a_code_is_good_once(client: httpx.AsyncClient, development: FastAPI) -> None:
    settings = settings_of(development)
    code = await code_for(client, settings, "lw-meir-1")

    status, granted = await redeem(client, settings, code)
    assert status == 200
    caller = await development.state.verifier.caller(granted["access_token"])
    assert (caller.role, caller.link_worker) == ("link_worker", "lw-meir-1")
    assert (await redeem(client, settings, code))[1] == {"error": "invalid_grant"}


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"code_verifier": "w" * 43}, 400, "invalid_grant"),
        ({"code_verifier": "é"}, 400, "invalid_grant"),
        ({"redirect_uri": "https://evil.example"}, 400, "invalid_grant"),
        ({"client_id": "linkwork-matching"}, 400, "invalid_grant"),
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "another"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
)
async def test_a_code_is_good_for_whom_it_was_given(
    client: httpx.AsyncClient, development: FastAPI, changes: dict[str, str], status: int, error: str
) -> None:
    settings = settings_of(development)
    code = await code_for(client, settings, "admin")

    assert await redeem(client, settings, code, **changes) == (status, {"error": error})


def test_a_code_lasts_a_minute() -> None:
    now = [datetime(2026, 11, 24, tzinfo=UTC)]
    codes = Codes(lambda: now[0])
    code = codes.issue(user_id="u", client_id="c", redirect_uri="r", challenge=CHALLENGE, nonce="")

    now[0] += CODE_LASTS + timedelta(microseconds=0)

    assert codes.redeem(code, client_id="c", redirect_uri="r", verifier=VERIFIER) is None


async def test_services_get_tokens_for_their_scopes(development: FastAPI) -> None:
    settings = settings_of(development)
    matching = ServiceSettings.model_validate(
        {"env": "development", "issuer": settings.issuer, "client_id": "linkwork-matching"}
    )
    tokens = ServiceTokens(matching)

    first, second = await asyncio.gather(tokens.get("claims:read"), tokens.get("claims:read"))
    caller = await development.state.verifier.caller(first)

    assert first == second, "asked for once and kept"
    assert (caller.subject, caller.role, caller.scopes) == ("linkwork-matching", "service", {"claims:read"})
    assert caller.may_locality("anywhere")
    tokens.forget("claims:read")
    assert await tokens.get("claims:read") != first
    with pytest.raises(ServiceTokenUnavailable):
        await tokens.get("everything")


async def test_a_wrong_secret_gets_no_token(development: FastAPI) -> None:
    wrong = ServiceSettings.model_validate(
        {
            "env": "development",
            "issuer": settings_of(development).issuer,
            "client_id": "linkwork-matching",
            "client_secret": "wrong",
        }
    )

    with pytest.raises(ServiceTokenUnavailable):
        await ServiceTokens(wrong).get("claims:read")


async def test_tokens_are_made_beside_the_issuer_too(development: FastAPI) -> None:
    minter = Minter(settings_of(development))

    caller = await development.state.verifier.caller(minter.referrer_at("M83100"))

    assert caller.role == "referrer"
    assert caller.may_practice("M83100")


async def test_token_for_trying_the_apis_is_printed_by_a_command(
    development: FastAPI, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of(development)
    monkeypatch.setenv("LINKWORK_STATE", str(settings.state))

    assert tokens.main(["referrer-m83100", "--url", settings.issuer.removesuffix("/dev/issuer")]) == 0

    caller = await development.state.verifier.caller(capsys.readouterr().out.strip())
    assert caller.may_practice("M83100")
    assert tokens.main(["nobody"]) == 2
    assert "nobody" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("kept", "given", "issuer"),
    [
        (8199, {}, "http://localhost:8199/dev/issuer"),
        (8199, {"PORT": "8177"}, "http://localhost:8177/dev/issuer"),
        (None, {}, "http://localhost:8080/dev/issuer"),
        (8199, {"LINKWORK_ISSUER": "http://localhost:7/dev/issuer"}, "http://localhost:7/dev/issuer"),
    ],
)
def test_tokens_follow_the_port_of_the_run(
    kept: int | None,
    given: dict[str, str],
    issuer: str,
    development: FastAPI,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = settings_of(development)
    shutil.copy(settings.state / KEY_FILE, tmp_path / KEY_FILE)
    if kept is not None:
        State(tmp_path).keep_port("front", kept)
    for name in ("PORT", "LINKWORK_ISSUER"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"LINKWORK_STATE": str(tmp_path), **given}.items():
        monkeypatch.setenv(name, value)

    assert tokens.main(["referrer-m83100"]) == 0

    body = capsys.readouterr().out.strip().split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    assert claims["iss"] == issuer


def test_no_token_is_made_where_no_issuer_has_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINKWORK_STATE", str(tmp_path))

    assert tokens.main(["admin"]) == 2
    assert "make run" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_tokens_by_hand_refuse_production(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINKWORK_STATE", str(tmp_path))
    IssuerKey.kept_in(tmp_path, issuer="http://localhost:8080/dev/issuer", audience="linkwork")
    monkeypatch.setenv("LINKWORK_ENV", "production")

    with pytest.raises(NotForProduction):
        tokens.main(["admin"])
    assert capsys.readouterr().out == ""


def test_production_has_no_development_issuer(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, **PRODUCTION)

    with pytest.raises(NotForProduction, match="LINKWORK_ENV=development"):
        development_app(settings)
    with pytest.raises(NotForProduction):
        Minter(settings)
    assert not list(tmp_path.iterdir()), "not even a key is made"


def test_the_key_is_made_once_and_is_private(tmp_path: Path) -> None:
    one, other = (IssuerKey.kept_in(tmp_path, issuer="i", audience="a") for _ in range(2))

    assert one.public_keys() == other.public_keys()
    assert "d" not in one.public_keys()["keys"][0]
    assert (tmp_path / KEY_FILE).stat().st_mode & 0o077 == 0


def test_users_stand_for_every_role_and_locality(tmp_path: Path) -> None:
    users = load_users(settings_in(tmp_path).users_file).users.values()

    assert {user.role for user in users} == {
        "referrer",
        "link_worker",
        "provider",
        "analyst",
        "programme_admin",
    }
    for locality in load_localities():
        here = [user for user in users if user.localities == (locality.slug,)]
        assert {"referrer", "link_worker"} <= {user.role for user in here}
        referring = {code for user in here for code in user.practices}
        assert referring == {practice.ods for practice in locality.practices}
    assert len({user.name for user in users}) == len(users)


@pytest.mark.parametrize("encoded", [False, True], ids=["as it is", "form-encoded"])
def test_a_secret_is_known_however_the_client_writes_its_signs(tmp_path: Path, encoded: bool) -> None:
    secret = "a+secret/with=signs%20that+forms+change"
    settings = settings_in(tmp_path, client_secret=SecretStr(secret))
    directory = load_users(settings.users_file)
    key = IssuerKey.kept_in(tmp_path, issuer=settings.issuer, audience=settings.audience)
    endpoint = TokenEndpoint(settings, directory, key, Codes(system_clock))
    written = quote_plus(secret) if encoded else secret
    header = "Basic " + b64encode(f"linkwork-referral:{written}".encode()).decode()
    assert endpoint.client(header, {}) == "linkwork-referral"
    assert endpoint.client(header[:-4], {}) is None
