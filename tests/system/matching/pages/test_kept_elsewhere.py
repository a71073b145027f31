"""A person whose name a partner keeps: pages explain the reference and the way to find the person."""

from playwright.async_api import Page, expect

from shared.platform.ids import new_id
from tests.harness.matching.pages.running import PagesHarness, Person
from tests.system.matching.pages.test_every_page import fit


async def test_pages_name_partner_who_keeps_the_name(harness: PagesHarness, chromium_page: Page) -> None:
    page = chromium_page
    ours = await harness.refer()
    created = (await harness.referral.context.kernel.facts(harness.here, ours.referral))[0].body
    theirs = Person(new_id(), "Reference", "none")
    await harness.referral.say(created.model_copy(update={"referral_id": theirs.referral}), by="history")
    await harness.wait(theirs, lambda view: bool(view["active"]))
    await harness.sign_in(page)
    await harness.open(page, "/matching/")
    await page.get_by_text("has a reference and no name").click()
    await expect(page.get_by_text("keeps their names in its own records")).to_be_visible()
    await fit(page)
    await harness.open(page, f"/matching/cases/{theirs.referral}")
    said = page.get_by_text("Their name is kept by the partner who referred them, not here.")
    await expect(said).to_be_visible()
    await expect(page.get_by_text("cannot be shown just now")).to_have_count(0)
    await expect(page.locator(".lw-reference")).to_have_text(theirs.referral)
    await fit(page)
    meeting = await harness.meet_now(theirs)
    await harness.open(page, f"/matching/meetings/{meeting}")
    await expect(said).to_be_visible()
    await fit(page)
    await harness.open(page, f"/matching/cases/{ours.referral}")
    await expect(said).to_have_count(0)
