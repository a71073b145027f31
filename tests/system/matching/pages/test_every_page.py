"""Pages of matching: no axe violations, no sideways scrolling at 320 pixels, no name in a title."""

import pytest
from playwright.async_api import Page, expect

from tests.harness.matching.pages.running import PagesHarness, Person
from tests.harness.pages.browser import check_axe, check_reflow


async def fit(page: Page, person: Person | None = None) -> None:
    """Checks accessibility, reflow, and that title and address name nobody."""
    await check_axe(page)
    await check_reflow(page)
    if person is not None:
        title = await page.title()
        assert not any(part in title + page.url for part in (*person.name.split(), person.telephone))


async def test_pages_of_case_fit_and_are_accessible(harness: PagesHarness, chromium_page: Page) -> None:
    page = chromium_page
    person = await harness.refer(safe_to_text="ring", access_needs=["step_free"])
    await harness.sign_in(page)
    case = f"/matching/cases/{person.referral}"
    await harness.open(page, case)
    await expect(page.get_by_role("heading", level=1)).to_contain_text(person.name)
    await expect(page.get_by_text("Step-free access")).to_be_visible()
    await fit(page, person)

    meeting = (await harness.view(person)).story.active.booked.meeting_id
    await harness.open(page, f"/matching/meetings/{meeting}/rebook")
    await expect(page.get_by_role("radio")).to_have_count(3)
    await fit(page, person)
    await page.get_by_role("button", name="Move the appointment").click()
    await expect(page.get_by_role("alert")).to_contain_text("Choose one of the times")
    await page.get_by_role("radio").nth(1).check()
    await page.get_by_role("button", name="Move the appointment").click()
    await expect(page.get_by_text("The appointment is moved.")).to_be_visible()
    await fit(page, person)

    moved = (await harness.view(person)).story.active.booked
    assert moved.meeting_id != meeting
    await harness.open(page, f"/matching/meetings/{moved.meeting_id}/no-longer-wants")
    await fit(page, person)
    await page.get_by_role("button", name="Yes, cancel and end").click()
    await expect(page.get_by_role("heading", name="This case has ended")).to_be_visible()
    await fit(page, person)
    await page.get_by_role("radio", name="Book ").first.check()
    await page.get_by_role("button", name="Open it again").click()
    await expect(page.get_by_text("The case is open again, and an appointment is booked.")).to_be_visible()


async def test_service_of_plan_pages_fit(harness: PagesHarness, chromium_page: Page) -> None:
    page = chromium_page
    person = await harness.refer(needs=["befriending"])
    prescription = await harness.plan(person)
    await harness.sign_in(page)
    await harness.open(page, f"/matching/cases/{person.referral}/services/{prescription}")
    await fit(page, person)
    await page.get_by_label("There is a waiting list").check()
    await page.get_by_label("About how many weeks?").fill("six")
    await page.get_by_role("button", name="Save their answer").click()
    await expect(page.get_by_role("alert")).to_contain_text("from 1 to 104")
    await expect(page.get_by_label("About how many weeks?")).to_have_value("six")
    await fit(page, person)
    await page.get_by_label("About how many weeks?").fill("6")
    await page.get_by_role("button", name="Save their answer").click()
    await expect(page.locator("#plan")).to_contain_text("On a waiting list")

    await harness.open(page, f"/matching/cases/{person.referral}/services/{prescription}")
    await page.locator("#visit").get_by_label("No", exact=True).check()
    await page.get_by_label("What stopped it?").select_option("transport")
    await page.get_by_role("button", name="Save the first visit").click()
    await expect(page.locator("#plan")).to_contain_text("First visit did not happen")
    await expect(page.locator("#story")).to_contain_text("getting there")
    await page.get_by_role("link", name="Print the plan").click()
    await expect(page.get_by_text("You have not been there yet.")).to_be_visible()


async def test_review_adds_missing_parts_of_plan(harness: PagesHarness, chromium_page: Page) -> None:
    page = chromium_page
    person = await harness.refer(needs=["befriending"])
    await harness.plan(person)
    await harness.sign_in(page)
    await harness.open(page, f"/matching/cases/{person.referral}/review")
    await expect(page.get_by_text("Already in the plan")).to_be_visible()
    await fit(page, person)
    await page.get_by_label("Managing debt").check()
    await page.get_by_role("button", name="Show services for these").click()
    await expect(page.get_by_role("heading", name="Meir debt desk (example)")).to_be_visible()
    await page.locator("summary", has_text="Nothing suitable").first.click()
    await page.get_by_role("group", name="Why is nothing suitable?").first.get_by_label("Too far").check()
    await page.get_by_label("What happens next").select_option("review")
    await page.get_by_label("in 12 weeks").check()
    await page.get_by_role("button", name="Save the plan").click()
    await expect(page.get_by_text("The plan is saved.")).to_be_visible()
    assert [need.reason.value for need, _ in (await harness.view(person)).story.unmet] == ["too_far"]


