"""The diary in a browser and over HTTP: it fits, names only the reader's own people, and prints."""

import re

from playwright.async_api import Page, expect

from shared.platform.clock import LONDON
from tests.harness.matching.pages.running import PagesHarness, Person, link_worker
from tests.harness.pages.browser import check_axe, check_reflow
from tests.harness.web.forms import browser, send_form


async def test_diary_fits_in_both_views_and_prints(harness: PagesHarness, chromium_page: Page) -> None:
    page = chromium_page
    person = await harness.refer()
    day = (await harness.view(person)).story.active.booked.starts_at.date().isoformat()
    await harness.sign_in(page)
    await harness.open(page, f"/matching/diary?on={day}")
    await expect(page.get_by_role("link", name=person.name).first).to_be_visible()
    await check_axe(page)
    await check_reflow(page)
    assert person.name.split()[-1] not in await page.title() + page.url
    await page.get_by_role("link", name="Show the week").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Week of")
    await check_axe(page)
    await check_reflow(page)
    await page.emulate_media(media="print")
    await expect(page.get_by_label("Whose diary")).to_be_hidden()
    await expect(page.get_by_role("link", name="Next week")).to_be_hidden()
    await expect(page.get_by_role("link", name=person.name).first).to_be_visible()


async def test_diary_of_colleague_names_nobody(harness: PagesHarness) -> None:
    person = await harness.refer()
    day = (await harness.view(person)).story.active.booked.starts_at.date().isoformat()
    colleague = await harness.put_worker(8, name="Sam Heath")
    shown = f"lw:{harness.worker}"
    async with browser(harness.matching, harness.cookies(link_worker=colleague)) as client:
        theirs = (await client.get("/matching/diary", params={"show": shown, "on": day})).text
        assert "Booked" in theirs
        assert person.name not in theirs
        assert person.referral not in theirs
        nonsense = await client.get("/matching/diary", params={"show": "lw:<script>", "on": "soon"})
        assert nonsense.status_code == 200
        assert "My diary" in nonsense.text
    async with browser(harness.matching, harness.cookies("programme_admin")) as client:
        programme = (await client.get("/matching/diary", params={"show": shown, "on": day})).text
        assert "Booked" in programme
        assert person.name not in programme


async def test_time_is_chosen_day_by_day_with_whom_and_how(
    harness: PagesHarness, chromium_page: Page
) -> None:
    page = chromium_page
    person = await harness.refer()
    was = (await harness.view(person)).story.active.booked
    await harness.sign_in(page)
    await harness.open(page, f"/matching/meetings/{was.meeting_id}/rebook")
    await page.get_by_role("link", name="More times").click()
    await check_axe(page)
    await check_reflow(page)
    await page.get_by_role("link", name="Later days").click()
    await page.get_by_label("How").select_option(label="By telephone")
    await page.get_by_role("button", name="Show these times").click()
    await expect(page.get_by_role("link", name="Earlier days")).to_be_visible()
    days = page.get_by_role("navigation", name="Days with free times").get_by_role("link", name="time")
    await days.nth(1).click()
    await expect(page.get_by_role("radio").first).to_be_visible()
    assert await page.get_by_role("radio").count() > 3
    await check_axe(page)
    await page.get_by_role("button", name="Move the appointment").click()
    await expect(page.get_by_role("alert")).to_contain_text("Choose one of the times")
    await page.get_by_role("radio").nth(4).check()
    await page.get_by_role("button", name="Move the appointment").click()
    await expect(page.get_by_text("The appointment is moved.")).to_be_visible()
    now = (await harness.view(person)).story.active.booked
    assert now.mode.value == "phone"
    assert (now.starts_at - was.starts_at).days > 7


async def with_colleague(harness: PagesHarness, number: int) -> tuple[str, Person]:
    """A colleague, and a person whose meeting was moved to them on a page."""
    person = await harness.refer()
    was = (await harness.view(person)).story.active.booked
    hours = link_worker("", harness.here)["hours"]
    colleague = await harness.put_worker(number, name="Sam Heath", hours=hours)
    path = f"/matching/meetings/{was.meeting_id}/rebook"
    async with browser(harness.matching, harness.cookies()) as client:
        shown = await client.get(path, params={"more": "yes", "with": colleague})
        assert "with Sam Heath" in shown.text
        slots = re.findall(rf'value="({colleague}\|[^"]*)"', shown.text)
        moved = await send_form(client, path, path, {"slot": slots[0]})
        assert moved.headers["location"] == "/matching/?done=moved-with-case"
        assert "the case is now theirs" in (await client.get(moved.headers["location"])).text
    return colleague, person


async def test_moving_to_a_colleague_takes_the_case_along(harness: PagesHarness) -> None:
    colleague, person = await with_colleague(harness, 9)
    assert (await harness.view(person)).story.link_worker == colleague
    await harness.put_worker(9, name="Sam Heath", active=False)


async def test_time_is_kept_free_over_an_appointment(harness: PagesHarness, chromium_page: Page) -> None:
    page = chromium_page
    worker, person = await with_colleague(harness, 7)
    booked = (await harness.view(person)).story.active.booked
    begins = booked.starts_at.astimezone(LONDON)
    await harness.sign_in(page, link_worker=worker)
    await harness.open(page, f"/matching/diary?on={begins.date().isoformat()}")
    await page.get_by_role("link", name="Keep time free").click()
    await check_axe(page)
    await check_reflow(page)
    await page.get_by_role("button", name="Keep this time free").click()
    await expect(page.get_by_role("alert")).to_contain_text("Choose what the time is for")
    await page.get_by_label("Supervision").check()
    await page.get_by_label("From").fill(f"{begins:%H:%M}")
    await page.get_by_label("To", exact=True).fill("23:59")
    await page.get_by_role("button", name="Keep this time free").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("1 appointment is in the way")
    await expect(page.get_by_text(person.name)).to_be_visible()
    await expect(page.get_by_text("Would move to")).to_be_visible()
    await check_axe(page)
    await check_reflow(page)
    await page.get_by_role("button", name="Yes, move them").click()
    await expect(page.get_by_role("heading", name="Whom to ring")).to_be_visible()
    await check_axe(page)
    await check_reflow(page)
    assert (await harness.view(person)).story.active.booked.meeting_id != booked.meeting_id
    await page.get_by_role("button", name="Remove it").click()
    await expect(page.get_by_text("The time can be booked again.")).to_be_visible()
    assert (await harness.view(person)).story.active.booked.starts_at == booked.starts_at
    await harness.put_worker(7, name="Sam Heath", active=False)


async def test_calendar_page_shows_its_address_once(harness: PagesHarness, chromium_page: Page) -> None:
    page = chromium_page
    await harness.sign_in(page)
    await harness.open(page, "/matching/diary/calendar")
    await page.get_by_role("button", name="Switch it on").click()
    address = await page.locator("code").inner_text()
    assert address.startswith(f"{harness.matching.state.features.calendar.public_url}/matching/calendar/")
    await check_axe(page)
    await check_reflow(page)
    await harness.open(page, "/matching/diary/calendar")
    await expect(page.locator("code")).to_have_count(0)
    await page.get_by_role("button", name="Switch it off").click()
    await expect(page.get_by_text("It is off. The address has ended.")).to_be_visible()
