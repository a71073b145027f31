"""Leaving the meeting page keeps the input, with and without scripts."""

from playwright.async_api import Browser, Dialog, Page, expect

from tests.harness.matching.pages.running import PagesHarness

MATTERS = "What matters to you?"


async def test_typing_is_kept_by_the_script(harness: PagesHarness, chromium_page: Page) -> None:
    page = chromium_page
    person = await harness.refer()
    meeting = await harness.meet_now(person)
    await harness.sign_in(page)
    await harness.open(page, f"/matching/meetings/{meeting}")
    await page.get_by_label(MATTERS).fill("Her garden")
    await expect(page.locator("#draft-state")).to_contain_text("Draft saved at", timeout=20_000)
    await harness.open(page, f"/matching/meetings/{meeting}")
    await expect(page.get_by_label(MATTERS)).to_have_value("Her garden")


async def test_leaving_with_unsaved_words_warns(harness: PagesHarness, chromium_page: Page) -> None:
    page = chromium_page
    person = await harness.refer()
    meeting = await harness.meet_now(person)
    await harness.sign_in(page)
    await harness.open(page, f"/matching/meetings/{meeting}")
    kinds: list[str] = []

    async def stay(dialog: Dialog) -> None:
        kinds.append(dialog.type)
        await dialog.accept()

    page.on("dialog", stay)
    await page.get_by_label(MATTERS).press_sequentially("Her garden")
    await page.get_by_role("link", name="Back to the case").click()
    await page.wait_for_url(f"**/matching/cases/{person.referral}")
    assert kinds == ["beforeunload"]


async def test_going_back_by_button_keeps_the_draft(harness: PagesHarness, chromium: Browser) -> None:
    context = await chromium.new_context(java_script_enabled=False)
    page = await context.new_page()
    person = await harness.refer()
    meeting = await harness.meet_now(person)
    await harness.sign_in(page)
    await harness.open(page, f"/matching/meetings/{meeting}")
    await page.get_by_label(MATTERS).fill("Her garden")
    await page.get_by_role("button", name="Save draft and go back").click()
    await expect(page.get_by_text("The draft is saved.")).to_be_visible()
    await harness.open(page, f"/matching/meetings/{meeting}")
    await expect(page.get_by_label(MATTERS)).to_have_value("Her garden")
    await context.close()


async def test_draft_is_in_no_database_in_clear(harness: PagesHarness, chromium_page: Page) -> None:
    page = chromium_page
    person = await harness.refer()
    meeting = await harness.meet_now(person)
    await harness.sign_in(page)
    await harness.open(page, f"/matching/meetings/{meeting}")
    await page.get_by_label(MATTERS).fill("Her garden")
    await page.get_by_role("button", name="Save draft", exact=True).click()
    await expect(page.get_by_text("The draft is saved.")).to_be_visible()
    drafts = harness.matching.state.kernel.mongo["drafts"]
    kept = [row async for row in drafts.find({"_id": {"$regex": person.referral}})]
    assert len(kept) == 1
    assert "garden" not in repr(kept)


async def test_reopening_asks_which_appointment(harness: PagesHarness, chromium_page: Page) -> None:
    page = chromium_page
    person = await harness.refer()
    await harness.sign_in(page)
    case = f"/matching/cases/{person.referral}"
    await harness.open(page, f"{case}?open=decline#close")
    await page.locator("#decline_reason").check()
    await page.get_by_role("button", name="Decline the referral").click()
    await page.get_by_role("button", name="Open it again").click()
    await expect(page.get_by_role("alert")).to_contain_text("Choose whether an appointment is booked")
    await expect(page.get_by_role("radiogroup", name="Which appointment do they get?")).to_have_attribute(
        "aria-invalid", "true"
    )
    await page.get_by_label("Not yet").check()
    await page.locator("#meet_from").fill("1")
    await page.locator("#meet_from-month").fill("1")
    await page.locator("#meet_from-year").fill("2020")
    await page.get_by_role("button", name="Open it again").click()
    await expect(page.get_by_role("alert")).to_contain_text("The day must be in the future")
    await page.get_by_role("radio", name="Book ").first.check()
    await page.get_by_role("button", name="Open it again").click()
    await expect(page.get_by_text("The case is open again, and an appointment is booked.")).to_be_visible()
    view = await harness.view(person)
    assert view.story.active.booked.provisional is False
