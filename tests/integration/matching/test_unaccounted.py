"""An open referral with neither a meeting nor a reason for none is not left so."""

from datetime import UTC, datetime, timedelta

import pytest

from services.matching.booking import sweeper
from services.matching.booking.policy import CATCH_UP_DELAY
from shared.contract.events import outcomes as o
from shared.delivery.unit_of_work.aggregate import aggregate_id
from shared.delivery.unit_of_work.unit_of_work import DECIDE_LATER, TASKS
from shared.platform.ids import new_id
from tests.harness.delivery.toy import said
from tests.harness.matching import decision_harness as world
from tests.harness.matching.service_harness import MatchingHarness


async def heard_as_old_news(here: MatchingHarness) -> str:
    """Somebody is referred while the service's clock is two hours ahead: it waits for the rest of the log."""
    right, name = here.clock.now, new_id()
    here.clock.now = right + timedelta(hours=2)
    await here.bench.say(said(world.created(name, locality=here.slug, at=right), time=right))
    await here.until(name, lambda view: view["unaccounted"])
    here.clock.now = right
    return name


async def test_fact_with_wrong_clock_is_decided_in_20_seconds(here: MatchingHarness) -> None:
    name = await heard_as_old_news(here)
    (row,) = await here.kernel.mongo[TASKS].find({"referral": name}).to_list(None)
    assert row["at"] <= here.clock.now
    assert timedelta(0) < row["not_before"] - datetime.now(UTC) <= CATCH_UP_DELAY
    await here.kernel.mongo[TASKS].update_one(
        {"_id": row["_id"]}, {"$set": {"not_before": datetime.now(UTC)}}
    )
    assert (await here.meeting(name))["provisional"]


async def test_old_news_is_not_woken_by_freed_time(here: MatchingHarness) -> None:
    name = await heard_as_old_news(here)
    row = await here.kernel.mongo[TASKS].find_one({"referral": name})
    assert row is not None
    await here.put_worker(caseload_limit=300)
    assert await here.kernel.mongo[TASKS].find_one({"referral": name}) == row


async def test_unaccounted_referral_is_found_at_second_sweep(here: MatchingHarness) -> None:
    name = await heard_as_old_news(here)
    await here.kernel.mongo[TASKS].delete_many({"referral": name})
    before = await sweeper.sweep(here.kernel, frozenset())
    assert before == {aggregate_id(here.slug, name)}
    assert (await here.view(name)).unaccounted  # at the first look it may just be on its way
    await sweeper.sweep(here.kernel, before)
    assert (await here.meeting(name))["provisional"]
    assert await sweeper.sweep(here.kernel, before) == frozenset()


async def test_sweep_leaves_referrals_to_a_look_under_way(
    here: MatchingHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = await heard_as_old_news(here)
    await here.kernel.mongo[TASKS].delete_many({"referral": name})
    monkeypatch.setattr(here.kernel, "is_looking", lambda _: True)
    assert await sweeper.sweep(here.kernel, frozenset({aggregate_id(here.slug, name)})) == frozenset()
    assert (await here.view(name)).unaccounted


@pytest.mark.parametrize("rests", [timedelta(seconds=20), timedelta(hours=1)])
async def test_one_that_will_be_looked_at_soon_is_left_to_that(
    here: MatchingHarness, rests: timedelta
) -> None:
    name = await heard_as_old_news(here)
    until = datetime.now(UTC) + rests
    await here.kernel.mongo[TASKS].update_one({"referral": name}, {"$set": {"not_before": until}})
    before = await sweeper.sweep(here.kernel, frozenset())
    await sweeper.sweep(here.kernel, before)
    assert (await here.view(name)).unaccounted is (rests < timedelta(hours=1))


async def test_one_that_somebody_was_asked_to_decide_is_left_to_them(here: MatchingHarness) -> None:
    """After a death these may be many: deciding them twice over takes what time there is from both."""
    name = await heard_as_old_news(here)
    row = await here.kernel.mongo[TASKS].find_one_and_delete({"referral": name})
    until = datetime.now(UTC) + timedelta(seconds=20)
    asked = {"_id": "asked", "what": DECIDE_LATER, "not_before": until, "payload": {"referral_created": True}}
    await here.kernel.mongo[TASKS].insert_one({**row, **asked})
    before = await sweeper.sweep(here.kernel, frozenset())
    await sweeper.sweep(here.kernel, before)
    assert (await here.view(name)).unaccounted


async def test_whoever_has_a_meeting_or_a_reason_is_not_adrift(here: MatchingHarness) -> None:
    await here.refer()
    await here.refer(practice="M83999")
    assert await sweeper.sweep(here.kernel, frozenset()) == frozenset()


async def test_one_whose_creation_was_not_heard_yet_is_not_adrift(here: MatchingHarness) -> None:
    name = new_id()
    await here.say(o.MeetingMissed(referral_id=name, locality=here.slug, meeting_id=new_id()), by="partner")
    found = await here.until(name, lambda view: view["created"] is None)
    assert found["unaccounted"] is False
    assert await sweeper.sweep(here.kernel, frozenset()) == frozenset()
