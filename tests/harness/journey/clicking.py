"""The chapters of the journey in a browser, with a sign-in at the issuer's page."""

import re
from dataclasses import dataclass
from datetime import date

from playwright.async_api import Locator, Page, expect

from tests.harness.journey import travel as chapter
from tests.harness.journey.people import Person
from tests.harness.journey.system import ADMIN, System, until
from tests.harness.journey.travel import Journey
from tests.harness.pages.browser import check_axe

ANALYST = "analyst"


@dataclass
class Clicking:
    """One browser. `with_axe` checks each page on the way. Addresses and titles are noted in any case."""

    page: Page
    system: System
    with_axe: bool

    async def look(self) -> None:
        """Checks the present page for accessibility, if wanted, and notes its address and title."""
        self.system.addresses.append(self.page.url)
        self.system.titles.append(await self.page.title())
        if self.with_axe:
            await check_axe(self.page)

    async def sign_in(self, user: str) -> None:
        """Signs in from the first page, by the issuer's page."""
        await self.page.goto(self.system.url)
        await self.look()
        await self.page.get_by_role("button", name="Sign in").click()
        await expect(self.page.get_by_role("heading", name="Choose who to sign in as")).to_be_visible()
        await self.look()
        await self.page.get_by_role("button", name=self.system.users[user].name).click()
        await expect(self.page.get_by_role("button", name="Sign out")).to_be_visible()
        assert self.page.url.startswith(self.system.url)
        await self.look()

    async def sign_out(self) -> None:
        await self.page.get_by_role("button", name="Sign out").click()
        await expect(self.page.get_by_role("heading", name="You have signed out")).to_be_visible()
        await self.look()

    async def refer(self, journey: Journey) -> None:
        """Fills the form in as practice staff, reads the appointment, and chooses another time."""
        await self.sign_in(self.system.referrer(journey.who.practice.ods))
        await self.page.get_by_role("navigation", name="Menu").get_by_text("Refer", exact=True).click()
        await self.press("Refer")
        await expect(self.page.get_by_role("alert")).to_contain_text("There is a problem")
        await self.look()
        await self._fill_in(journey.who)
        await self.press("Refer")
        await expect(self.page.get_by_role("heading", name="Referral made")).to_be_visible()
        await self.look()
        await until(self._appointment_is_shown, "an appointment on the page")
        await self.look()
        journey.referral = re.findall(r"[0-9a-f-]{36}", self.page.url)[0]
        self.system.accepted.add(journey.referral)
        await self.press("Another time")
        await self.look()
        await self.page.get_by_role("radio").first.check()
        await self.press("Move the appointment")
        await expect(self.page.get_by_role("heading", name="Appointment moved")).to_be_visible()
        await self.look()
        await self.press("Print a slip")
        await self.look()
        await self.page.goto(f"{self.system.url}/referral/")
        await expect(self.page.get_by_role("link", name=journey.who.name)).to_be_visible()
        await self.look()
        await self.sign_out()

    async def _appointment_is_shown(self) -> bool:
        """Waits for the appointment. On a busy machine the page is loaded again."""
        if await self.page.get_by_role("heading", name="Appointment", exact=True).count():
            return True
        await self.page.get_by_role("link", name="Look again").click()
        return False

    async def _fill_in(self, who: Person) -> None:
        body, page = who.body, self.page
        year, month, day = body["date_of_birth"].split("-")
        await page.get_by_label("NHS number").fill(body["nhs_number"])
        await self.fill_day(day, month, year)
        for label, name in (
            ("First name", "given_name"),
            ("Last name", "family_name"),
            ("House and street", "house"),
            ("Postcode", "postcode"),
            ("Telephone", "telephone"),
            ("If yes, what must the link worker know?", "risk_line"),
        ):
            await page.get_by_label(label, exact=True).fill(body[name])
        await self.group("Safe to text?").get_by_label("Yes").check()
        await page.get_by_label("Managing debt").check()
        await self.group("Are there risks?").get_by_label("Yes").check()
        await page.get_by_label("They agree to be referred").check()
        await page.get_by_label("In person").check()
        await page.get_by_text("Language, access needs").click()
        await page.get_by_label("Reason for the referral").fill(body["reason"])

    async def meet(self, journey: Journey) -> None:
        """Reads today's meeting with its risk as link worker, and records the plan."""
        page, entry = self.page, self.page.locator(f"#meeting-{journey.meeting['id']}")
        await self.sign_in(journey.link_worker)
        await expect(entry).to_contain_text(journey.who.name)
        await entry.get_by_role("button", name="Show the risk note").click()
        await expect(entry).to_contain_text(journey.who.body["risk_line"])
        await self.look()
        await entry.get_by_role("button", name="Open the appointment").click()
        await self.look()
        await page.get_by_label("What matters to you?").fill(journey.who.what_matters)
        await page.get_by_role("button", name="Save draft", exact=True).click()
        await expect(page.get_by_text("The draft is saved")).to_be_visible()
        await self.look()
        await expect(page.get_by_label("What matters to you?")).to_have_value(journey.who.what_matters)
        await page.locator("#goal1_words").fill(journey.who.goal)
        await page.locator("#goal1_need").select_option("debt")
        await page.locator("#goal1_importance-9").check()
        await page.get_by_label("Anything you want to remember").fill(journey.who.note)
        service = page.locator("#services").get_by_role("group").filter(has_text="Add to plan").first
        await service.get_by_label("Add to plan", exact=True).check()
        await service.get_by_label("Yes", exact=True).check()
        for item, score in chapter.BEFORE.items():
            await page.locator(f"#ons4_{item}-{score}").check()
        await page.get_by_label("What happens next").select_option("check_first_visit")
        await page.get_by_label("in a week").check()
        await self.press("Save the appointment")
        await expect(page.get_by_text("The appointment is saved.")).to_be_visible()
        await expect(page.locator("#plan")).to_contain_text("Asked, no answer yet")
        await self.look()
        href = await page.locator("#plan .lw-service a").first.get_attribute("href")
        journey.prescription = str(href).rsplit("/", 1)[-1]
        await self.sign_out()

    async def read_the_mailbox(self, journey: Journey) -> None:
        """Reads the sent messages as the programme's team, with the service's link among them."""
        await chapter.asked(self.system, journey)
        await self.sign_in(ADMIN)
        await self.page.get_by_role("link", name="Mailbox").click()
        await expect(self.page.get_by_role("heading", name="Mailbox")).to_be_visible()
        await expect(self.page.get_by_text(journey.link)).to_be_visible()
        await self.look()
        await self.sign_out()

    async def answer(self, journey: Journey) -> None:
        """Answers as the service without signing in: yes, the name once, and the first visit."""
        page = self.page
        await page.goto(f"{self.system.url}{journey.link}")
        await expect(page.get_by_role("heading", name="Can you help this person?")).to_be_visible()
        assert not [text for text in journey.who.private() if text in await page.content()]
        await self.look()
        await self.press("Yes, we can help")
        await expect(page.get_by_role("heading", name="You said yes")).to_be_visible()
        await self.look()
        await self.press("Email me the code")
        await self.look()
        code = await until(self._code, "the code")
        await page.get_by_label("Code").fill(code)
        await self.press("Show name and telephone")
        await expect(page.get_by_text(journey.who.name)).to_be_visible()
        await self.look()
        await page.get_by_role("link", name="Done, back to your answer").click()
        assert journey.who.name not in await page.content()
        await page.get_by_text("They came", exact=True).click()
        await self.fill_day(*self._today())
        await self.press("Save: they came")
        await expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
        await self.look()

    async def _code(self) -> str | None:
        found = [re.search(r"\b\d{6}\b", each["text"]) for each in await self.system.mailbox()]
        return next((each[0] for each in found if each), None)

    async def follow_up(self, journey: Journey, next_step: str) -> None:
        """Asks the same questions again as link worker."""
        page = self.page
        await self.sign_in(journey.link_worker)
        await page.goto(f"{self.system.url}/matching/cases/{journey.referral}")
        await expect(page.locator("#plan")).to_contain_text("First visit made")
        await self.look()
        await page.goto(f"{self.system.url}/matching/cases/{journey.referral}/review")
        await self.look()
        for item, score in chapter.AFTER.items():
            await page.locator(f"#ons4_{item}-{score}").check()
        await page.get_by_label("What happens next").select_option(next_step)
        await page.get_by_label("in a week").check()
        await self.press("Save the plan")
        await self.look()
        await self.sign_out()

    async def read_the_figures(self) -> None:
        """Reads the published figures as analyst."""
        await self.sign_in(ANALYST)
        await expect(self.page.get_by_role("main")).to_contain_text("Counts can be published")
        await self.sign_out()

    def group(self, name: str) -> Locator:
        # A group with an error is a radiogroup, which can be marked as invalid.
        return self.page.get_by_role("group", name=name).or_(self.page.get_by_role("radiogroup", name=name))

    async def press(self, button: str) -> None:
        await self.page.get_by_role("button", name=button, exact=True).click()

    async def fill_day(self, *parts: str) -> None:
        for label, text in zip(("Day", "Month", "Year"), parts, strict=True):
            await self.page.get_by_label(label, exact=True).locator("visible=true").fill(text)

    def _today(self) -> tuple[str, str, str]:
        on: date = chapter.today(self.system)
        return str(on.day), str(on.month), str(on.year)
