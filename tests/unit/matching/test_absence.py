"""Off sick today and back again: whose meetings return to their time."""

from datetime import timedelta

from services.matching.booking import commands as booking
from services.matching.calendar import london_day
from services.matching.roster.absence import here_after_all, one_day_of
from services.matching.roster.link_workers import Leave
from shared.contract.events import outcomes as o
from shared.contract.events.models import MeetingBooked
from tests.harness.matching.decision_harness import NOW, DecisionHarness, active, worker

TODAY = london_day(NOW)
AWAY = Leave(first=TODAY, last=TODAY)
HERE = worker()


def off_today(world: DecisionHarness, *referrals: str) -> None:
    world.workers[HERE.id] = HERE.model_copy(update={"leave": (AWAY,)})
    for referral in referrals:
        world.act(referral, booking.link_worker_away(HERE.id, AWAY))


def here_again(world: DecisionHarness) -> None:
    world.workers[HERE.id] = HERE


def test_a_meeting_goes_back_to_its_time() -> None:
    world = DecisionHarness.of(HERE)
    referral = world.refer()
    before = active(world.view(referral))
    off_today(world, referral)
    assert london_day(active(world.view(referral)).starts_at) > TODAY
    here_again(world)
    said = world.act(referral, here_after_all(before.meeting_id))
    assert [type(each) for each in said] == [o.Retracted, MeetingBooked]
    assert active(world.view(referral)).starts_at == before.starts_at
    assert world.says_nothing_more()


def test_whoever_said_yes_to_another_time_keeps_it() -> None:
    world = DecisionHarness.of(HERE)
    referral = world.refer()
    before = active(world.view(referral))
    off_today(world, referral)
    moved = active(world.view(referral))
    world.act(referral, booking.confirm(moved.meeting_id))
    here_again(world)
    assert world.act(referral, here_after_all(before.meeting_id)) == []
    assert active(world.view(referral)).starts_at == moved.starts_at


def test_a_time_that_is_past_is_not_given_back() -> None:
    world = DecisionHarness.of(HERE)
    referral = world.refer()
    before = active(world.view(referral))
    off_today(world, referral)
    world.pass_time(hours=8)
    here_again(world)
    assert world.act(referral, here_after_all(before.meeting_id)) == []


def test_undoing_it_twice_changes_nothing() -> None:
    world = DecisionHarness.of(HERE)
    referral = world.refer()
    before = active(world.view(referral))
    off_today(world, referral)
    here_again(world)
    world.act(referral, here_after_all(before.meeting_id))
    again = active(world.view(referral))
    world.act(referral, booking.confirm(again.meeting_id))
    assert world.act(referral, here_after_all(before.meeting_id)) == []


def test_a_day_of_a_longer_leave_is_not_taken_back_alone() -> None:
    longer = Leave(first=TODAY, last=TODAY + timedelta(days=1))
    assert one_day_of(HERE.model_copy(update={"leave": (AWAY,)}), TODAY)
    assert not one_day_of(HERE.model_copy(update={"leave": (longer,)}), TODAY)
