"""Appointments of another owner of booking, as practice, link worker and programme team see them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from shared.contract.events.models import MeetingBooked
from shared.platform.clock import LONDON
from shared.platform.ids import new_id
from shared.platform.kafka_connection import KafkaConnection
from shared.platform.localities import OURS
from tests.harness.matching.pages.running import PagesHarness, Person, running_harness
from tests.harness.pages.serving import serving
from tests.harness.parts.booking import ROOM, StubBooking
from tests.harness.parts.operations import ServedPart
from tests.harness.parts.owned import body_of, claimed_for, owned_by
from tests.harness.referral.people import referral_body
from tests.harness.referral.running import PRACTICE
from tests.harness.web.issuer import LoopbackIssuer
from tests.system.matching.pages.test_every_page import fit

OWNER = "booking-stub"


@dataclass
class Booked:
    """A person whom the stub has booked, and the stub."""

    harness: PagesHarness
    stub: StubBooking
    served: ServedPart
    person: Person
    meeting: dict[str, Any]


@pytest_asyncio.fixture(scope="module")
async def harness(
    issuer: LoopbackIssuer, kafka: KafkaConnection, mongo_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[PagesHarness]:
    """Services of their own: a part that stood back decides again behind markers only."""
    folder = tmp_path_factory.mktemp("elsewhere")
    async with running_harness(folder, issuer, kafka, mongo_url) as started:
        yield started


@pytest_asyncio.fixture
async def booked(harness: PagesHarness) -> AsyncIterator[Booked]:
    async def say(event: str, body: dict[str, Any]) -> None:
        await harness.referral.say(body_of(event, body), by=OWNER)

    stub = StubBooking(harness.here, harness.worker, say)
    served = stub.served()
    async with serving(served.application()) as address, owned(harness, address):
        body = referral_body()
        referral = await harness.referral.made(body)
        meeting = await stub.refer(referral, PRACTICE)
        person = Person(referral, f"{body['given_name']} {body['family_name']}", body["telephone"])
        await harness.wait(person, lambda view: view["active"] == meeting["meeting_id"])
        await harness.referral.until(referral, stage="booked")
        yield Booked(harness, stub, served, person, meeting)
        served.away = False


@asynccontextmanager
async def owned(harness: PagesHarness, address: str) -> AsyncIterator[None]:
    """The stub owns booking of the locality while the block runs."""
    tables = [harness.matching.state.localities, harness.referral.context.localities]
    before = [table.numbered(table.version, {}) for table in tables]
    for table in tables:
        table.become(owned_by(table, harness.here, "booking", OWNER, address))
    try:
        yield
    finally:
        for table, old in zip(tables, before, strict=True):
            table.become(old)


async def test_practice_sees_who_booked_and_moves_it(booked: Booked, chromium_page: Page) -> None:
    page, harness = chromium_page, booked.harness
    address = harness.matching.state.settings.referral_url
    await page.context.add_cookies(
        [{"name": k, "value": c, "url": address} for k, c in harness.referral.cookies().items()]
    )
    await page.goto(f"{address}/referral/referrals/{booked.person.referral}")
    await expect(page.get_by_text(OWNER)).to_be_visible()
    await expect(page.get_by_text(ROOM)).to_be_visible()
    await fit(page)
    await page.get_by_role("button", name="Another time").click()
    await page.locator("input[name=slot]").first.check()
    booked.stub.holds = True
    await page.get_by_role("button", name="Move the appointment").click()
    await expect(page.get_by_role("heading", name="Appointment moved")).to_be_visible()
    await expect(page.get_by_text(ROOM)).to_be_visible()
    await fit(page)
    assert booked.served.asked[-1].body["on_behalf_of"] == "tester"
    await booked.stub.release()


async def test_link_worker_sees_and_changes_what_another_owner_booked(
    booked: Booked, chromium_page: Page
) -> None:
    page, harness, referral = chromium_page, booked.harness, booked.person.referral
    await harness.sign_in(page)
    case = f"/matching/cases/{referral}"
    await harness.open(page, case)
    await expect(page.get_by_text(f"Booked by {OWNER}")).to_be_visible()
    await expect(page.get_by_text(ROOM)).to_be_visible()
    await expect(page.get_by_role("link", name=OWNER)).to_be_visible()
    await fit(page)
    await page.get_by_role("button", name="They said yes to this time").click()
    await expect(page.get_by_text("The time is confirmed")).to_be_visible()
    await harness.wait(booked.person, lambda view: not view["meetings"][-1]["provisional"])
    await harness.open(page, case)
    await page.get_by_role("button", name="Another time").click()
    await page.locator("input[name=slot]").first.check()
    await fit(page)
    booked.stub.holds = True
    await page.get_by_role("button", name="Move the appointment").click()
    await expect(page.get_by_role("heading", name="The appointment is moved")).to_be_visible()
    await expect(page.get_by_text("It is done.")).to_be_visible()
    await fit(page)
    await booked.stub.release()
    moved = booked.stub.stories[referral].active
    assert moved is not None
    await harness.wait(booked.person, lambda view: view["active"] == moved["meeting_id"])
    await harness.open(page, f"/matching/meetings/{moved['meeting_id']}")
    await expect(page.get_by_text(f"booked by {OWNER}")).to_be_visible()
    await fit(page)


async def test_pages_hold_when_the_owner_is_away_or_offers_nothing(
    booked: Booked, chromium_page: Page
) -> None:
    page, harness = chromium_page, booked.harness
    await harness.sign_in(page)
    booked.served.away = True
    await harness.open(page, f"/matching/meetings/{booked.meeting['meeting_id']}/rebook")
    await expect(page.get_by_text("does not answer just now")).to_be_visible()
    await expect(page.get_by_text("room")).to_have_count(0)  # The hours' room may be a wrong one.
    await fit(page)
    booked.served.away = False
    booked.served.offered = frozenset({"readPlace"})
    harness.matching.state.features.booking.parts.offered._known.clear()
    await harness.open(page, f"/matching/cases/{booked.person.referral}")
    await expect(page.get_by_text(f"Booked by {OWNER}")).to_be_visible()
    await expect(page.get_by_role("button", name="Another time")).to_have_count(0)
    await expect(page.get_by_role("button", name="They said yes to this time")).to_have_count(0)
    await harness.open(page, f"/matching/meetings/{booked.meeting['meeting_id']}/rebook")
    await expect(page.get_by_text(f"cannot be moved from here. Ask {OWNER}.")).to_be_visible()
    await fit(page)


async def test_day_off_says_who_moves_the_appointments(booked: Booked, chromium_page: Page) -> None:
    page, harness = chromium_page, booked.harness
    worker = await harness.put_worker(8)
    now = datetime.now(LONDON)
    soon = min(now + timedelta(minutes=30), datetime.combine(now, time(23, 59), LONDON))
    today = {**booked.meeting, "meeting_id": new_id(), "sequence": 1, "link_worker": worker}
    await harness.referral.say(MeetingBooked.model_validate(today | {"starts_at": soon}), by=OWNER)
    await harness.wait(booked.person, lambda view: view["link_worker"] == worker)
    await harness.sign_in(page, link_worker=worker)
    await harness.open(page, "/matching/")
    await expect(page.get_by_text(f"Booked by {OWNER}")).to_be_visible()
    await harness.open(page, "/matching/away")
    await expect(page.get_by_role("heading", name=f"{OWNER} moves the appointments")).to_be_visible()
    await fit(page)
    await page.get_by_role("button", name="Yes, move today’s appointments").click()
    await expect(page.get_by_text("1 appointment is not moved yet.")).to_be_visible()
    await fit(page)
    await page.get_by_role("button", name="Undo: I am here today").click()
    await expect(page.get_by_role("heading", name="You are here today")).to_be_visible()
    await fit(page)


async def test_programme_team_sees_which_part_is_elsewhere(booked: Booked, chromium_page: Page) -> None:
    page, harness = chromium_page, booked.harness
    await harness.sign_in(page, "programme_admin")
    await harness.open(page, "/matching/programme")
    row = (
        page.get_by_role("table", name="Parts by locality").get_by_role("row").filter(has_text="Appointments")
    )
    await expect(row).to_contain_text(OWNER)
    await fit(page)
    table = harness.matching.state.localities
    table.become(claimed_for(table, harness.here, "booking", OURS))
    await harness.open(page, "/matching/programme")
    await expect(row).to_contain_text(f"{OWNER}, being handed over to Linkwork")
    await fit(page)
