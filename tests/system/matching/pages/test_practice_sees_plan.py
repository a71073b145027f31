"""The GP sees details of the plan only after a yes: on the page, in the record copy, and in the API."""

from typing import Any

from services.matching.casework.inputs import GoalSaid, MeetingRecord
from services.matching.request import RequestContext
from shared.contract.events import vocabulary as v
from shared.platform.web.owners import Owners
from shared.platform.web.principal import Principal
from tests.harness.matching.pages.running import PagesHarness, Person
from tests.harness.web.forms import browser

GOAL = "Walk to the shop and back alone"
SECRET = ("Company", "importance", "confidence", "A private word")


async def agreed(harness: PagesHarness, person: Person, answer: v.Agreed) -> None:
    """A plan with a goal in the person's own words, a service, and this answer about the GP."""
    await harness.plan(person)
    caller = Principal("planner", "link_worker", frozenset({harness.here}), link_worker=harness.worker)
    do = harness.matching.state.features
    goal = GoalSaid(need=v.Need.EXERCISE, words=GOAL, importance=9, confidence=3)
    record = MeetingRecord(goals=(goal,), note="A private word", details_to_gp=answer)
    await do.casework.plan(RequestContext(caller), person.referral, record)
    await harness.referral.until(person.referral, plan=True, details_to_gp=answer.value, stage="prescribed")


async def seen(harness: PagesHarness, person: Person) -> tuple[str, str, Any]:
    """The practice's page, its list, and the answer of its API."""
    async with browser(harness.referral.app, harness.referral.cookies()) as client:
        page = await client.get(f"/referral/referrals/{person.referral}")
        listed = await client.get("/referral/")
    answer = await harness.referral.http.get(
        f"/api/referral/v1/referrals/{person.referral}", headers=harness.referral.referrer()
    )
    return page.text, listed.text, answer.json()


async def test_plan_after_a_yes_is_on_practice_page(harness: PagesHarness) -> None:
    person = await harness.refer()
    await agreed(harness, person, v.Agreed.YES)
    page, listed, answer = await seen(harness, person)
    for shown in (page, listed):
        assert GOAL in shown
        assert "Meir lunch club (example), for befriending and lunch clubs: asked, no answer yet" in shown
        assert not [word for word in SECRET if word in shown]
    assert answer["plan"]["state"] == "shown"
    assert [goal["words"] for goal in answer["plan"]["goals"]] == [GOAL]
    assert "A service was added to the plan" in page
    read = harness.referral.mongo["audit"].find({"action": "read_plan"})
    assert [entry["purpose"] async for entry in read][-1] == "plan"


async def test_plan_without_a_yes_is_not_on_practice_page(harness: PagesHarness) -> None:
    for answer in (v.Agreed.NO, v.Agreed.NOT_ASKED):
        person = await harness.refer()
        await agreed(harness, person, answer)
        page, _, told = await seen(harness, person)
        assert GOAL not in page
        assert "Service in the plan" in page
        assert "871731000000106" in page
        assert "A service was added to the plan" not in page
        assert "Meir lunch club" not in page
        assert told["plan"] == {"state": "not_agreed", "goals": [], "services": []}
        assert "service_prescribed" not in [each["kind"] for each in told["history"]]


async def test_plan_while_matching_is_down_shows_a_sentence(harness: PagesHarness) -> None:
    person = await harness.refer()
    await agreed(harness, person, v.Agreed.YES)
    asks = harness.referral.app.state.matching
    owners = asks._owners
    asks._owners = Owners(harness.referral.context.localities, {"casework": "http://localhost:1"})
    try:
        page, _, answer = await seen(harness, person)
    finally:
        asks._owners = owners
    assert "Details of the plan cannot be shown just now" in page
    assert GOAL not in page
    assert "871731000000106" in page
    assert answer["plan"]["state"] == "away"
