"""The demonstration signs in at the real development issuer, page, form and all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from joserfc import jws
from pydantic import SecretStr

from deploy.demo.settings import DemoSettings
from deploy.demo.sign_in import SignIn, SignInFailed
from deploy.development.app import development_app
from deploy.development.settings import DevelopmentSettings

# As `make run` makes them: base64, with signs that a form has to escape.
SECRET = SecretStr("a+secret/of+base64+signs/and+more+of+them==")
ISSUER = "http://issuer.test/dev/issuer"


@pytest_asyncio.fixture
async def http(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    settings = DevelopmentSettings(
        env="development", client_secret=SECRET, state=tmp_path, issuer=ISSUER, public_url="http://front.test"
    )
    transport = httpx.ASGITransport(app=development_app(settings))
    async with httpx.AsyncClient(transport=transport) as client:
        yield client


def settings(**changed: object) -> DemoSettings:
    return DemoSettings.model_validate(
        {
            "env": "development",
            "client_secret": SECRET,
            "issuer": ISSUER,
            "public_url": "http://front.test",
            **changed,
        }
    )


async def test_a_referrer_s_token(http: httpx.AsyncClient) -> None:
    token = await SignIn(http, settings()).token("referrer-m83100")
    claims = jws.extract_compact(token.encode()).payload.decode()
    assert '"referrer"' in claims
    assert "M83100" in claims


async def test_unknown_user_gets_no_token(http: httpx.AsyncClient) -> None:
    with pytest.raises(SignInFailed, match="does not sign in nobody"):
        await SignIn(http, settings()).token("nobody")


async def test_a_wrong_secret_gets_none(http: httpx.AsyncClient) -> None:
    wrong = settings(client_secret=SecretStr("not the secret of this client at all"))
    with pytest.raises(SignInFailed, match="no token: 401"):
        await SignIn(http, wrong).token("admin")
