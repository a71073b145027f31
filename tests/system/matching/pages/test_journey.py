"""The journey from a referral to a first visit in a browser, each page checked with axe and at 320 pixels."""

import re

from playwright.async_api import Page, expect

from shared.contract.events import vocabulary as v
from tests.harness.matching.pages.running import PagesHarness
from tests.harness.pages.browser import check_axe, check_reflow


async def fit(page: Page) -> None:
    """Checks accessibility and reflow of the page."""
    await check_axe(page)
    await check_reflow(page)


async def test_journey_from_caseload_to_first_visit(harness: PagesHarness, chromium_page: Page) -> None:
    page = chromium_page
    person = await harness.refer(needs=["befriending"], safe_to_text="ring")
    meeting = await harness.meet_now(person)
    await harness.sign_in(page)

    await harness.open(page, "/matching/")
    entry = page.locator(f"#meeting-{meeting}")
    await expect(entry).to_contain_text(person.name)
    await expect(entry).to_contain_text("Ring, do not text. No voicemail")
    assert person.name not in await page.title()
    await fit(page)

    await entry.get_by_role("button", name="Open the appointment").click()
    await page.get_by_label("What matters to you?").fill("Seeing people\nagain")
    await page.get_by_role("button", name="Save draft", exact=True).click()
    await expect(page.get_by_text("The draft is saved")).to_be_visible()
    await fit(page)

    await harness.open(page, f"/matching/meetings/{meeting}")
    await expect(page.get_by_label("What matters to you?")).to_have_value("Seeing people\nagain")
    await page.get_by_role("button", name="Save the appointment").click()
    await expect(page.get_by_role("alert")).to_contain_text("Choose what happens next")
    await expect(page.get_by_label("What matters to you?")).to_have_value("Seeing people\nagain")
    assert (await page.title()).startswith("Error: ")
    await fit(page)

    club = page.get_by_role("group", name="Meir lunch club (example)")
    await club.get_by_label("Add to plan").check()
    await club.get_by_label("Yes", exact=True).check()
    await page.get_by_label("What would you like to do or change?").first.fill("Have lunch with others")
    await page.locator("#goal1_importance-9").check()
    await page.locator("#ons4_happy-3").check()
    await page.get_by_label("What happens next").select_option("wait_for_service")
    await page.get_by_label("in a week").check()
    await page.get_by_role("button", name="Save the appointment").click()
    await expect(page.get_by_text("The appointment is saved.")).to_be_visible()
    await expect(page.locator("#plan")).to_contain_text("Asked, no answer yet")
    await fit(page)
    view = await harness.view(person)
    assert view.story.plan.goals[0].importance == 9
    assert view.story.measured[v.Instrument.ONS4, v.Stage.BEFORE][0].scores == {"happy": 3}

    link = await harness.link_of(person)
    await page.context.clear_cookies()
    await page.goto(link)
    await expect(page.get_by_role("heading", name="Can you help this person?")).to_be_visible()
    assert person.name not in await page.content()
    await fit(page)
    await page.get_by_role("button", name="Yes, we can help").click()
    await expect(page.get_by_role("heading", name="You said yes")).to_be_visible()
    await fit(page)

    await page.get_by_role("button", name="Email me the code").click()
    await fit(page)
    await page.get_by_label("Code").fill("000 000")
    await page.get_by_role("button", name="Show name and telephone").click()
    await expect(page.get_by_role("alert")).to_contain_text("This is not the code")
    code = re.search(r"\b\d{6}\b", harness.mailbox.letters[-1])
    assert code is not None
    await page.get_by_label("Code").fill(code[0])
    await page.get_by_role("button", name="Show name and telephone").click()
    await expect(page.get_by_text(person.name)).to_be_visible()
    await expect(page.get_by_role("link", name=person.telephone)).to_be_visible()
    await fit(page)

    await page.get_by_role("link", name="Done, back to your answer").click()
    assert person.name not in await page.content()
    await expect(page.get_by_text("You saw their name and telephone number on")).to_be_visible()
    await expect(page.get_by_role("button", name="Email me the code")).to_have_count(0)
    await page.get_by_text("We no longer have their name and number").click()
    await expect(page.get_by_role("button", name="Ask again: email a new code")).to_be_visible()
    await fit(page)
    await page.get_by_text("They came", exact=True).click()
    today = harness.matching.state.kernel.clock().date()
    for label, value in (("Day", today.day), ("Month", today.month), ("Year", today.year)):
        await page.get_by_label(label, exact=True).fill(str(value))
    await page.get_by_role("button", name="Save: they came").click()
    await expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    await expect(page.get_by_text("There is nothing more to do.")).to_be_visible()
    await expect(page.get_by_text("Please get in touch with them")).to_have_count(0)
    await fit(page)

    await harness.sign_in(page)
    await harness.open(page, f"/matching/cases/{person.referral}")
    await expect(page.locator("#plan")).to_contain_text("First visit made")
    await expect(page.locator("#story")).to_contain_text("Came to the appointment")


async def test_plan_prints_on_one_page(harness: PagesHarness, chromium_page: Page) -> None:
    page = chromium_page
    person = await harness.refer(needs=["debt", "befriending"])
    meeting = await harness.meet_now(person)
    await harness.sign_in(page)
    await harness.open(page, f"/matching/meetings/{meeting}")
    await page.get_by_label("What matters to you?").fill(
        "My garden, and opening the post without dread. " * 8
    )
    for number in (1, 2, 3):
        if number > 1:
            await page.locator("summary", has_text=f"Goal {number}").click()
        await page.locator(f"#goal{number}_words").fill(
            "Know what I owe, and have lunch with others each week"
        )
        await page.locator(f"#goal{number}_need").select_option("debt")
        await page.locator(f"#goal{number}_importance-8").check()
        await page.locator(f"#goal{number}_confidence-5").check()
    for name in ("Meir lunch club (example)", "Meir debt desk (example)"):
        await page.get_by_role("group", name=name).get_by_label("Add to plan").check()
    await page.get_by_label("What happens next").select_option("ring")
    await page.get_by_label("in 2 weeks").check()
    await page.get_by_role("button", name="Save the appointment").click()
    await page.get_by_role("link", name="Print the plan").click()
    await expect(page.get_by_text("Know what I owe").first).to_be_visible()
    await expect(page.get_by_text("Priya Wainwright")).to_be_visible()
    await fit(page)
    sheets = await page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", sheets)) == 1
