"""The shell, the sign-in page and the mailbox in a real browser."""

import re

import httpx
import pytest
from fastapi import FastAPI
from playwright.async_api import Page, expect

from shared.platform.web.accessibility import COOKIE
from tests.harness.pages.browser import check_axe, check_reflow

WIDTHS = (360, 1280)


def url_of(development: FastAPI, path: str) -> str:
    return f"{development.state.settings.public_url}{path}"


async def sign_in(page: Page, development: FastAPI, name: str, following: str) -> None:
    await page.goto(url_of(development, following))
    await page.get_by_role("button", name=name).click()
    await page.wait_for_url(url_of(development, following))


@pytest.mark.parametrize("width", WIDTHS)
async def test_pages_break_no_rule(chromium_page: Page, development: FastAPI, width: int) -> None:
    await chromium_page.set_viewport_size({"width": width, "height": 800})
    async with httpx.AsyncClient() as gateway:
        text = {
            "to": "07700 900123",
            "body": "Tuesday at 2:30pm\nhttp://localhost/s/a.b-c_d\n<b>Come</b>",
            "reference": "p1",
        }
        (await gateway.post(url_of(development, "/dev/sms"), json=text)).raise_for_status()

    for path in ("/", "/nowhere", "/signed-out", "/sign-in?next=/dev/mailbox"):
        await chromium_page.goto(url_of(development, path))
        await check_axe(chromium_page)
        await check_reflow(chromium_page)

    await chromium_page.get_by_role("button", name="Farida Ellwood").click()
    await expect(chromium_page.get_by_role("heading", name="Mailbox")).to_be_visible()
    # A link can be followed, as in any mail; everything else is text.
    await expect(chromium_page.get_by_text("<b>Come</b>")).to_be_visible()
    link = chromium_page.get_by_role("link", name="http://localhost/s/a.b-c_d")
    await expect(link).to_have_attribute("href", "http://localhost/s/a.b-c_d")
    await check_axe(chromium_page)
    await check_reflow(chromium_page)
    assert await chromium_page.title() == "Mailbox – Linkwork"


async def test_no_licensed_font_and_no_logo(chromium_page: Page, development: FastAPI) -> None:
    asked: list[str] = []
    chromium_page.on("request", lambda request: asked.append(request.url))
    await sign_in(chromium_page, development, "Farida Ellwood", "/dev/mailbox")

    own = development.state.settings.public_url
    assert all(url.startswith(own) for url in asked)
    fonts = await chromium_page.evaluate(
        "[...document.querySelectorAll('*')].map(each => getComputedStyle(each).fontFamily).join()"
    )
    assert "Frutiger" not in fonts
    assert "NHS" not in await chromium_page.locator("header").inner_html()


MEASURES = {
    "Content scaling": "document.querySelector('h1').getBoundingClientRect().height",
    "Font size": "parseFloat(getComputedStyle(document.querySelector('h1')).fontSize)",
    "Line height": "parseFloat(getComputedStyle(document.querySelector('h1')).lineHeight)",
    "Letter spacing": "parseFloat(getComputedStyle(document.querySelector('h1')).letterSpacing) || 0",
}


@pytest.mark.parametrize("label", MEASURES)
async def test_each_tool_changes_the_page(chromium_page: Page, development: FastAPI, label: str) -> None:
    await chromium_page.goto(url_of(development, "/"))
    before = await chromium_page.evaluate(MEASURES[label])
    await chromium_page.get_by_text("Accessibility tools").click()
    await check_axe(chromium_page)

    group = chromium_page.get_by_role("group", name=label)
    for value in ("110%", "120%"):
        await group.get_by_role("button", name="More").click()
        await expect(group.get_by_text(value)).to_be_visible()
    assert await chromium_page.evaluate(MEASURES[label]) > before

    await group.get_by_role("button", name="Less").click()
    await expect(group.get_by_text("110%")).to_be_visible()
    await chromium_page.get_by_role("button", name="Reset all").click()
    await expect(chromium_page.locator("html")).not_to_have_attribute("class", re.compile("."))
    assert await chromium_page.evaluate(MEASURES[label]) == before


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("cookie", ["200-100-100-100", "100-200-100-100", "200-200-200-200"])
async def test_the_largest_still_reads(
    chromium_page: Page, development: FastAPI, width: int, cookie: str
) -> None:
    own = development.state.settings.public_url
    await chromium_page.context.add_cookies([{"name": COOKIE, "value": cookie, "url": own}])
    await chromium_page.set_viewport_size({"width": width, "height": 800})
    await sign_in(chromium_page, development, "Farida Ellwood", "/dev/mailbox")

    await check_axe(chromium_page)
    assert await chromium_page.evaluate("document.documentElement.scrollWidth") <= width


async def test_the_tools_work_by_keyboard_alone(chromium_page: Page, development: FastAPI) -> None:
    await chromium_page.goto(url_of(development, "/"))
    focused = chromium_page.locator(":focus")
    for expected in ("Skip to main content", "Linkwork", "Accessibility tools"):
        await chromium_page.keyboard.press("Tab")
        await expect(focused).to_contain_text(expected)
    await chromium_page.keyboard.press("Enter")
    for _ in range(4):
        await chromium_page.keyboard.press("Tab")
    await expect(focused).to_have_attribute("aria-label", "More font size")
    await chromium_page.keyboard.press("Enter")
    await expect(chromium_page.get_by_text("110%")).to_be_visible()

    # With scripts the page is not loaded again: the focus is still where it was.
    await expect(focused).to_have_attribute("aria-label", "More font size")


async def test_everything_works_without_scripts(chromium_page: Page, development: FastAPI) -> None:
    browser = chromium_page.context.browser
    assert browser is not None
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await sign_in(page, development, "Farida Ellwood", "/dev/mailbox")
    await page.get_by_text("Accessibility tools").click()
    await page.get_by_role("button", name="More font size").click()
    await expect(page.locator("html")).to_have_class("lw-font-110")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("heading", name="You have signed out")).to_be_visible()
    await context.close()
