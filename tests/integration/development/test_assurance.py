"""A role that asks for a sure sign-in: the issuer is asked for it, and what it says is believed."""

from collections.abc import AsyncIterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from pydantic import ValidationError

from deploy.development.app import development_app
from shared.platform.web.assurance import Assurance
from shared.platform.web.principal import principal_of
from shared.platform.web.settings import ServiceSettings
from tests.harness.pages.serving import serving
from tests.harness.web.forms import browser
from tests.harness.web.issuer import LoopbackIssuer
from tests.harness.web.keeper import MemorySessions
from tests.harness.web.sample import sample_app
from tests.integration.development.conftest import settings_in
from tests.integration.development.test_sign_in import choose, sign_in

WANTED = "programme_admin=AAL3_ANY, analyst=never-given"


@pytest_asyncio.fixture(scope="module")
async def strict(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[FastAPI]:
    """The development process, where two roles ask for more than a plain sign-in."""
    settings = settings_in(tmp_path_factory.mktemp("strict"), acr_by_role=WANTED)
    app = development_app(settings, keeper=MemorySessions())
    async with serving(app, settings.port):
        yield app


@pytest_asyncio.fixture
async def strict_client(strict: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    url = strict.state.settings.public_url
    headers = {"accept": "text/html", "sec-fetch-site": "same-origin"}
    async with httpx.AsyncClient(base_url=url, headers=headers) as client:
        yield client


def asked(answer: httpx.Response) -> list[str]:
    """The values of `acr` that a redirect to the issuer asks for."""
    return parse_qs(urlsplit(answer.headers["location"]).query).get("acr_values", [])


async def test_a_role_that_asks_for_more_is_sent_back_once(strict_client: httpx.AsyncClient) -> None:
    again = await sign_in(strict_client, "admin")
    assert asked(again) == ["AAL3_ANY"]
    assert "linkwork-session" not in strict_client.cookies
    assert (await strict_client.get("/dev/mailbox")).status_code == 303

    chosen = await choose(strict_client, again.headers["location"], "admin")
    done = await strict_client.get(chosen.headers["location"])

    assert (done.status_code, done.headers["location"]) == (303, "/dev/mailbox")
    assert "Programme team" in (await strict_client.get("/dev/mailbox")).text


async def test_an_issuer_that_does_not_confirm_it_lets_nobody_in(strict_client: httpx.AsyncClient) -> None:
    again = await sign_in(strict_client, "analyst")
    chosen = await choose(strict_client, again.headers["location"], "analyst")
    refused = await strict_client.get(chosen.headers["location"])

    assert refused.status_code == 403
    assert "linkwork-session" not in strict_client.cookies


async def test_a_surer_sign_in_of_another_role_is_no_way_in(strict_client: httpx.AsyncClient) -> None:
    """The level that one account reached does not count for the account chosen next."""
    again = await sign_in(strict_client, "admin")
    chosen = await choose(strict_client, again.headers["location"], "analyst")
    refused = await strict_client.get(chosen.headers["location"])

    assert refused.status_code == 403
    assert "linkwork-session" not in strict_client.cookies


async def test_a_code_cannot_be_replayed_for_a_surer_sign_in(strict_client: httpx.AsyncClient) -> None:
    again = await sign_in(strict_client, "admin")
    chosen = await choose(strict_client, again.headers["location"], "admin")
    assert (await strict_client.get(chosen.headers["location"])).status_code == 303
    async with httpx.AsyncClient(base_url=strict_client.base_url, headers=strict_client.headers) as thief:
        await sign_in(thief, "admin")
        replayed = await thief.get(chosen.headers["location"])
    assert replayed.status_code == 400
    assert "linkwork-session" not in thief.cookies


async def test_a_session_from_before_the_setting_is_asked_again(issuer: LoopbackIssuer) -> None:
    strict = sample_app(issuer.settings(ServiceSettings, acr_by_role="referrer=AAL3_ANY"))
    weak = issuer.signed_in(strict, role="referrer")
    strong = issuer.signed_in(strict, role="referrer", acr="AAL3_ANY")
    for cookies, status in ((weak, 303), (strong, 200)):
        async with browser(strict) as client:
            client.cookies.update(cookies)
            assert (await client.get("/sample/home")).status_code == status


async def test_a_token_that_is_not_sure_enough_is_challenged(issuer: LoopbackIssuer) -> None:
    strict = sample_app(issuer.settings(ServiceSettings, acr_by_role="referrer=AAL3_ANY AAL2_ANY"))
    me = "/api/linkwork/v1/me"
    async with browser(strict) as client:
        for claims in ({}, {"acr": "AAL1_USERPASS"}, {"acr": ["AAL3_ANY"]}, {"acrs": "AAL3_ANY"}):
            refused = await client.get(
                "/api/linkwork/v1/me", headers=issuer.bearer(role="referrer", **claims)
            )
            assert refused.status_code == 401, claims
            challenge = refused.headers["www-authenticate"]
            assert 'error="insufficient_user_authentication"' in challenge
            assert 'acr_values="AAL3_ANY AAL2_ANY"' in challenge
        for claims in ({"acr": "AAL2_ANY"}, {"acrs": ["c1", "AAL3_ANY"]}):
            taken = await client.get(me, headers=issuer.bearer(role="referrer", **claims))
            assert taken.status_code == 200, claims


@pytest.mark.parametrize("wrong", ["service=AAL3", "partner=AAL3", "referrer", "referrer=", "nobody=AAL3"])
def test_a_wrong_list_of_levels_is_refused(wrong: str) -> None:
    with pytest.raises(ValidationError, match="LINKWORK_ACR_BY_ROLE"):
        ServiceSettings(env="development", acr_by_role=wrong)


def test_a_role_without_a_level_needs_none() -> None:
    caller = principal_of({"role": "link_worker", "sub": "x"})
    assert Assurance.of("").suffices(caller)
    assert Assurance.of("programme_admin=AAL3_ANY").suffices(caller)
    assert not Assurance.of("link_worker=AAL3_ANY").suffices(caller)
