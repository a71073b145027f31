"""A case is handed to another link worker, or is declined."""

from playwright.async_api import Page, expect

from shared.contract.events.vocabulary import DeclineReason
from tests.harness.matching.pages.running import PagesHarness, link_worker
from tests.harness.referral.running import PRACTICE
from tests.system.matching.pages.test_every_page import fit


async def test_handed_over_case_takes_its_meeting(harness: PagesHarness, chromium_page: Page) -> None:
    page = chromium_page
    person = await harness.refer()
    await harness.sign_in(page)
    hours = link_worker("", "")["hours"]
    colleague = await harness.put_worker(8, name="Sam Bratt", hours=hours, languages=["en", "pl"])
    try:
        await harness.open(page, f"/matching/cases/{person.referral}")
        await page.get_by_role("link", name="Hand over to another link worker").click()
        await expect(page.get_by_text("is cancelled. The earliest suitable time")).to_be_visible()
        await page.get_by_role("button", name="Hand over the case").click()
        await expect(page.get_by_role("alert")).to_contain_text("Choose a link worker")
        await fit(page, person)
        await page.get_by_label("Sam Bratt, 0 open cases, also speaks Polish").check()
        await page.get_by_role("button", name="Hand over the case").click()
        await expect(page.get_by_text("The case is handed over.")).to_be_visible()
        await expect(page.get_by_role("heading", name="Your caseload")).to_be_visible()
        assert person.name not in await page.content()
        await harness.wait(
            person,
            lambda view: any(
                m["id"] == view["active"] and m["link_worker"] == colleague for m in view["meetings"]
            ),
        )
        await harness.sign_in(page, link_worker=colleague)
        await harness.open(page, "/matching/")
        handed = (
            page.get_by_role("listitem").filter(has_text=person.name).filter(has_text="Handed over to you.")
        )
        await handed.get_by_role("button", name="Say what is next").click()
        await page.locator("#next-step").get_by_label("What happens next").select_option("ring")
        await page.locator("#next-step").get_by_label("in a week").check()
        await page.get_by_role("button", name="Save the next step").click()
        await expect(page.get_by_text("The next step is saved.")).to_be_visible()
        await expect(page.get_by_text("Handed over to you.")).to_have_count(0)
        await expect(page.locator("#story")).to_contain_text("Handed to another link worker")
    finally:
        await harness.put_worker(8)


async def test_hand_over_without_colleagues_says_so(harness: PagesHarness, chromium_page: Page) -> None:
    page = chromium_page
    person = await harness.refer()
    await harness.sign_in(page)
    await harness.open(page, f"/matching/cases/{person.referral}/hand-over")
    await expect(page.get_by_text("Nobody else meets people of")).to_be_visible()
    await expect(page.get_by_text(PRACTICE)).to_be_visible()
    await fit(page, person)


async def test_referral_is_declined_and_undone(harness: PagesHarness, chromium_page: Page) -> None:
    page = chromium_page
    person = await harness.refer()
    await harness.sign_in(page)
    await harness.open(page, f"/matching/cases/{person.referral}?open=decline#close")
    await page.get_by_role("button", name="Decline the referral").click()
    await expect(page.get_by_role("alert")).to_contain_text("Choose why it is declined")
    await fit(page, person)
    await page.get_by_label("They need other care first").first.check()
    await page.get_by_role("button", name="Decline the referral").click()
    await expect(page.get_by_text("The referral is declined.")).to_be_visible()
    await expect(page.locator("#story")).to_contain_text("Declined: they need other care first")
    await fit(page, person)
    ends = (await harness.view(person)).story.endings
    assert [(end.kind, end.reason) for end in ends] == [("declined", DeclineReason.NEEDS_OTHER_CARE)]
    await page.get_by_role("alert").get_by_role("button", name="Undo").click()
    await page.get_by_role("button", name="Yes, undo it").click()
    await expect(page.get_by_role("heading", name="Hand over or end")).to_be_visible()
    await harness.wait(person, lambda view: bool(view["open"] and view["active"]))
