"""Pages of an administrator: a link worker is added, given hours in a room, and goes on leave."""

import re
from datetime import datetime, timedelta

from playwright.async_api import Page, expect

from shared.platform.clock import LONDON
from tests.harness.matching.pages.running import PagesHarness
from tests.harness.pages.browser import check_axe, check_reflow

HOME = "/matching/administration"


async def fit(page: Page, heading: str = "") -> None:
    """Checks the page, once it has this heading."""
    await expect(page.get_by_role("heading", level=1)).to_contain_text(heading)
    await check_axe(page)
    await check_reflow(page)


async def test_pages_of_administration_fit_and_are_accessible(
    harness: PagesHarness, chromium_page: Page
) -> None:
    page = chromium_page
    await harness.sign_in(page, "programme_admin")
    await harness.open(page, HOME)
    await fit(page)
    await page.get_by_role("link", name="Sites and rooms").click()
    await page.get_by_role("button", name="Add a room").first.click()
    await fit(page, "Add a room")
    await page.get_by_role("button", name="Add the room").click()
    await expect(page.get_by_role("alert")).to_contain_text("Enter the site")
    await fit(page)
    await page.get_by_label("Site").fill("Meir Primary Care Centre")
    await page.get_by_label("Room", exact=True).fill("room 9")
    await page.get_by_role("button", name="Add the room").click()
    await expect(page.get_by_text("The change is saved.")).to_be_visible()
    await fit(page)

    await harness.open(page, f"{HOME}/link-workers")
    await fit(page)
    await page.get_by_role("button", name="Add a link worker").first.click()
    await fit(page, "Add a link worker")
    await page.get_by_label("Name", exact=True).fill("Gareth Sillitoe")
    await page.get_by_label("Email at work").fill("gareth@links.example")
    await page.get_by_label("Telephone at work").fill("01632 960402")
    await page.get_by_role("button", name="Add and enter hours").click()
    await expect(page.get_by_text("Now enter their hours.")).to_be_visible()
    await fit(page)
    first = page.get_by_role("group", name="Hours 1", exact=True)
    await first.get_by_label("Day").select_option("Tuesday")
    await first.get_by_label("From").fill("9:00")
    await first.get_by_label("To").fill("8:00")
    await page.get_by_role("button", name="Save hours").click()
    await expect(page.get_by_role("alert").first).to_contain_text("The end must be after the beginning")
    await fit(page)
    first = page.get_by_role("group", name="Hours 1", exact=True)
    await first.get_by_label("To").fill("12:30")
    await first.get_by_label("Room", exact=True).select_option("Meir Primary Care Centre, room 9")
    await first.get_by_role("checkbox").first.check()
    await page.get_by_role("button", name="Save hours").click()
    await expect(page.get_by_text("The change is saved.")).to_be_visible()
    await expect(page.get_by_role("cell", name="Meir Primary Care Centre, room 9")).to_be_visible()
    await fit(page)
    await page.get_by_role("button", name="Change details").click()
    await fit(page, "Change details")
    # Nobody else of these tests shall be booked with them.
    entered = re.search(r"/link-workers/([^/?]+)", page.url)
    assert entered is not None
    await harness.put_entry(entered[1], active=False)


async def test_leave_pages_show_what_moves_first(harness: PagesHarness, chromium_page: Page) -> None:
    page = chromium_page
    worker, person = await harness.put_worker(8), await harness.refer()
    await harness.meet_now(person, minutes_ago=-5, worker=worker)
    await harness.sign_in(page, link_worker=worker)
    await harness.open(page, "/matching/")
    await page.get_by_role("link", name="Leave", exact=True).click()
    await page.get_by_label("Other days").check()
    await fit(page)
    await page.get_by_label("Today", exact=True).check()
    await page.get_by_role("button", name="See what becomes of the appointments").click()
    await expect(page.get_by_text("1 appointment is in this time.")).to_be_visible()
    await expect(page.get_by_role("link", name=person.name)).to_be_visible()
    await fit(page)
    await page.get_by_role("button", name="Record it and move the appointments").click()
    await expect(page.get_by_role("heading", name="You are away")).to_be_visible()
    await fit(page)
    await page.get_by_role("link", name="Back to leave").first.click()
    await fit(page, "Leave and sickness")
    await page.get_by_role("button", name="Appointments that it moved").click()
    await page.get_by_role("button", name="Undo this leave").click()
    await expect(page.get_by_role("heading", name="The leave is undone")).to_be_visible()
    await fit(page)

    # An administrator sees references, and no names.
    await harness.sign_in(page, "programme_admin")
    await harness.open(page, f"{HOME}/link-workers/{worker}/leave")
    day = datetime.now(LONDON).date() + timedelta(days=1)
    await page.get_by_label("Other days").check()
    for label, value in (("Day", day.day), ("Month", day.month), ("Year", day.year)):
        await page.get_by_role("group", name="First day").get_by_label(label).fill(str(value))
    await page.get_by_label("From the first day on, until I say that it ends").check()
    await page.get_by_role("button", name="See what becomes of the appointments").click()
    await expect(page.get_by_text("end not known yet")).to_be_visible()
    await expect(page.get_by_text(person.name)).to_have_count(0)
    await fit(page)


async def test_feed_pages_fit(harness: PagesHarness, chromium_page: Page) -> None:
    page = chromium_page
    await harness.sign_in(page, "programme_admin")
    await harness.open(page, f"{HOME}/feeds")
    await fit(page)
    await page.get_by_role("button", name="Add a feed").click()
    await fit(page, "Add a feed")
    await page.get_by_label("Short name").fill("council")
    await page.get_by_label("Address").fill("https://localhost/services")
    await (
        page.get_by_role("group", name="Where are its services offered?")
        .get_by_role("checkbox")
        .first.check()
    )
    await page.get_by_role("button", name="Add the feed").click()
    await expect(page.get_by_text("The feed is saved.")).to_be_visible()
    await fit(page)
    await page.get_by_role("button", name="Try it without a change").click()
    await expect(page.get_by_role("alert").first).to_contain_text("private network")
    await fit(page)
    await harness.open(page, f"{HOME}/services")
    await fit(page)
