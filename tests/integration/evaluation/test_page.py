"""The page of figures in a real browser."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import httpx
import pytest
from fastapi import FastAPI
from playwright.async_api import Page

from shared.platform.kafka_connection import KafkaConnection
from shared.platform.localities import load_localities
from tests.harness.pages.browser import check_axe, check_reflow
from tests.harness.pages.serving import serving
from tests.harness.web.issuer import LoopbackIssuer
from tests.integration.evaluation.conftest import TODAY, app_on

ALL = load_localities().slugs


@asynccontextmanager
async def signed_in(page: Page, served: FastAPI, issuer: LoopbackIssuer, role: str) -> AsyncIterator[str]:
    """Signs the browser in at the served application. Yields the address."""
    async with serving(served) as address:
        port = urlsplit(address).port
        await page.context.add_cookies(
            [
                {"name": name, "value": value, "url": f"http://localhost:{port}"}
                for name, value in issuer.signed_in(served, role=role, localities=ALL, **TODAY).items()
            ]
        )
        yield address


@pytest.fixture
def served(app: FastAPI, issuer: LoopbackIssuer, kafka: KafkaConnection, mongo_url: str) -> FastAPI:
    """A second process of the service on the same database."""
    del app
    return app_on(issuer, kafka, mongo_url, "test_evaluation_figures")


async def test_page_for_analyst_is_accessible_and_reflows(
    chromium_page: Page, served: FastAPI, issuer: LoopbackIssuer
) -> None:
    page = chromium_page
    async with signed_in(page, served, issuer, "analyst") as address:
        await page.goto(f"{address}/evaluation/")
        await page.get_by_role("heading", name="Figures", exact=False, level=1).wait_for()
        await check_reflow(page)
        await page.set_viewport_size({"width": 360, "height": 800})
        await check_axe(page)
        charts = page.get_by_role("img")
        assert await charts.count() >= 8
        for at in range(await charts.count()):
            chart = charts.nth(at)
            assert await chart.get_attribute("aria-labelledby")
            assert (await chart.locator("desc").text_content() or "").strip()
        assert await page.locator("svg rect[fill^='url']").count()
        assert "*" in (await page.locator("main").text_content() or "")


async def test_page_for_programme_filters_by_place_and_period(
    chromium_page: Page, served: FastAPI, issuer: LoopbackIssuer
) -> None:
    page = chromium_page
    async with signed_in(page, served, issuer, "programme_admin") as address:
        await page.goto(f"{address}/evaluation/")
        await page.get_by_label("Place").select_option(label="Meir")
        await page.get_by_label("Period").select_option(label="July to September 2026")
        await page.get_by_role("button", name="Show").click()
        await page.get_by_text("Meir, July to September 2026").wait_for()
        assert page.url.endswith("/evaluation/?locality=meir&period=2026-07.2026-09")
        journey = page.locator("section[aria-labelledby=journey]")
        assert await journey.get_by_role("heading", level=3).all_text_contents() == [
            "The whole programme",
            "Meir",
        ]
        await check_axe(page)
        await check_reflow(page)


async def of_reader(client: httpx.AsyncClient, app: FastAPI, issuer: LoopbackIssuer, query: str = "") -> str:
    cookies = issuer.signed_in(app, role="programme_admin", localities=["meir"], **TODAY)
    answer = await client.get(f"/evaluation/{query}", cookies=cookies, headers={"accept": "text/html"})
    assert answer.status_code == 200
    return answer.text


async def test_page_has_a_table_for_each_chart_and_unique_ids(
    client: httpx.AsyncClient, app: FastAPI, issuer: LoopbackIssuer
) -> None:
    html = await of_reader(client, app, issuer, "?locality=meir")
    ids = [part.split('"')[0] for part in html.split(' id="')[1:]]
    assert len(ids) == len(set(ids))
    assert html.count("<svg") <= html.count("<table")
    assert "style=" not in html.split("<main")[1].split("</main>")[0]


async def test_page_with_unknown_period_shows_everything(
    client: httpx.AsyncClient, app: FastAPI, issuer: LoopbackIssuer
) -> None:
    assert "since January 2025" in await of_reader(client, app, issuer, "?period=1999-01.1999-01")


async def test_page_of_empty_programme_is_served(
    issuer: LoopbackIssuer, kafka: KafkaConnection, mongo_url: str
) -> None:
    empty = app_on(issuer, kafka, mongo_url, "test_evaluation_empty")
    transport = httpx.ASGITransport(app=empty)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8080") as client:
        for role in ("programme_admin", "analyst"):
            cookies = issuer.signed_in(empty, role=role, localities=["meir"], **TODAY)
            answer = await client.get("/evaluation/", cookies=cookies)
            assert answer.status_code == 200
            assert "No unmet need was told in this period." in answer.text
    await empty.state.kernel.mongo.close()
