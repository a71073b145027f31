"""Pages of a team and of its manager, from the reason for a cover to a supervision session."""

import re

from playwright.async_api import Page, expect

from tests.harness.matching.pages.running import PagesHarness, link_worker
from tests.system.matching.pages.test_every_page import fit


async def test_colleague_covers_a_case_and_its_link_worker_sees_it(
    harness: PagesHarness, chromium_page: Page
) -> None:
    page = chromium_page
    person = await harness.refer()
    colleague = await harness.put_worker(5, name="Sam Bratt", hours=[])
    try:
        await harness.sign_in(page, link_worker=colleague, subject=colleague)
        await harness.open(page, "/matching/team")
        await fit(page, person)
        await page.locator(f'a[href="/matching/team/{harness.worker}"]').click()
        assert person.name not in await page.content()
        await fit(page, person)
        await page.get_by_text("I look for somebody by name").click()
        await page.get_by_role("button", name="Show the names").click()
        await expect(page.get_by_role("alert")).to_contain_text("Choose why you look for somebody")
        assert person.name not in await page.content()
        await page.get_by_label("Somebody rang about them and it cannot wait").check()
        await page.get_by_role("button", name="Show the names").click()
        await expect(page.get_by_role("link", name=f"Cover {person.name}")).to_be_visible()
        await fit(page, person)
        await harness.open(page, "/matching/team")
        await page.locator(f'a[href="/matching/team/{harness.worker}"]').click()
        await page.get_by_role("link", name=f"Cover case {person.referral[-6:]}").click()
        assert person.name not in await page.content()
        await page.get_by_role("button", name="Open the case").click()
        await expect(page.get_by_role("alert")).to_contain_text("Choose why you open this case")
        await fit(page, person)
        await page.get_by_label("Their link worker is away").check()
        await page.get_by_role("button", name="Open the case").click()
        await expect(page.get_by_role("heading", level=1)).to_contain_text(person.name)
        await expect(page.get_by_text("You cover this case for Priya Wainwright")).to_be_visible()
        await expect(page.get_by_role("link", name="Change telephone or safe to text")).to_be_visible()
        await fit(page, person)
        await page.goto(f"{harness.referral_address}/referral/referrals/{person.referral}/contact")
        await expect(page.get_by_label("Telephone", exact=True)).to_be_visible()
        await page.goto(f"{harness.referral_address}/referral/find")
        await page.get_by_label("Name or number").fill(person.name)
        await page.get_by_role("button", name="Find").click()
        await expect(page.get_by_role("link", name=person.name)).to_be_visible()

        await harness.sign_in(page)
        await harness.open(page, "/matching/")
        told = page.get_by_role("listitem").filter(has_text="Sam Bratt").filter(has_text=person.name)
        await expect(told).to_contain_text("“Their link worker is away”")
        await fit(page)
        await harness.open(page, f"/matching/cases/{person.referral}")
        await expect(page.locator("#covers")).to_contain_text("Sam Bratt")

        await harness.sign_in(page, link_worker=colleague, subject=colleague)
        await harness.open(page, "/matching/team")
        await page.get_by_role("link", name=person.name).click()
        await page.get_by_role("button", name="End the cover").click()
        await expect(page.get_by_text("You no longer cover that case.")).to_be_visible()
    finally:
        await harness.put_worker(5, active=False)


async def test_cases_are_handed_over_with_a_preview_and_undone(
    harness: PagesHarness, chromium_page: Page
) -> None:
    page = chromium_page
    first, second = await harness.refer(), await harness.refer()
    hours = link_worker("", "")["hours"]
    colleague = await harness.put_worker(6, name="Lee Colclough", hours=hours)
    await harness.sign_in(page, subject="another-browser")
    await harness.open(page, "/matching/")
    told = re.search(r"([0-9]+) cases? of yours went", await page.content())
    before = int(told[1]) if told else 0  # By other tests.
    try:
        await harness.sign_in(page)
        await harness.open(page, "/matching/hand-over")
        await fit(page)
        for person in (first, second):
            await page.get_by_label(f"{person.name}, appointment booked").check()
        await page.get_by_label("Lee Colclough").check()
        await page.get_by_label("Note to the colleague").fill("Both like the mornings")
        await page.get_by_role("button", name="See what happens").click()
        await expect(page.get_by_text("Keeps the time")).to_have_count(2)
        await fit(page, first)
        await page.get_by_role("button", name="Hand over 2 cases").click()
        await expect(page.get_by_role("heading", level=1)).to_contain_text("Handed over to Lee Colclough")
        await fit(page, first)
        for person in (first, second):
            assert (await harness.view(person)).story.link_worker == colleague
        await harness.sign_in(page, subject="another-browser")
        batch = page.url
        await harness.open(page, "/matching/")
        await expect(page.get_by_text(f"{before + 2} cases of yours went to a colleague.")).to_be_visible()
        await fit(page)
        await harness.sign_in(page)
        await page.goto(batch)
        await page.get_by_role("button", name="Undo").click()
        await expect(page.get_by_role("heading", level=1)).to_contain_text("Taken back")
        await fit(page, first)
        for person in (first, second):
            assert (await harness.view(person)).story.link_worker == harness.worker
    finally:
        await harness.put_worker(6, active=False)


async def test_manager_counts_lists_and_supervises(harness: PagesHarness, chromium_page: Page) -> None:
    page = chromium_page
    person = await harness.refer()
    await harness.sign_in(page, role="manager", subject="boss")
    await harness.open(page, "/matching/desk")
    row = page.get_by_role("row").filter(has_text="Priya Wainwright").last
    await expect(row).to_be_visible()
    await fit(page, person)
    await harness.open(page, "/matching/desk/quality")
    await fit(page, person)
    path = f"/matching/desk/lists/{harness.here}/stage-booked?link_worker={harness.worker}"
    await harness.open(page, path)
    assert person.name not in await page.content()
    await fit(page, person)
    await page.get_by_role("button", name="Show the names").click()
    await expect(page.get_by_label(person.name)).to_be_visible()
    await fit(page, person)
    await page.get_by_label(person.name).check()
    await page.get_by_role("button", name="Hand over the ticked cases").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Hand over cases")
    await fit(page, person)

    await harness.open(page, f"/matching/desk/link-workers/{harness.worker}")
    await expect(page.get_by_text("no session is recorded")).to_be_visible()
    await fit(page, person)
    await page.get_by_role("button", name="Record a session").click()
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_role("alert")).to_contain_text("Choose when you meet next")
    await fit(page, person)
    await page.get_by_label("In 6 weeks").check()
    await page.get_by_label(f"Case {person.referral[-6:]}").check()
    await page.get_by_role("button", name="Continue").click()
    await page.get_by_label(f"Case {person.referral[-6:]}").fill("Ring before noon")
    await fit(page, person)
    await page.get_by_role("button", name="Save the session").click()
    await expect(page.get_by_text("The session is recorded.")).to_be_visible()
    await page.get_by_role("link", name="1 case").or_(page.locator("#supervision ~ ul a")).first.click()
    await page.get_by_role("button", name="Show what was agreed").click()
    await expect(page.get_by_text("Ring before noon")).to_be_visible()
    await fit(page, person)
    await page.get_by_role("button", name="Take the session back").click()
    await expect(page.get_by_text("The session is taken back.")).to_be_visible()
