"""Acts that ask for a recent sign-in, by API and on pages."""

import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi import FastAPI

from shared.platform.web.settings import ServiceSettings
from tests.harness.web.forms import browser, hidden_fields
from tests.harness.web.issuer import LoopbackIssuer
from tests.harness.web.sample import sample_app

ERASE = "/api/linkwork/v1/erase"
PAGE = "/sample/erase"
ADMIN: dict[str, Any] = {"role": "programme_admin"}


def ago(minutes: float) -> int:
    return int(time.time() - minutes * 60)


async def test_a_recent_token_may(app: FastAPI, issuer: LoopbackIssuer) -> None:
    async with browser(app) as client:
        for auth_time in (ago(0), ago(9)):
            answer = await client.post(ERASE, headers=issuer.bearer(**ADMIN, auth_time=auth_time))
            assert answer.status_code == 204


@pytest.mark.parametrize("auth_time", [None, "now", True, 1.5, ago(11), ago(-600), 0, -1])
async def test_any_other_token_is_challenged(app: FastAPI, issuer: LoopbackIssuer, auth_time: Any) -> None:
    async with browser(app) as client:
        answer = await client.post(
            ERASE,
            headers=issuer.bearer(**ADMIN, auth_time=auth_time) | {"accept": "application/json"},
        )

    assert answer.status_code == 401
    challenge = answer.headers["www-authenticate"]
    assert challenge.startswith('Bearer realm="linkwork", error="insufficient_user_authentication"')
    assert 'max_age="600"' in challenge
    assert answer.json()["type"] == "urn:linkwork:problem:step_up"


async def test_a_role_without_the_right_is_not_asked(app: FastAPI, issuer: LoopbackIssuer) -> None:
    async with browser(app) as client:
        answer = await client.post(ERASE, headers=issuer.bearer(role="referrer", auth_time=None))
    assert answer.status_code == 403


async def test_the_level_is_judged_too(issuer: LoopbackIssuer) -> None:
    strict = sample_app(issuer.settings(ServiceSettings, step_up_acr="AAL3_ANY AAL3_HARD"))
    async with browser(strict) as client:
        refused = await client.post(ERASE, headers=issuer.bearer(**ADMIN, acr="AAL2_ANY"))
        taken = await client.post(ERASE, headers=issuer.bearer(**ADMIN, acr="AAL3_ANY"))

    assert (refused.status_code, taken.status_code) == (401, 204)
    assert 'acr_values="AAL3_ANY AAL3_HARD"' in refused.headers["www-authenticate"]


async def test_a_page_leads_through_the_issuer_and_back(app: FastAPI, issuer: LoopbackIssuer) -> None:
    async with browser(app, issuer.signed_in(app, role="analyst", auth_time=ago(30))) as analyst:
        asked = await analyst.get(f"{PAGE}?a=1&b=2")
        home = await analyst.get("/sample/home")

    assert asked.status_code == 303
    wanted = parse_qs(urlsplit(asked.headers["location"]).query)
    assert wanted == {"step_up": ["true"], "next": [f"{PAGE}?a=1&b=2"]}
    assert home.status_code == 200, "all else goes on"


async def test_a_form_left_open_leads_back_to_its_page(issuer: LoopbackIssuer) -> None:
    app = sample_app(issuer.settings(ServiceSettings))
    async with browser(app, issuer.signed_in(app, role="analyst", auth_time=ago(30))) as analyst:
        fields = hidden_fields((await analyst.get("/sample/home")).text)
        sent = await analyst.post(PAGE, data=fields)
        nowhere = await analyst.post("/sample/only-by-post", data=fields)

    assert sent.headers["location"] == f"/sign-in?step_up=true&next={PAGE}"
    assert nowhere.headers["location"] == "/sign-in?step_up=true&next=/"


async def test_a_recent_sign_in_is_not_asked_again(app: FastAPI, issuer: LoopbackIssuer) -> None:
    async with browser(app, issuer.signed_in(app, role="analyst")) as analyst:
        assert (await analyst.get(PAGE)).text == "sure?"
        fields = hidden_fields((await analyst.get("/sample/home")).text)
        assert (await analyst.post(PAGE, data=fields)).text == "erased"


@pytest.mark.parametrize(
    ("env", "given", "age", "status"),
    [
        ("production", None, 61, 401),
        ("production", None, 50, 200),
        ("production", 0, 61, 200),
        ("development", None, 3000, 200),
        ("development", 60, 61, 401),
    ],
)
async def test_a_persons_token_is_believed_for_a_minute(
    issuer: LoopbackIssuer, env: str, given: int | None, age: int, status: int
) -> None:
    settings = issuer.settings(ServiceSettings, person_token_seconds=given)
    app = sample_app(settings.model_copy(update={"env": env}))
    old = int(time.time()) - age
    async with browser(app) as client:
        of_person = await client.get("/api/linkwork/v1/me", headers=issuer.bearer(iat=old))
        of_service = await client.get("/api/linkwork/v1/me", headers=issuer.bearer(role="service", iat=old))
    assert (of_person.status_code, of_service.status_code) == (status, 200)


async def test_a_persons_token_says_when_it_was_issued(issuer: LoopbackIssuer) -> None:
    app = sample_app(issuer.settings(ServiceSettings, person_token_seconds=60))
    async with browser(app) as client:
        for issued in (None, "now"):
            answer = await client.get("/api/linkwork/v1/me", headers=issuer.bearer(iat=issued))
            assert answer.status_code == 401
