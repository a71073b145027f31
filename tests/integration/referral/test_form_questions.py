"""The questions that the form asks, in a real browser: one person or two, an unknown postcode, a far one."""

from playwright.async_api import Browser, Page, expect

from shared.platform.ids import new_id
from tests.harness.pages.browser import check_axe, check_reflow
from tests.harness.referral.people import referral_body
from tests.harness.referral.running import NEIGHBOUR, ReferralHarness
from tests.integration.referral.test_identity import ended
from tests.integration.referral.test_pages import fill_in, sign_in


async def form_of(referral: ReferralHarness, address: str, page: Page, practice: str = "M83100") -> None:
    await sign_in(page, address, referral.cookies(practice, subject=f"asker-{new_id()}"))
    await page.goto(f"{address}/referral/new")


async def refer(page: Page, name: str = "Refer") -> None:
    await page.get_by_role("button", name=name, exact=True).click()


async def test_form_asks_about_a_similar_name(
    referral: ReferralHarness, address: str, chromium_page: Page
) -> None:
    page, (body, _) = chromium_page, await ended(referral)
    await form_of(referral, address, page)
    await fill_in(page, body | {"family_name": "Hollinshead"})
    await refer(page)

    await expect(page.get_by_role("heading", name="Is this the same person?")).to_be_visible()
    await expect(page.locator(".lw-compared")).to_contain_text("Priya Wainwright")
    await check_axe(page)
    await check_reflow(page)
    await refer(page, "It is the same person: refer")

    await expect(page.get_by_role("heading", name="Referral made")).to_be_visible()


async def test_form_asks_about_a_name_from_elsewhere(
    referral: ReferralHarness, address: str, chromium_page: Page
) -> None:
    page, (body, _) = chromium_page, await ended(referral)
    await form_of(referral, address, page, NEIGHBOUR)
    await fill_in(page, body | {"family_name": "Hollinshead"})
    await refer(page)

    await expect(page.get_by_text("was referred from another practice")).to_be_visible()
    await check_axe(page)
    await check_reflow(page)


async def test_form_asks_about_postcodes_without_scripts(
    referral: ReferralHarness, address: str, chromium: Browser
) -> None:
    context = await chromium.new_context(java_script_enabled=False)
    page = await context.new_page()
    await form_of(referral, address, page)
    await fill_in(page, referral_body(postcode="ZZ1 1ZZ"))
    await refer(page)
    await expect(page.get_by_role("alert")).to_contain_text("We do not know this postcode")
    await page.get_by_label("The postcode is right").check()
    await refer(page)
    await expect(page.get_by_role("heading", name="Referral made")).to_be_visible()

    await page.goto(f"{address}/referral/new")
    await fill_in(page, referral_body(postcode="TR1 1AA"))
    await refer(page)
    await expect(page.get_by_role("heading", name="Far from the practice")).to_be_visible()
    await refer(page, "Refer anyway")
    await expect(page.get_by_role("heading", name="Referral made")).to_be_visible()
    await context.close()
