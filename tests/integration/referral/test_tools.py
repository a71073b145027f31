"""The accessibility tools beside a form that is half filled in."""

from playwright.async_api import Browser, Page, expect

from tests.harness.pages.browser import check_axe
from tests.harness.referral.running import ReferralHarness
from tests.integration.referral.test_pages import sign_in


async def test_what_was_typed_stays_and_so_does_the_setting(
    referral: ReferralHarness, address: str, chromium_page: Page
) -> None:
    page = chromium_page
    await sign_in(page, address, referral.cookies())
    await page.goto(f"{address}/referral/new")
    await page.get_by_label("First name").fill("Half")
    await page.get_by_text("Accessibility tools").click()
    for _ in range(2):
        await page.get_by_role("button", name="More font size").click()
    await page.get_by_role("button", name="More line height").click()
    await expect(page.locator("html")).to_have_class("lw-font-120 lw-line-110")
    await expect(page.locator("#accessibility-font")).to_contain_text("120%")
    await expect(page.get_by_label("First name")).to_have_value("Half")
    await check_axe(page)
    await page.wait_for_load_state("networkidle")
    await page.reload()
    await expect(page.locator("html")).to_have_class("lw-font-120 lw-line-110")
    await page.get_by_role("button", name="Reset all").click()
    await expect(page.locator("html")).to_have_class("")


async def test_without_scripts_the_page_warns_and_comes_back(
    referral: ReferralHarness, address: str, chromium: Browser
) -> None:
    context = await chromium.new_context(java_script_enabled=False)
    page = await context.new_page()
    await sign_in(page, address, referral.cookies())
    await page.goto(f"{address}/referral/new")
    await page.get_by_role("button", name="Refer", exact=True).click()
    await expect(page.get_by_role("heading", name="There is a problem")).to_be_visible()
    await page.get_by_text("Accessibility tools").click()
    await expect(
        page.get_by_text("What you have typed into a form on it and not sent is lost")
    ).to_be_visible()
    await page.get_by_role("button", name="More font size").click()
    await expect(page.locator("html")).to_have_class("lw-font-110")
    assert page.url.startswith(f"{address}/referral/new")
    await context.close()
