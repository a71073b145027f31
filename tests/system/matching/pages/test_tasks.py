"""The cost of a link worker's and a manager's main tasks: clicks, typed fields, page weight.

`-s` prints the table that docs/performance.md shows.
"""

from typing import Any

from playwright.async_api import Page, expect

from tests.harness.matching.pages.running import PagesHarness, link_worker
from tests.harness.pages.tasks import TaskCost, TaskMeter
from tests.harness.referral.people import referral_body
from tests.harness.referral.running import PRACTICE

# Bytes as sent. A page of this size takes 2 s on a telephone with a bad connection.
HEAVIEST = 100_000


def within(cost: TaskCost, clicks: int, fields: int) -> None:
    """Checks a task against its limits."""
    assert cost.clicks <= clicks, cost
    assert cost.fields <= fields, cost
    assert 0 < cost.heaviest < HEAVIEST, cost


async def refer(harness: PagesHarness, meter: TaskMeter) -> None:
    """Practice staff refer somebody whom their practice has not referred before."""
    page, body = meter.page, referral_body()
    await harness.sign_in(page, role="referrer", practices=[PRACTICE])
    await page.goto(f"{harness.referral_address}/referral/new")
    meter.begin("Refer a new person")
    await find_fields(meter, body)
    for label, text in (
        ("First name", body["given_name"]),
        ("Last name", body["family_name"]),
        ("House and street", body["house"]),
        ("Postcode", body["postcode"]),
        ("Telephone", body["telephone"]),
    ):
        await meter.type(page.get_by_label(label, exact=True), text)
    await meter.tick(page.get_by_role("group", name="Safe to text?").get_by_label("Yes"))
    await send(meter)
    within(meter.end(), 5, 9)


async def refer_again(harness: PagesHarness, meter: TaskMeter) -> None:
    """Practice staff refer somebody whom Find fills in."""
    page, body = meter.page, referral_body()
    earlier = await harness.referral.made(body)
    done = await harness.referral.http.post(
        f"/api/referral/v1/referrals/{earlier}/withdraw",
        json={"reason": "person_asked"},
        headers=harness.referral.referrer(),
    )
    assert done.status_code == 200, done.text
    await page.goto(f"{harness.referral_address}/referral/new")
    meter.begin("Refer a person whom Find fills in")
    await find_fields(meter, body)
    await meter.go(page.get_by_role("button", name="Find", exact=True))
    await send(meter)
    within(meter.end(), 5, 4)


async def find_fields(meter: TaskMeter, body: dict[str, Any]) -> None:
    year, month, day = body["date_of_birth"].split("-")
    for label, text in (("NHS number", body["nhs_number"]), ("Day", day), ("Month", month), ("Year", year)):
        await meter.type(meter.page.get_by_label(label, exact=True), text)


async def send(meter: TaskMeter) -> None:
    page = meter.page
    await meter.tick(page.get_by_label("Managing debt"))
    await meter.tick(page.get_by_role("group", name="Are there risks?").get_by_label("No known risks"))
    await meter.tick(page.get_by_label("They agree to be referred"))
    await meter.go(page.get_by_role("button", name="Refer", exact=True))
    await expect(page.get_by_role("heading", name="Referral made")).to_be_visible()


async def change_rota(harness: PagesHarness, meter: TaskMeter) -> None:
    """An administrator changes the end of a link worker's day, from the page of all subjects."""
    page, hours = meter.page, link_worker("", "")["hours"]
    await harness.put_worker(5, name="Olwen Pargeter", hours=hours)
    try:
        await harness.sign_in(page, role="programme_admin")
        await harness.open(page, "/matching/administration")
        meter.begin("Change a link worker’s hours")
        await meter.go(page.get_by_role("link", name="Link workers", exact=True))
        await meter.go(page.get_by_role("button", name="Change hours of Olwen Pargeter"))
        await meter.type(
            page.get_by_role("group", name="Hours 1", exact=True).get_by_label("To", exact=True), "12:30"
        )
        await meter.go(page.get_by_role("button", name="Save hours"))
        await expect(page.get_by_text("The change is saved.")).to_be_visible()
        within(meter.end(), 4, 1)
    finally:
        await harness.put_worker(5, active=False)


