"""The page in a real browser."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI
from playwright.async_api import Page

from tests.evaluation.conftest import TODAY, app_on
from tests.pages.browser import check_axe, check_reflow
from tests.pages.serving import serving
from tests.web.issuer import LoopbackIssuer

ALL = ["meir", "longton", "leek-werrington", "shelton", "bentilee", "middleport", "burslem-cobridge"]


@asynccontextmanager
async def signed_in(page: Page, served: FastAPI, issuer: LoopbackIssuer, role: str) -> AsyncIterator[str]:
    """The page's browser signed in at the served application; gives its address."""
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
def served(app: FastAPI, issuer: LoopbackIssuer, kafka_bootstrap: str, mongo_url: str) -> FastAPI:
    """Another process of the same service, on the same database."""
    del app
    return app_on(issuer, kafka_bootstrap, mongo_url, "test_evaluation_figures")


@pytest.mark.parametrize("role", ["analyst", "programme_admin"])
async def test_the_page_can_be_read_by_everyone(
    chromium_page: Page, served: FastAPI, issuer: LoopbackIssuer, role: str, tmp_path: Path
) -> None:
    async with signed_in(chromium_page, served, issuer, role) as address:
        await chromium_page.goto(f"{address}/evaluation/")
        assert await chromium_page.text_content("h1 >> text=Figures")
        await check_axe(chromium_page)
        await check_reflow(chromium_page)
