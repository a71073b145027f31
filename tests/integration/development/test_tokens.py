"""Tokens of invented users, made beside the issuer for programs and for people at a terminal."""

import base64
import json
import shutil
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from deploy.development import tokens
from deploy.development.app import development_app
from deploy.development.settings import NotForProduction
from deploy.development.signing import KEY_FILE, IssuerKey
from deploy.development.tokens import Minter
from deploy.local.state import State
from tests.harness.web.production import PRODUCTION
from tests.integration.development.conftest import settings_in, settings_of


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


async def test_partner_gets_its_own_parts_and_scopes_only(
    development: FastAPI, client: httpx.AsyncClient
) -> None:
    secret = settings_of(development).secret_of("partner-vast-hub")

    async def ask(scope: str) -> httpx.Response:
        form = {"grant_type": "client_credentials", "scope": scope}
        return await client.post("/dev/issuer/token", data=form, auth=("partner-vast-hub", secret))

    given = await ask("contacts:read")
    caller = await development.state.verifier.caller(given.json()["access_token"])
    assert (caller.role, caller.partner, caller.localities) == ("partner", "vast-hub", {"meir"})
    assert (caller.parts, caller.scopes) == ({"booking"}, {"contacts:read"})
    assert (await ask("contacts:read notes:write")).json() == {"error": "invalid_scope"}


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