async def test_main_tasks_keep_their_limits(harness: PagesHarness, chromium_page: Page) -> None:
    page, hours = chromium_page, link_worker("", "")["hours"]
    meter = TaskMeter(page)
    await refer(harness, meter)
    await refer_again(harness, meter)
    await change_rota(harness, meter)
    person = await harness.refer(needs=["befriending"])
    meeting = await harness.meet_now(person)
    await harness.sign_in(page)
    await harness.open(page, "/matching/")

    meter.begin("Hold a meeting: goal, service, ONS4, next step")
    await meter.go(page.locator(f"#meeting-{meeting}").get_by_role("button", name="Open the appointment"))
    await meter.type(page.get_by_label("What matters to you?"), "Company")
    await meter.type(page.locator("#goal1_words"), "Have lunch with others")
    club = page.get_by_role("group", name="Meir lunch club (example)")
    await meter.tick(club.get_by_label("Add to plan"))
    await meter.tick(club.get_by_label("Yes", exact=True))
    for item, score in (("satisfied", 4), ("worthwhile", 5), ("happy", 3), ("anxious", 7)):
        await meter.tick(page.locator(f"#ons4_{item}-{score}"))
    await meter.choose(page.get_by_label("What happens next"), "check_first_visit")
    await meter.tick(page.get_by_label("in a week"))
    await meter.go(page.get_by_role("button", name="Save the appointment"))
    await expect(page.get_by_text("The appointment is saved.")).to_be_visible()
    within(meter.end(), 10, 2)

    meter.begin("Record a first visit, from the case")
    await meter.go(page.locator("#plan .lw-service").get_by_role("button").first)
    await meter.go(page.locator("#visit").get_by_role("button", name="Today"))
    await expect(page.get_by_text("The first visit is recorded.")).to_be_visible()
    within(meter.end(), 2, 0)

    colleague = await harness.put_worker(4, name="Kim Bratt", hours=hours)
    try:
        await harness.open(page, f"/matching/cases/{person.referral}")

        meter.begin("Hand a case over")
        await meter.go(page.get_by_role("link", name="Hand over to another link worker"))
        await meter.tick(page.get_by_label("Kim Bratt, "))
        await meter.go(page.get_by_role("button", name="Hand over the case"))
        within(meter.end(), 3, 0)
        meter.begin("Take it back")
        await meter.go(page.get_by_role("alert").get_by_role("button", name="Undo"))
        within(meter.end(), 1, 0)

        await harness.sign_in(page, link_worker=colleague, subject=colleague)
        await harness.open(page, "/matching/team")
        meter.begin("Cover a colleague’s case")
        await meter.go(page.locator(f'a[href="/matching/team/{harness.worker}"]'))
        await meter.go(page.get_by_role("link", name=f"Cover case {person.referral[-6:]}"))
        await meter.tick(page.get_by_label("Their link worker is away"))
        await meter.go(page.get_by_role("button", name="Open the case"))
        within(meter.end(), 4, 0)
    finally:
        await harness.put_worker(4, active=False)

    await harness.sign_in(page, role="manager", subject="boss")
    await harness.open(page, "/matching/desk")
    meter.begin("Record a supervision session with one case")
    await meter.go(page.get_by_role("link", name="Priya Wainwright").first)
    await meter.go(page.get_by_role("button", name="Record a session"))
    await meter.tick(page.get_by_label("In 6 weeks"))
    await meter.tick(page.get_by_label(f"Case {person.referral[-6:]}"))
    await meter.go(page.get_by_role("button", name="Continue"))
    await meter.type(page.get_by_label(f"Case {person.referral[-6:]}"), "Ring before noon")
    await meter.go(page.get_by_role("button", name="Save the session"))
    within(meter.end(), 6, 1)
    # Other tests begin without a session.
    await page.locator("#supervision ~ ul a").first.click()
    await page.get_by_role("button", name="Take the session back").click()
    print("\n".join(cost.line() for cost in meter.costs))
