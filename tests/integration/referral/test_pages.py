"""The pages in a real browser: the whole way through the form, axe on each page, and 320 pixels."""

import re
from typing import Any

from playwright.async_api import Page, expect

from tests.harness.pages.browser import check_axe, check_reflow
from tests.harness.referral.matching_stub import MatchingStub
from tests.harness.referral.people import referral_body
from tests.harness.referral.running import ReferralHarness
from tests.integration.referral.test_api import meeting
from tests.integration.referral.test_details import withdraw


async def sign_in(page: Page, address: str, cookies: dict[str, str]) -> None:
    await page.context.add_cookies(
        [{"name": name, "value": value, "url": address} for name, value in cookies.items()]
    )


async def fill_in(page: Page, body: dict[str, Any]) -> None:
    year, month, day = body["date_of_birth"].split("-")
    await page.get_by_label("NHS number").fill(body["nhs_number"])
    for label, text in (("Day", day), ("Month", month), ("Year", year)):
        await page.get_by_label(label, exact=True).fill(text)
    for label, field in (
        ("First name", "given_name"),
        ("Last name", "family_name"),
        ("House and street", "house"),
        ("Postcode", "postcode"),
        ("Telephone", "telephone"),
    ):
        await page.get_by_label(label, exact=True).fill(body[field])
    # A group in error is a radiogroup, which can be marked as invalid.
    safe = page.get_by_role("group", name="Safe to text?").or_(
        page.get_by_role("radiogroup", name="Safe to text?")
    )
    await safe.get_by_label("Yes").check()
    await page.get_by_label("Managing debt").check()
    await page.get_by_label("No known risks").check()
    await page.get_by_label("They agree to be referred").check()
    await page.get_by_label("In person").check()


async def test_from_the_form_to_a_slip(
    referral: ReferralHarness, address: str, chromium_page: Page, matching: MatchingStub
) -> None:
    page, body = chromium_page, referral_body()
    await sign_in(page, address, referral.cookies())
    await page.goto(f"{address}/referral/new")
    await expect(page.get_by_text("From Meir Primary Care Centre, M83100")).to_be_visible()
    await check_axe(page)
    await check_reflow(page)

    await page.get_by_role("button", name="Refer", exact=True).click()
    await expect(page.get_by_role("alert")).to_contain_text("Enter the date of birth")
    assert (await page.title()).startswith("Error: ")
    await check_axe(page)
    await check_reflow(page)

    await fill_in(page, body)
    await page.get_by_role("button", name="Refer", exact=True).click()
    await expect(page.get_by_role("heading", name="Referral made")).to_be_visible()
    await expect(page.get_by_text("No appointment yet; we will be in touch by")).to_be_visible()
    assert body["family_name"] not in page.url + await page.title()
    await check_axe(page)
    await check_reflow(page)

    made = re.findall(r"[0-9a-f-]{36}", page.url)[0]
    await referral.say(meeting(referral, made))
    await referral.until(made, stage="booked")
    await page.reload()
    await expect(page.get_by_text("Priya Wainwright")).to_be_visible()
    await check_axe(page)
    await check_reflow(page)

    await page.get_by_role("button", name="Another time").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text(body["family_name"])
    assert made[-6:] in await page.title()
    await check_axe(page)
    await check_reflow(page)
    await page.get_by_label("Wednesday 2 December 2026 at 10:30am").check()
    await page.get_by_role("button", name="Move the appointment").click()
    await expect(page.get_by_role("heading", name="Appointment moved")).to_be_visible()
    path, authorization, sent = matching.asked[-1]
    assert path.endswith("/another-time")
    assert sent == {"locality": referral.here, "slot": "slot-2", "on_behalf_of": "tester"}
    assert authorization == "Bearer a-token"  # The service's own, and not the reader's.

    await page.goto(f"{address}/referral/referrals/{made}/slip")
    await expect(page.get_by_text("Ring 01632 960150")).to_be_visible()
    await check_axe(page)
    await check_reflow(page)
    await page.emulate_media(media="print")
    slip = await page.inner_text("body")
    assert not re.search(r"debt|befriending|prescri|service|need|referral", slip, re.IGNORECASE), slip
    await expect(page.get_by_role("button", name="Print")).to_be_hidden()