async def test_contact_can_be_undone(harness: PagesHarness, chromium_page: Page) -> None:
    page = chromium_page
    person = await harness.refer(safe_to_text="ring")
    await harness.sign_in(page)
    await harness.open(page, f"/matching/cases/{person.referral}?open=contact#contact")
    await page.locator("#contact").get_by_label("Yes", exact=True).check()
    await page.locator("#contact").get_by_label("Note (optional)").fill("Will come")
    await page.get_by_role("button", name="Record it").click()
    await expect(page.get_by_text("The contact is recorded.")).to_be_visible()
    await expect(page.locator("#story")).to_contain_text("Rang: reached them")
    await fit(page, person)
    await page.get_by_role("alert").get_by_role("button", name="Undo").click()
    await page.get_by_role("button", name="Yes, undo it").click()
    await expect(page.get_by_text("Undone.")).to_be_visible()
    await expect(page.locator("#story s")).to_contain_text("Rang: reached them")
    assert (await harness.view(person)).story.contacts == ()
    await page.get_by_role("button", name="Show risk, reason and notes").click()
    await expect(page.get_by_text("Will come")).to_be_visible()
    await fit(page, person)


async def test_off_sick_page_fits_and_is_undone(harness: PagesHarness, chromium_page: Page) -> None:
    page = chromium_page
    worker, person = await harness.put_worker(7), await harness.refer()
    meeting = await harness.meet_now(person, minutes_ago=-5, worker=worker)
    await harness.sign_in(page, link_worker=worker)
    await harness.open(page, "/matching/away")
    await expect(page.get_by_text("1 appointment is still to come today.")).to_be_visible()
    await fit(page)
    await page.get_by_role("button", name="Yes, move today’s appointments").click()
    await expect(page.get_by_role("heading", name="Whom to ring")).to_be_visible()
    await expect(page.get_by_role("link", name=person.name, exact=True)).to_be_visible()
    await fit(page)
    statuses = {m.booked.meeting_id: m.status for m in (await harness.view(person)).story.meetings}
    assert statuses[meeting] in ("cancelled", "replaced")

    await harness.open(page, "/matching/")
    await expect(page.get_by_text("You are off today.")).to_be_visible()
    await fit(page)
    await page.get_by_role("link", name="See whom to ring, or undo it").click()
    await expect(page.get_by_role("link", name=person.name, exact=True)).to_be_visible()
    await page.get_by_role("button", name="Undo: I am here today").click()
    await expect(page.get_by_role("heading", name="You are here today")).to_be_visible()
    await fit(page)
    await harness.open(page, "/matching/")
    await expect(page.get_by_text("You are off today.")).to_have_count(0)


async def test_case_without_meeting_is_booked(harness: PagesHarness, chromium_page: Page) -> None:
    page = chromium_page
    person = await harness.refer(needs=["befriending"])
    await harness.plan(person)
    await harness.sign_in(page)
    await harness.open(page, f"/matching/cases/{person.referral}/book")
    await fit(page, person)
    await page.get_by_role("radio").first.check()
    await page.get_by_role("button", name="Book this time").click()
    await expect(page.get_by_text("An appointment is booked.")).to_be_visible()
    await expect(page.get_by_role("button", name="Another time")).to_be_visible()


async def test_directory_pages_fit_and_are_accessible(harness: PagesHarness, chromium_page: Page) -> None:
    page = chromium_page
    await harness.sign_in(page)
    await harness.open(page, "/matching/services")
    await fit(page)
    await page.get_by_label("What would help").select_option("befriending")
    await page.get_by_label("Near which postcode").fill("st3 6ab")
    await page.get_by_role("button", name="Search").click()
    await expect(page.get_by_role("heading", level=3).first).to_have_text("Meir lunch club (example)")
    assert "need=befriending" in page.url
    assert "st3" not in page.url.lower(), "a postcode is somebody's: it stands in no address"
    await fit(page)
    await page.get_by_label("Near which postcode").fill("ST99 9ZZ")
    await page.get_by_role("button", name="Search").click()
    await expect(page.get_by_role("alert")).to_contain_text("Enter a full postcode that exists")
    await fit(page)
    await page.get_by_label("Near which postcode").fill("")
    await page.get_by_role("button", name="Search").click()
    await page.get_by_role("link", name="Meir lunch club (example)").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Meir lunch club (example)")
    await fit(page)
    await page.get_by_text("Something is wrong with this listing").click()
    await page.get_by_label("The days or times are wrong").check()
    await page.get_by_role("button", name="Send").click()
    await expect(page.get_by_text("Somebody will check this listing.")).to_be_visible()


async def test_programme_page_fits_and_is_accessible(harness: PagesHarness, chromium_page: Page) -> None:
    page = chromium_page
    await harness.refer()
    await harness.sign_in(page, role="programme_admin")
    await harness.open(page, "/matching/programme")
    await expect(page.get_by_role("row", name="Meir").first).to_be_visible()
    await fit(page)


@pytest.mark.parametrize("token", ["no-such-link", "%3Cscript%3E"])
async def test_altered_link_names_who_to_ring(harness: PagesHarness, chromium_page: Page, token: str) -> None:
    page = chromium_page
    answer = await page.goto(f"{harness.address}/s/{token}")
    assert answer is not None
    assert answer.status == 404
    await expect(page.get_by_role("heading", name="This link does not work")).to_be_visible()
    await expect(page.get_by_role("link", name="01632 960100")).to_be_visible()
    await fit(page)
