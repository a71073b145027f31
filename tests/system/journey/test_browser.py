"""The whole journey in a real browser, and once more with scripts switched off."""

from datetime import timedelta

import pytest
from playwright.async_api import Browser

from tests.harness.journey import travel as chapter
from tests.harness.journey.clicking import Clicking
from tests.harness.journey.people import somebody
from tests.harness.journey.system import System, monday_morning, until
from tests.harness.journey.travel import Journey


@pytest.mark.parametrize(
    ("locality", "scripts", "weeks", "next_step"),
    # The follow-up is asked when it is due, or when the case is about to be closed.
    [("meir", True, 12, "ring"), ("longton", False, 6, "close")],
)
async def test_from_a_referral_to_the_figures(
    system: System, chromium: Browser, locality: str, scripts: bool, weeks: int, next_step: str
) -> None:
    system.clock.move_to(monday_morning(system.clock()))
    practice = system.localities.by_slug[locality].practices[0]
    journey = Journey(locality, somebody(practice, system.localities))
    context = await chromium.new_context(viewport={"width": 1280, "height": 900}, java_script_enabled=scripts)
    before = (await system.figures())[locality]["follow_up"]["answered"]

    async def one_more_answered() -> bool:
        return bool((await system.figures())[locality]["follow_up"]["answered"] == before + 1)

    try:
        clicking = Clicking(await context.new_page(), system, with_axe=scripts)
        await clicking.refer(journey)
        await chapter.booked(system, journey)
        system.clock.move_to(chapter.starts(journey) + timedelta(minutes=50))
        await clicking.meet(journey)
        await clicking.read_the_mailbox(journey)
        await clicking.answer(journey)
        system.clock.move_to(system.clock() + timedelta(weeks=weeks))
        await clicking.follow_up(journey, next_step)
        await until(one_more_answered, "figures that show it")
        await clicking.read_the_figures()
    finally:
        await context.close()
    assert len(system.titles) > 20
