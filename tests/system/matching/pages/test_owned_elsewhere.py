"""Casework and directory of other owners, as link worker, service and programme team see them."""

from typing import Any

from playwright.async_api import Page, expect

from tests.harness.matching.pages.running import PagesHarness
from tests.harness.pages.serving import serving
from tests.harness.parts.directory import StubDirectory
from tests.harness.parts.elsewhere import decides_again, owned
from tests.system.matching.pages.test_every_page import fit

ADDRESS = "http://127.0.0.1:9"


async def said_nowhere(event: str, body: dict[str, Any]) -> None:
    """The stub's facts do not arrive while these pages are looked at."""


async def test_cases_of_another_owner_are_worked_on_there(harness: PagesHarness, chromium_page: Page) -> None:
    page, person = chromium_page, await harness.refer()
    tables = [harness.matching.state.localities]
    with owned(tables, harness.here, "casework", "casework-stub", ADDRESS):
        await harness.sign_in(page)
        for at in ("/matching/", f"/matching/cases/{person.referral}", "/matching/away"):
            await harness.open(page, at)
            await expect(page.get_by_role("heading", level=1)).to_contain_text("casework-stub does this here")
            await expect(page.get_by_role("link", name="Go to casework-stub")).to_have_attribute(
                "href", ADDRESS
            )
        await fit(page, person)
        await harness.sign_in(page, "programme_admin")
        await harness.open(page, "/matching/programme")
        await expect(page.get_by_role("table", name="Parts by locality")).to_contain_text("casework-stub")
        row = page.get_by_role("row").filter(has_text=person.referral[-6:])
        await expect(page.get_by_role("table", name="The oldest first")).to_contain_text(
            "casework-stub has it"
        )
        assert await row.count() <= 1
        await fit(page, person)
    await decides_again(harness.matching.state.kernel, harness.here, "casework")


async def test_services_of_another_directory_are_chosen_here(
    harness: PagesHarness, chromium_page: Page
) -> None:
    page, person = chromium_page, await harness.refer(needs=["befriending"])
    prescription = await harness.plan(person)
    link = await harness.link_of(person)
    stub = StubDirectory(harness.here, said_nowhere, prescribed={prescription: person.referral})
    stub.list_service("Debt desk over there (example)", "debt")
    tables = [harness.matching.state.localities]
    async with serving(stub.served().application()) as address:
        with owned(tables, harness.here, "directory", "directory-stub", address):
            await harness.sign_in(page)
            await harness.open(page, "/matching/services")
            await expect(page.get_by_role("heading", level=1)).to_contain_text(
                "directory-stub does this here"
            )
            await harness.open(page, f"/matching/cases/{person.referral}/services/{prescription}")
            await expect(page.get_by_text("directory-stub sends the service its link")).to_be_visible()
            await expect(page.get_by_role("button", name="End the link")).to_have_count(0)
            await fit(page, person)
            await page.goto(link)
            await expect(page.get_by_text("Your answer goes there.")).to_be_visible()
            await fit(page, person)
            await page.get_by_role("button", name="Yes, we can help").click()
            await expect(page.get_by_text("directory-stub has your answer")).to_be_visible()
            await fit(page, person)
    await decides_again(harness.matching.state.kernel, harness.here, "directory")
