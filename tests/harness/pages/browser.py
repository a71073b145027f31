"""Real Chromium for page tests, and axe to judge what it shows.

async def test_home(chromium_page: Page, served_app: ...) -> None:
    await chromium_page.goto(url)
    await check_axe(chromium_page)
"""

import shutil
from collections.abc import AsyncIterator

import pytest_asyncio
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright

ARGUMENTS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
)


@pytest_asyncio.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """One browser for the run: a chromium on PATH, else the one that Playwright downloads."""
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=list(ARGUMENTS)
        )
        yield running
        await running.close()


@pytest_asyncio.fixture
async def chromium_page(chromium: Browser) -> AsyncIterator[Page]:
    """A page with cookies of its own, 1280 pixels wide. No script or style of it may fail."""
    context = await chromium.new_context(viewport={"width": 1280, "height": 900})
    page = await context.new_page()
    complaints: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        # A page that answers 404 or 422 on purpose is told to the console too.
        if message.type == "error" and message.location["url"] != page.url:
            complaints.append(message.text)

    page.on("console", listen)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    await context.close()
    assert not complaints, complaints


async def check_axe(page: Page) -> None:
    """Fail with axe's report if the page as it is now breaks a rule, targets under 24 pixels included."""
    results = await Axe().run(page, options={"rules": {"target-size": {"enabled": True}}})
    assert results.violations_count == 0, results.generate_report()
    # No rule of axe any more, though a link to such a place, and a label, find only the first of them.
    ids: list[str] = await page.evaluate("[...document.querySelectorAll('[id]')].map(each => each.id)")
    assert len(ids) == len(set(ids)), [each for each in set(ids) if ids.count(each) > 1]


async def check_reflow(page: Page) -> None:
    """At 320 pixels (400% of 1280) nothing has to be scrolled sideways (WCAG 1.4.10)."""
    before = page.viewport_size
    await page.set_viewport_size({"width": 320, "height": 640})
    width = await page.evaluate("document.documentElement.scrollWidth")
    assert width <= 320, f"{page.url} is {width} pixels wide at 320"
    if before is not None:
        await page.set_viewport_size(before)
