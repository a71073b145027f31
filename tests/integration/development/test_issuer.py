"""The issuer's endpoints: authorization requests, codes, service tokens, its key and its users."""

import asyncio
import secrets
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

from deploy.demo.newcomers import LOCALITY, PRACTICE
from deploy.development.grants import CODE_LASTS, Codes
from deploy.development.settings import DevelopmentSettings
from deploy.development.signing import KEY_FILE, IssuerKey
from deploy.development.token_endpoint import TokenEndpoint
from deploy.development.users import load_users
from shared.platform.clock import system_clock
from shared.platform.localities import load_localities
from shared.platform.web.service_token import ServiceTokens, ServiceTokenUnavailable
from shared.platform.web.settings import ServiceSettings
from shared.platform.web.tokens import InvalidToken
from tests.harness.web.forms import hidden_fields
from tests.integration.development.conftest import AUTHORIZE, settings_in, settings_of

TOKEN = "/dev/issuer/token"

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


async def test_token_for_an_owner_elsewhere_holds_there_alone(development: FastAPI) -> None:
    where = {"env": "development", "issuer": settings_of(development).issuer}
    matching = ServiceSettings.model_validate(where | {"client_id": "linkwork-matching"})
    tokens = ServiceTokens(matching)
    ours = await tokens.get("meetings:read", matching.matching_url)
    theirs = await tokens.get("meetings:read", "https://owner.example")
    assert await tokens.get("meetings:read") == ours != theirs
    await development.state.verifier.caller(ours)
    with pytest.raises(InvalidToken):
        await development.state.verifier.caller(theirs)
    careless = ServiceTokens(matching.model_copy(update={"audience": "https://owner.example"}))
    with pytest.raises(ServiceTokenUnavailable):
        await careless.get("meetings:read", "https://owner.example")
    partner = ServiceSettings.model_validate(where | {"client_id": "partner-vast-hub"})
    with pytest.raises(ServiceTokenUnavailable):
        await ServiceTokens(partner).get("claims:read", "https://owner.example")


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
        "manager",
        "provider",
        "analyst",
        "programme_admin",
        "guardian",
    }
    for locality in load_localities():
        here = [user for user in users if user.localities == (locality.slug,)]
        assert {"referrer", "link_worker"} <= {user.role for user in here}
        referring = {code for user in here for code in user.practices}
        joining = {PRACTICE} if locality.slug == LOCALITY else set()
        assert referring == {practice.ods for practice in locality.practices} | joining
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
