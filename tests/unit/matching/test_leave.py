"""Leave of half a day, of weeks and without an end, and the times that its meetings would get."""

from datetime import date, time, timedelta

import pytest
from pydantic import ValidationError

from services.matching.booking import commands as booking
from services.matching.booking.slot import slots_of_day
from services.matching.calendar import london_day
from services.matching.roster.link_workers import Leave
from services.matching.roster.moves import moves_for, on_leave, shortened
from shared.platform.clock import LONDON
from tests.harness.matching.decision_harness import NOW, DecisionHarness, active, worker

MONDAY = london_day(NOW)
DAY = worker(opens=time(9), closes=time(15), meeting_minutes=60)


def starts(leave: Leave, day: date = MONDAY) -> list[int]:
    """The hours at which meetings of that day begin."""
    away = DAY.model_copy(update={"leave": (leave,)})
    return [slot.starts_at.astimezone(LONDON).hour for slot in slots_of_day(away, day)]


@pytest.mark.parametrize(("half", "left"), [("am", [12, 13, 14]), ("pm", [9, 10, 11])])
def test_half_a_day_leaves_the_other_half(half: str, left: list[int]) -> None:
    leave = Leave.model_validate({"first": MONDAY, "last": MONDAY, "half": half})
    assert starts(leave) == left
    assert starts(leave, MONDAY + timedelta(days=1)) == [9, 10, 11, 12, 13, 14]
    assert not DAY.model_copy(update={"leave": (leave,)}).away(MONDAY)


def test_meeting_across_noon_falls_into_either_half() -> None:
    across = worker(opens=time(11, 30), closes=time(12, 30), meeting_minutes=60)
    for half in ("am", "pm"):
        leave = Leave.model_validate({"first": MONDAY, "last": MONDAY, "half": half})
        assert slots_of_day(across.model_copy(update={"leave": (leave,)}), MONDAY) == []


def test_leave_without_an_end_closes_every_day() -> None:
    leave = Leave.until_ended(MONDAY)
    assert all(starts(leave, MONDAY + timedelta(weeks=weeks)) == [] for weeks in range(9))
    assert starts(leave, MONDAY - timedelta(days=3)) != []


@pytest.mark.parametrize(
    "wrong",
    [
        {"last": MONDAY - timedelta(days=1)},
        {"last": MONDAY + timedelta(days=1), "half": "am"},
        {"last": MONDAY, "half": "am", "end_unknown": True},
        {"last": MONDAY, "half": "noon"},
    ],
)
def test_leave_that_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Leave.model_validate({"first": MONDAY} | wrong)


def test_leave_of_an_earlier_release_is_read() -> None:
    stored = Leave.model_validate({"first": "2026-11-23", "last": "2026-11-24"})
    assert stored == Leave(first=MONDAY, last=MONDAY + timedelta(days=1))


def test_leave_that_ends_early_keeps_the_days_before() -> None:
    leave = Leave.until_ended(MONDAY)
    assert shortened(leave, MONDAY + timedelta(days=3)) == Leave(
        first=MONDAY, last=MONDAY + timedelta(days=2)
    )
    assert shortened(leave, MONDAY) is None


def test_preview_gives_each_meeting_a_time_of_its_own() -> None:
    world = DecisionHarness.of(worker())
    referrals = [world.refer() for _ in range(3)]
    before = {name: active(world.view(name)) for name in referrals}
    leave = Leave(first=MONDAY, last=MONDAY)
    cases = [(name, world.view(name)) for name in referrals]
    priya = world.workers["lw-meir-1"]
    found = moves_for(cases, on_leave(world.load(), priya, leave), priya)
    assert [each.referral_id for each in found] == referrals
    slots = [each.slot for each in found]
    assert None not in slots
    assert len({slot.key for slot in slots if slot}) == 3
    assert {london_day(slot.starts_at) for slot in slots if slot} == {MONDAY + timedelta(days=1)}
    # A preview, not a change.
    assert {name: active(world.view(name)) for name in referrals} == before


def test_preview_is_what_recording_the_leave_does() -> None:
    world = DecisionHarness.of(worker(), worker("lw-meir-2", weekdays=(3,)))
    referrals = [world.refer() for _ in range(4)]
    leave = Leave(first=MONDAY, last=MONDAY + timedelta(days=4))
    theirs = [name for name in referrals if active(world.view(name)).link_worker == "lw-meir-1"]
    cases = [(name, world.view(name)) for name in theirs]
    priya = world.workers["lw-meir-1"]
    found = moves_for(cases, on_leave(world.load(), priya, leave), priya)
    world.workers["lw-meir-1"] = worker(leave=(leave,))
    for name in theirs:
        world.act(name, booking.link_worker_away("lw-meir-1", leave))
    now = {name: active(world.view(name)) for name in theirs}
    shown = {each.referral_id: (each.slot.link_worker, each.slot.starts_at) for each in found if each.slot}
    assert shown == {name: (each.link_worker, each.starts_at) for name, each in now.items()}


def test_preview_says_when_no_other_time_is_free() -> None:
    world = DecisionHarness.of(worker(weekdays=(0,), closes=time(9, 45)))
    referral = world.refer()
    leave = Leave(first=MONDAY, last=MONDAY + timedelta(weeks=12))
    priya = world.workers["lw-meir-1"]
    found = moves_for([(referral, world.view(referral))], on_leave(world.load(), priya, leave), priya)
    assert [(each.referral_id, each.slot) for each in found] == [(referral, None)]


def test_weight_halves_the_share_of_new_cases() -> None:
    first = worker("lw-meir-1", opens=time(9), closes=time(17), caseload_limit=100)
    second = worker("lw-meir-2", opens=time(9), closes=time(17), caseload_limit=100, caseload_weight=50)
    world = DecisionHarness.of(first, second)
    for _ in range(30):
        world.refer()
    counts = {name: len(load.referrals) for name, load in world.caseloads.items()}
    assert abs(counts["lw-meir-1"] - 2 * counts["lw-meir-2"]) <= 2
