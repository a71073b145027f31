"""The API and the page of the ledger: roles, content, and no word that identifies a person."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from playwright.async_api import Page

from services.notifications.webhooks.api import BASE as WEBHOOKS
from shared.platform.kafka_connection import KafkaConnection
from tests.harness.delivery.toy import bench
from tests.harness.notifications.facts import NOW, FactBuilder, numbered_id
from tests.harness.notifications.fake_peers import PERSON, fake_peers
from tests.harness.notifications.service_harness import (
    FakeClock,
    NotificationsHarness,
    wait_until_each_ended,
    wait_until_received,
)
from tests.harness.pages.browser import check_axe, check_reflow
from tests.harness.pages.serving import serving
from tests.harness.web.forms import browser
from tests.harness.web.issuer import LoopbackIssuer

API = "/api/notifications/v1"
DROPPED = "Not sent, because it was not safe or no longer needed"
ROLES = ("referrer", "link_worker", "provider", "analyst", "programme_admin", "service")
WHO_OR_WHERE = re.compile(r"7700\s?900|practices\.example|@example\.org|[Yy]our appointment|44163")


@dataclass
class Filled:
    """A service with messages that were sent, failed, dropped or wait."""

    app: FastAPI
    locality: str
    issuer: LoopbackIssuer
    told: FactBuilder
    unreachable: FactBuilder
    erased: FactBuilder
    asking: FactBuilder

    def claims(self, role: str = "programme_admin", **changed: Any) -> dict[str, Any]:
        # The clock of this place stands still; its tokens are of the same time.
        now = int(NOW.timestamp())
        times = {"iat": now, "nbf": now, "exp": now + 3600}
        who = {"role": role, "localities": [self.locality], "practices": ["M83100"]}
        return times | who | {"link_worker": f"lw-{self.locality}-1"} | changed

    async def get(self, path: str, **claims: Any) -> httpx.Response:
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.get(path, headers=self.issuer.bearer(**self.claims(**claims)))

    def messages_of(self, teller: FactBuilder) -> str:
        return f"{API}/referrals/{teller.referral_id}/messages"


@pytest_asyncio.fixture(scope="module")
async def filled(
    kafka: KafkaConnection,
    mongo_url: str,
    issuer: LoopbackIssuer,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Filled]:
    clock = FakeClock()
    async with (
        bench(kafka, mongo_url, partitions=1) as made,
        fake_peers(tmp_path_factory.mktemp("mailbox"), clock) as peers,
    ):
        harness = NotificationsHarness(made, peers, clock)
        harness.more_settings = {"issuer": issuer.url, "jwks_url": issuer.jwks_url}
        peers.sessions = issuer.sessions
        told, unreachable, erased, asking = (harness.referral() for _ in range(4))
        peers.particular = {
            unreachable.referral_id: PERSON | {"telephone": None, "email": None},
            erased.referral_id: 410,
            numbered_id(520): 404,
        }
        async with harness.running() as app:
            for teller in (told, unreachable, erased):
                await harness.publish(teller, teller.created(), teller.booked())
            await harness.publish(asking, asking.created(), asking.prescribed())
            await wait_until_received(app, harness, 8)
            await wait_until_each_ended(app, "booked.person", 3)
            await wait_until_each_ended(app, "booked.referrer", 3)
            await wait_until_each_ended(app, "booked.link_worker", 3)
            await wait_until_each_ended(app, "asked.service", 1)
            yield Filled(app, made.locality, issuer, told, unreachable, erased, asking)


def ends(answer: httpx.Response) -> set[tuple[str, str, str, str | None]]:
    return {
        (each["template"], each["recipient"], each["status"], each["code"])
        for each in answer.json()["messages"]
    }


async def test_messages_have_template_recipient_and_status(filled: Filled) -> None:
    answer = await filled.get(filled.messages_of(filled.told))
    assert ends(answer) == {
        ("booked", "person", "sent", None),
        ("booked", "link_worker", "sent", None),
        ("booked", "referrer", "sent", None),
        ("reminder", "person", "waiting", None),
    }
    by_name = {(each["template"], each["recipient"]): each for each in answer.json()["messages"]}
    assert by_name["booked", "person"]["channel"] == "text"
    assert by_name["booked", "referrer"]["channel"] == "mail"
    assert by_name["reminder", "person"]["at"] == "2026-11-29T10:00:00Z"
    assert by_name["booked", "person"]["about"] == numbered_id(10)


async def test_messages_tell_failed_from_dropped(filled: Filled) -> None:
    failed = ends(await filled.get(filled.messages_of(filled.unreachable)))
    assert ("booked", "person", "failed", "no_channel") in failed
    dropped = ends(await filled.get(filled.messages_of(filled.erased)))
    assert ("booked", "person", "dropped", "erased") in dropped


async def test_failures_are_paged_latest_first(filled: Filled) -> None:
    whole = (await filled.get(f"{API}/failures")).json()
    assert {(each["code"], each["referral"]) for each in whole["failures"]} == {
        ("no_channel", filled.unreachable.referral_id),
        ("service_unknown", filled.asking.referral_id),
    }
    assert "next" not in whole
    first = (await filled.get(f"{API}/failures?limit=1")).json()
    second = (await filled.get(f"{API}/failures?limit=1&cursor={first['next']}")).json()
    assert [*first["failures"], *second["failures"]] == whole["failures"]
    assert "next" not in second


async def test_services_learn_which_referrals_have_failures(filled: Filled) -> None:
    path = f"{API}/failures/referrals?locality={filled.locality}"
    service = {"role": "service", "localities": ["*"], "scopes": "messages:read"}
    found = await filled.get(path, **service)
    failures = (await filled.get(f"{API}/failures")).json()["failures"]
    assert found.status_code == 200, found.text
    assert found.json()["referrals"] == sorted({each["referral"] for each in failures})
    for role in ROLES:
        if role != "service":
            assert (await filled.get(path, role=role)).status_code == 403
    assert (await filled.get(path, **service | {"scopes": "claims:read"})).status_code == 403
    elsewhere = f"{API}/failures/referrals?locality=elsewhere"
    assert (await filled.get(elsewhere, **service)).status_code == 404


async def test_failures_with_foreign_cursor_are_refused(filled: Filled) -> None:
    for cursor in ("x", "!!!!", "MjAyNi0xMS0yNA==", "bm9uc2Vuc2U="):
        answer = await filled.get(f"{API}/failures?cursor={cursor}")
        assert (answer.status_code, answer.json()["type"]) == (400, "urn:linkwork:problem:cursor")


async def test_api_answers_identify_no_person(filled: Filled) -> None:
    for path in (
        filled.messages_of(filled.told),
        filled.messages_of(filled.unreachable),
        f"{API}/failures",
    ):
        assert not WHO_OR_WHERE.search((await filled.get(path)).text)


@pytest.mark.parametrize("role", ROLES)
async def test_api_by_role_allows_or_refuses(filled: Filled, role: str) -> None:
    messages = await filled.get(filled.messages_of(filled.told), role=role, scopes="messages:read")
    failures = await filled.get(f"{API}/failures", role=role)
    may_see = role in ("link_worker", "programme_admin", "service")
    assert messages.status_code == (200 if may_see else 403)
    assert failures.status_code == (200 if role == "programme_admin" else 403)


@pytest.mark.parametrize("role", ["link_worker", "programme_admin", "service"])
async def test_messages_of_foreign_locality_are_404(filled: Filled, role: str) -> None:
    answer = await filled.get(
        filled.messages_of(filled.told),
        role=role,
        localities=["leek-werrington"],
        scopes="messages:read",
    )
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


async def test_messages_for_service_of_all_localities_are_listed(filled: Filled) -> None:
    answer = await filled.get(
        filled.messages_of(filled.told), role="service", localities=["*"], scopes="messages:read"
    )
    assert answer.status_code == 200


async def test_messages_of_foreign_caseload_are_404(filled: Filled) -> None:
    path = filled.messages_of(filled.told)
    for other in (f"lw-{filled.locality}-2", None):
        assert (await filled.get(path, role="link_worker", link_worker=other)).status_code == 404


async def test_failures_of_foreign_locality_are_not_shown(filled: Filled) -> None:
    assert (await filled.get(f"{API}/failures", localities=["meir"])).json() == {"failures": []}
    assert (await filled.get(f"{API}/failures?locality=meir")).status_code == 404
    mine = await filled.get(f"{API}/failures?locality={filled.locality}")
    assert len(mine.json()["failures"]) == 2


async def test_messages_of_unknown_referral_are_404(filled: Filled) -> None:
    assert (await filled.get(f"{API}/referrals/{uuid4()}/messages")).status_code == 404
    odd = await filled.get(f"{API}/referrals/0123456789/messages")
    assert odd.status_code == 422
    assert "0123456789" not in odd.text


async def test_api_without_valid_token_is_401(filled: Filled) -> None:
    old = {"exp": int(NOW.timestamp()) - 60}
    for path in (filled.messages_of(filled.told), f"{API}/failures"):
        assert (await filled.get(path, **old)).status_code == 401
        async with browser(filled.app) as client:
            assert (await client.get(path)).status_code == 401


async def test_api_routes_are_all_covered_by_role_tests(filled: Filled) -> None:
    # The routes of webhooks have tests of their own.
    paths = {each for each in filled.app.openapi()["paths"] if not each.startswith(WEBHOOKS)}
    assert paths == {
        f"{API}/referrals/{{referral_id}}/messages",
        f"{API}/failures",
        f"{API}/failures/referrals",
        f"{API}/audit/entries",  # Of every service alike: see `tests/integration/delivery/test_audit.py`.
    }


@pytest.mark.parametrize("role", ROLES)
async def test_page_by_role_serves_programme_only(filled: Filled, role: str) -> None:
    cookies = filled.issuer.signed_in(filled.app, **filled.claims(role))
    async with browser(filled.app, cookies) as client:
        answer = await client.get("/notifications/")
    assert answer.status_code == (200 if role == "programme_admin" else 403)
    assert not WHO_OR_WHERE.search(answer.text)


async def test_page_without_session_redirects_to_sign_in(filled: Filled) -> None:
    async with browser(filled.app) as client:
        answer = await client.get("/notifications/?day=2026-11-24")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/sign-in?next=/notifications/")


async def page_of(filled: Filled, query: str = "", **claims: Any) -> tuple[int, str]:
    cookies = filled.issuer.signed_in(filled.app, **filled.claims(**claims))
    async with browser(filled.app, cookies) as client:
        answer = await client.get(f"/notifications/{query}")
    return answer.status_code, " ".join(re.sub("<[^>]*>", " ", answer.text).split())


async def rows_of(filled: Filled, query: str = "") -> list[list[str]]:
    """The cells of all tables, without the headings that a narrow screen shows in each cell."""
    cookies = filled.issuer.signed_in(filled.app, **filled.claims())
    async with browser(filled.app, cookies) as client:
        html = (await client.get(f"/notifications/{query}")).text
    html = re.sub(r'<span class="nhsuk-table__heading".*?</span>', "", html, flags=re.DOTALL)
    rows = re.findall(r"<tr.*?</tr>", html, flags=re.DOTALL)
    cells = [re.findall(r"<t[hd].*?</t[hd]>", row, flags=re.DOTALL) for row in rows]
    return [[" ".join(re.sub("<[^>]*>", " ", cell).split()) for cell in row] for row in cells]


async def test_page_counts_by_reason_kind_and_day(filled: Filled) -> None:
    _, text = await page_of(filled)
    assert f"Sent 7 Failed 2 {DROPPED} 1 Waiting for their time now 3" in text
    rows = await rows_of(filled)
    assert ["No way to write", "Failed", "1"] in [[row[0], *row[2:]] for row in rows]
    assert [row[0] + row[-2] + row[-1] for row in rows if "erased" in row[0]] == [
        "Person erased" + DROPPED + "1"
    ]
    assert ["Appointment booked", "The person", "1", "1", "1"] in rows
    assert ["Can you take somebody?", "The service", "0", "1", "0"] in rows
    assert ["Tuesday 24 November 2026", "7", "2", "1"] in rows


async def test_page_filters_by_day_and_locality(filled: Filled) -> None:
    _, quiet = await page_of(filled, "?day=2026-11-20")
    assert "There were no messages." in quiet
    _, busy = await page_of(filled, f"?day=2026-11-24&locality={filled.locality}")
    assert "Meir, Tuesday 24 November 2026" in busy
    assert ["Appointment booked", "The person", "1", "1", "1"] in await rows_of(filled, "?day=2026-11-24")
    assert (await page_of(filled, "?locality=leek-werrington"))[0] == 404
    assert (await page_of(filled, "?day=yesterday"))[0] == 422


async def test_page_in_browser_filters_and_is_accessible(filled: Filled, chromium_page: Page) -> None:
    async with serving_beside(filled) as address:
        cookies = filled.issuer.signed_in(filled.app, **filled.claims())
        await chromium_page.context.add_cookies(
            [{"name": name, "value": value, "url": address} for name, value in cookies.items()]
        )
        await chromium_page.goto(f"{address}/notifications/")
        assert await chromium_page.title() == "Messages – Linkwork"
        await check_axe(chromium_page)
        await check_reflow(chromium_page)
        await chromium_page.get_by_label("Locality").select_option(filled.locality)
        await chromium_page.get_by_role("button", name="Show").click()
        await chromium_page.get_by_role("link", name="Tuesday 24 November 2026").click()
        assert "locality=" + filled.locality in chromium_page.url
        await check_axe(chromium_page)
        await chromium_page.get_by_role("link", name="Show the last two weeks").click()


def serving_beside(filled: Filled) -> Any:
    """The application on a port, without starting its kernel a second time."""

    async def served(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while (await receive())["type"] != "lifespan.shutdown":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
        else:
            await filled.app(scope, receive, send)

    return serving(served)  # type: ignore[arg-type]  # any ASGI application will do