async def test_our_referrals_and_withdrawing_one(
    referral: ReferralHarness, address: str, chromium_page: Page
) -> None:
    page, practice = chromium_page, "M83047"
    bodies = [referral_body(practice=practice) for _ in range(2)]
    headers = referral.referrer(practice)
    for body in bodies:
        await referral.http.post("/api/referral/v1/referrals", json=body, headers=headers)
    await sign_in(page, address, referral.cookies(practice))
    await page.goto(f"{address}/referral/")

    listed = page.get_by_role("main").get_by_role("listitem").get_by_role("link", name="-")
    await expect(listed).to_have_text([f"{b['given_name']} {b['family_name']}" for b in bodies])
    await check_axe(page)
    await check_reflow(page)
    await page.get_by_text("Copy for the record").first.click()
    record = await page.get_by_label("For the patient’s record").first.input_value()
    assert "871731000000106" in record
    assert len(record.splitlines()) == 2
    await check_axe(page)

    await listed.first.click()
    await page.get_by_role("link", name="Withdraw this referral").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text(bodies[0]["family_name"])
    assert bodies[0]["family_name"] not in page.url + await page.title()
    await check_axe(page)
    await check_reflow(page)
    await page.get_by_role("button", name="Withdraw").click()
    await expect(page.get_by_role("alert")).to_contain_text("Choose why the referral is withdrawn")
    await check_axe(page)
    await page.get_by_label("The person asked for it").check()
    await page.get_by_role("button", name="Withdraw").click()
    await expect(page.get_by_role("heading", name="Referral withdrawn")).to_be_visible()
    await expect(page.get_by_role("main").get_by_text("Withdrawn", exact=True)).to_be_visible()
    await check_axe(page)
    await page.goto(f"{address}/referral/?group=ended")
    await expect(listed).to_have_count(1)


async def test_person_is_found_and_referred_again(
    referral: ReferralHarness, address: str, chromium_page: Page
) -> None:
    page, body = chromium_page, referral_body(family_name="Entwhistle", preferred_name="Tilly")
    made = await referral.made(body)
    await sign_in(page, address, referral.cookies())
    await page.goto(f"{address}/referral/new")
    await page.get_by_role("link", name="Find somebody your practice has referred before").click()
    await check_axe(page)
    await check_reflow(page)
    await page.get_by_role("button", name="Find").click()
    await expect(page.get_by_role("alert")).to_contain_text("Enter a name, a number, a postcode")
    await check_axe(page)
    await page.get_by_label("Name or number").fill("tilly entwhisle")
    await page.get_by_role("button", name="Find").click()
    await expect(page.get_by_role("link", name="Entwhistle")).to_be_visible()
    assert page.url == f"{address}/referral/find"
    assert "Entwhistle" not in await page.title()
    await check_axe(page)
    await check_reflow(page)
    await page.get_by_role("link", name="Entwhistle").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Entwhistle")
    await withdraw(referral, made)
    await page.goto(f"{address}/referral/find")
    await page.get_by_label("Name or number").fill(body["nhs_number"])
    await page.get_by_role("button", name="Find").click()
    await page.get_by_role("button", name="Refer again").click()
    await expect(page.get_by_label("Preferred name")).to_have_value("Tilly")
    await expect(page.get_by_text("Your practice has referred this person before.")).to_be_visible()
    await check_axe(page)
    await check_reflow(page)


async def test_the_programme_counts_and_erases(
    referral: ReferralHarness, address: str, chromium_page: Page
) -> None:
    page, made = chromium_page, await referral.made(referral_body())
    cookies = referral.issuer.signed_in(referral.app, role="programme_admin", localities=[referral.here])
    await sign_in(page, address, cookies)
    await page.goto(f"{address}/referral/programme")
    await expect(page.get_by_role("rowheader", name="Meir Primary Care Centre, M83100")).to_be_visible()
    await check_axe(page)
    await check_reflow(page)

    await page.get_by_label("Reference of one of their referrals").fill(made)
    await page.get_by_role("button", name="Go on").click()
    await check_axe(page)
    await check_reflow(page)
    await page.get_by_role("button", name="Erase").click()
    await expect(page.get_by_role("alert")).to_contain_text("Confirm")
    await page.get_by_label("Erase everything kept of this person.").check()
    await page.get_by_role("button", name="Erase").click()

    await expect(page.get_by_text("The person was erased.")).to_be_visible()
    await referral.until(made, stage="erased")


async def test_the_enter_key_finds_and_later_refers(
    referral: ReferralHarness, address: str, chromium_page: Page
) -> None:
    page, body = chromium_page, referral_body()
    await sign_in(page, address, referral.cookies())
    await page.goto(f"{address}/referral/new")
    year, month, day = body["date_of_birth"].split("-")
    for label, text in (("NHS number", body["nhs_number"]), ("Day", day), ("Month", month), ("Year", year)):
        await page.get_by_label(label, exact=True).fill(text)
    await page.get_by_label("Year", exact=True).press("Enter")
    await expect(page.get_by_text("Nobody with this NHS number")).to_be_visible()
    await check_axe(page)

    await fill_in(page, body)
    await page.get_by_label("Telephone", exact=True).press("Enter")
    await expect(page.get_by_role("heading", name="Referral made")).to_be_visible()

    await page.goto(f"{address}/referral/new")
    await fill_in(page, body)
    await page.get_by_text("Language, access needs, times they cannot come, reason").click()
    await page.get_by_role("button", name="Refer", exact=True).click()
    await expect(page.get_by_role("link", name="See the open referral")).to_be_visible()
    await check_axe(page)
    await check_reflow(page)
