"""A real Chromium for page tests, with axe for accessibility.

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
    """One browser for the run: Chromium from PATH, else the one that Playwright downloads.

    Its headless shell draws no window, which takes more of a processor than the pages of most tests.
    """
    on_path = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=on_path, args=list(ARGUMENTS))
        yield running
        await running.close()


@pytest_asyncio.fixture
async def chromium_page(chromium: Browser) -> AsyncIterator[Page]:
    """A page with its own cookies, 1280 pixels wide. Fails the test if a script or style fails."""
    context = await chromium.new_context(viewport={"width": 1280, "height": 900})
    page = await context.new_page()
    complaints: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        # The console also reports a page that answers 404 or 422 on purpose.
        if message.type == "error" and message.location["url"] != page.url:
            complaints.append(message.text)

    page.on("console", listen)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    await context.close()
    assert not complaints, complaints


async def check_axe(page: Page) -> None:
    """Fails with axe's report if the page breaks a rule. Targets under 24 pixels count as well."""
    # Without the nodes that keep the rules: listing them takes longer than checking a large table.
    options = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}
    results = await Axe().run(page, options=options)
    assert results.violations_count == 0, results.generate_report()
    # axe no longer checks duplicate ids, although a link or label finds only the first element.
    ids: list[str] = await page.evaluate("[...document.querySelectorAll('[id]')].map(each => each.id)")
    assert len(ids) == len(set(ids)), [each for each in set(ids) if ids.count(each) > 1]


async def check_reflow(page: Page) -> None:
    """Fails if the page scrolls sideways at 320 pixels, which is 1280 at 400% zoom (WCAG 1.4.10)."""
    before = page.viewport_size
    await page.set_viewport_size({"width": 320, "height": 640})
    width = await page.evaluate("document.documentElement.scrollWidth")
    assert width <= 320, f"{page.url} is {width} pixels wide at 320"
    if before is not None:
        await page.set_viewport_size(before)
