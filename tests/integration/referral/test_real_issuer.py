"""Signing in with a certified OpenID Connect provider, and what it takes away afterwards."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio

from deploy.local.ports import free_port
from services.referral.collections import SESSIONS
from services.referral.session_renewal import Renewals, SessionSecrets
from services.referral.sessions import KeptSessions
from shared.platform.clock import system_clock
from shared.platform.kafka_connection import KafkaConnection
from shared.platform.web.issuer import Issuer
from tests.harness.oidc.running import CLIENT, SECRET, RealIssuer, installed, real_issuer, sign_in
from tests.harness.pages.serving import serving
from tests.harness.referral.running import ReferralHarness, running_referral
from tests.harness.web.forms import PAGE
from tests.harness.web.issuer import LoopbackIssuer
from tests.integration.referral.test_sessions import without_lifespan

ADMIN = "admin-1"


@pytest_asyncio.fixture(scope="module")
async def real(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[RealIssuer, int]]:
    """The provider, and the port where its client is."""
    folder, port = await installed(tmp_path_factory.mktemp("oidc") / "provider"), free_port()
    async with real_issuer(folder, f"http://localhost:{port}") as running:
        yield running, port


@pytest_asyncio.fixture(scope="module")
async def linkwork(
    real: tuple[RealIssuer, int],
    issuer: LoopbackIssuer,
    kafka: KafkaConnection,
    mongo_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[ReferralHarness]:
    """The referral service as the provider's client, served on a port."""
    running, port = real
    settings = {
        "sign_in_issuer": running.url,
        "sign_in_client_id": CLIENT,
        "client_secret": SECRET,
        "public_url": f"http://localhost:{port}",
        "sign_in_scope": "openid linkwork",
    }
    folder = tmp_path_factory.mktemp("linkwork")
    async with (
        running_referral(folder, issuer, kafka, mongo_url, **settings) as started,
        serving(without_lifespan(started), port),
    ):
        yield started


@pytest_asyncio.fixture
async def browser(linkwork: ReferralHarness) -> AsyncIterator[httpx.AsyncClient]:
    """A browser without cookies."""
    url = linkwork.settings.public_url
    async with httpx.AsyncClient(base_url=url, headers=PAGE, trust_env=False) as client:
        yield client


@pytest_asyncio.fixture
async def admin(real: tuple[RealIssuer, int], linkwork: ReferralHarness) -> RealIssuer:
    """The provider, which gives the role of an administrator."""
    await real[0].gives(ADMIN, **rights(linkwork))
    return real[0]


def rights(linkwork: ReferralHarness, **changed: Any) -> dict[str, Any]:
    return {"role": "programme_admin", "localities": [linkwork.here], **changed}


HOME = "/referral/programme"


async def let_time_pass(linkwork: ReferralHarness, seconds: float) -> None:
    """Makes the issuer's last answers for all sessions older, and forgets what was remembered of them."""
    before = datetime.now(UTC) - timedelta(seconds=seconds)
    await linkwork.mongo[SESSIONS].update_many({"refresh": {"$exists": True}}, {"$set": {"renewed": before}})
    for row in await linkwork.mongo[SESSIONS].find().to_list(None):
        linkwork.app.state.session_check.forget(row["_id"])


async def test_a_sign_in_lasts_over_refreshes(
    linkwork: ReferralHarness, browser: httpx.AsyncClient, admin: RealIssuer
) -> None:
    done = await sign_in(browser, ADMIN, at=f"/sign-in?next={HOME}")
    assert (done.status_code, done.headers["location"]) == (303, HOME)
    before = await admin.refreshes()
    for _ in range(3):  # with rotation, each refresh token is good once
        await let_time_pass(linkwork, 100)
        assert (await browser.get(HOME)).status_code == 200

    assert await admin.refreshes() == before + 3


async def test_a_role_taken_away_ends_the_session(
    linkwork: ReferralHarness, browser: httpx.AsyncClient, admin: RealIssuer
) -> None:
    await sign_in(browser, ADMIN)
    assert (await browser.get(HOME)).status_code == 200
    await admin.gives(ADMIN, localities=[linkwork.here])
    await let_time_pass(linkwork, 31)

    assert (await browser.get(HOME)).status_code == 303
    await admin.gives(ADMIN, **rights(linkwork))
    assert (await browser.get(HOME)).status_code == 303, "what has ended does not come back"
    assert "prompt=login" in (await browser.get("/sign-in")).headers["location"]


@pytest.mark.parametrize("changed", [{"role": "analyst"}, {"localities": ["longton"]}])
async def test_rights_that_change_ask_for_a_new_sign_in(
    linkwork: ReferralHarness, browser: httpx.AsyncClient, admin: RealIssuer, changed: dict[str, Any]
) -> None:
    await sign_in(browser, ADMIN)
    await admin.gives(ADMIN, **rights(linkwork, **changed))
    await let_time_pass(linkwork, 31)

    assert (await browser.get(HOME)).status_code == 303


async def test_an_account_that_is_removed_ends_the_session(
    linkwork: ReferralHarness, browser: httpx.AsyncClient, admin: RealIssuer
) -> None:
    await sign_in(browser, ADMIN)
    await admin.removes(ADMIN)
    await let_time_pass(linkwork, 31)

    assert (await browser.get(HOME)).status_code == 303


async def test_the_issuer_logs_out_behind_the_browser(browser: httpx.AsyncClient, admin: RealIssuer) -> None:
    await sign_in(browser, ADMIN)
    assert (await browser.get(HOME)).status_code == 200
    await admin.logs_out(ADMIN)

    assert (await browser.get(HOME)).status_code == 303


async def test_two_replicas_refresh_once(
    linkwork: ReferralHarness, browser: httpx.AsyncClient, admin: RealIssuer
) -> None:
    await sign_in(browser, ADMIN)
    issuer = Issuer(linkwork.settings)
    renewals = Renewals(linkwork.mongo, issuer, SessionSecrets(linkwork.settings), system_clock)
    other = KeptSessions(linkwork.mongo, timedelta(minutes=30), renewals, system_clock)
    (row,) = [each async for each in linkwork.mongo[SESSIONS].find().sort("renewed", -1).limit(1)]
    before = await admin.refreshes()
    await let_time_pass(linkwork, 100)
    keepers = [linkwork.app.state.session_keeper, other] * 4

    assert all(await asyncio.gather(*(keeper.is_open(row["_id"]) for keeper in keepers)))
    assert await admin.refreshes() == before + 1


async def test_an_erasure_asks_to_sign_in_again(
    linkwork: ReferralHarness, browser: httpx.AsyncClient, admin: RealIssuer
) -> None:
    await sign_in(browser, ADMIN)
    page = f"{HOME}/00000000-0000-4000-8000-000000000000/erase"
    asked = await browser.get(page)
    assert asked.headers["location"] == f"/sign-in?step_up=true&next={page}"

    done = await sign_in(browser, ADMIN, at=asked.headers["location"])
    assert (done.status_code, done.headers["location"]) == (303, page)
    assert (await browser.get(page)).status_code == 404, "there is no such referral"
