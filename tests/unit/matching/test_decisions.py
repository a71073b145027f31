"""Decisions of matching: the first booking, notice, and reasons for waiting."""

from datetime import date, timedelta
from typing import Any

import pytest

from services.matching.booking import commands as booking
from services.matching.errors import Refused
from services.matching.referral_state.attention import NeedsYou
from services.matching.roster.link_workers import Leave
from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from shared.contract.events.models import MeetingBooked
from tests.harness.matching.decision_harness import (
    NOW,
    OTHER_PRACTICE,
    PRACTICE,
    DecisionHarness,
    about,
    active,
    created,
    worker,
)

MONDAY = date(2026, 11, 23)


def test_referral_gets_earliest_provisional_time_at_practice() -> None:
    world = DecisionHarness.of(
        worker("lw-meir-1", weekdays=(2,)), worker("lw-meir-2", weekdays=(0,), practices=(OTHER_PRACTICE,))
    )
    booked = active(world.view(world.refer()))
    assert booked.link_worker == "lw-meir-1"
    assert booked.starts_at.date() == MONDAY + timedelta(days=2)
    assert (booked.sequence, booked.provisional, booked.replaces) == (0, True, None)
    assert world.caseloads["lw-meir-1"].referrals


def test_there_are_two_hours_notice_and_nothing_in_the_past() -> None:
    world = DecisionHarness.of(worker(weekdays=(0,)))
    world.now = NOW + timedelta(
        hours=2, minutes=10
    )  # 9:10: nine o'clock has gone, 9:45 and 10:30 are too near
    assert active(world.view(world.refer())).starts_at == NOW + timedelta(hours=4, minutes=15)


@pytest.mark.parametrize(
    ("traits", "expected"),
    [
        ({"language": "ur"}, "lw-meir-2"),
        ({"language": "so"}, "lw-meir-1"),  # nobody speaks it: a meeting is better than none
        ({"access_needs": (v.AccessNeed.HOME_VISIT,)}, "lw-meir-2"),
        ({}, "lw-meir-1"),
    ],
)
def test_the_link_worker_suits_the_person(traits: dict[str, Any], expected: str) -> None:
    world = DecisionHarness.of(
        worker(), worker("lw-meir-2", weekdays=(3,), languages=("en", "ur"), home_visits=True)
    )
    booked = active(world.view(world.refer(**traits)))
    assert booked.link_worker == expected
    home = "access_needs" in traits
    assert booked.mode is (v.MeetingMode.HOME if home else v.MeetingMode.FACE_TO_FACE)


def test_an_interpreter_needs_three_days_to_be_found() -> None:
    world = DecisionHarness.of(worker())
    referral = world.refer(language="ur", interpreter=True)
    assert active(world.view(referral)).starts_at >= NOW + timedelta(days=3)


def test_half_day_that_does_not_suit_is_not_booked() -> None:
    world = DecisionHarness.of(worker(weekdays=(0, 1)))
    referral = world.refer(cannot_come=(v.HalfDay.MON_AM,))
    assert active(world.view(referral)).starts_at.date() == MONDAY + timedelta(days=1)


def test_of_one_batch_the_urgent_choose_first() -> None:
    world = DecisionHarness.of(worker(weekdays=(0,)))
    names = [world.new_id() for _ in range(3)]
    urgency = [v.Urgency.ROUTINE, v.Urgency.ROUTINE, v.Urgency.SOON]
    world.hear(*(world.envelope(created(n, urgency=u)) for n, u in zip(names, urgency, strict=True)))
    starts = [active(world.view(name)).starts_at for name in names]
    assert starts[2] == min(starts)
    assert len(set(starts)) == 3


def test_no_free_time_is_stated_once_and_retried() -> None:
    world = DecisionHarness.of(
        worker(weekdays=(0,), leave=(Leave(first=MONDAY, last=MONDAY + timedelta(weeks=20)),))
    )
    referral = world.refer()
    waiting = world.view(referral).story.waiting
    assert waiting is not None
    assert (waiting.reason, waiting.expected_by) == (
        v.WaitingReason.NO_SLOT,
        MONDAY + timedelta(days=14),
    )
    assert world.pass_time(days=10) == []  # looked at every morning, said nothing new
    said = world.pass_time(days=6)
    assert [type(each) for each in said] == [o.MeetingWaiting]  # the promised day has passed
    world.workers["lw-meir-1"] = worker(weekdays=(0,))
    assert [type(each) for each in world.wake()] == [MeetingBooked]


def test_reason_before_a_cancelled_meeting_is_stated_anew() -> None:
    away = worker(weekdays=(0,), leave=(Leave(first=MONDAY, last=MONDAY + timedelta(weeks=20)),))
    world = DecisionHarness.of(away)
    referral = world.refer()
    world.workers[away.id] = worker(weekdays=(0,))
    world.pass_time(hours=1)
    world.wake()
    meeting = active(world.view(referral)).meeting_id
    world.workers[away.id] = away
    given_up = o.MeetingCancelled(
        **about(referral), meeting_id=meeting, by=v.By.PERSON, why=v.CancelReason.UNWELL
    )
    world.pass_time(hours=1)
    said = world.hear(world.envelope(given_up, "history"))
    assert [type(each) for each in said] == [o.MeetingWaiting]
    assert world.says_nothing_more()


def test_reason_before_a_retracted_meeting_is_stated_anew() -> None:
    world = DecisionHarness.of(
        worker(weekdays=(0,), leave=(Leave(first=MONDAY, last=MONDAY + timedelta(weeks=20)),))
    )
    referral = world.refer()
    world.pass_time(days=1)
    theirs = MeetingBooked(
        **about(referral),
        meeting_id=world.new_id(),
        sequence=0,
        link_worker="lw-meir-1",
        practice=PRACTICE,
        starts_at=NOW + timedelta(days=9),
        minutes=45,
    )
    said = world.envelope(theirs, "partner")
    world.hear(said)
    world.pass_time(days=1)
    never = o.Retracted(
        **about(referral), event_source=said.source, event_id=said.id, reason=v.RetractReason.UNDONE
    )
    assert [type(each) for each in world.hear(world.envelope(never, "partner"))] == [o.MeetingWaiting]
    assert world.says_nothing_more()
    assert world.pass_time(days=5) == []


def test_reason_with_fast_clock_is_not_repeated() -> None:
    world = DecisionHarness.of(worker(weekdays=(0,), caseload_limit=1))
    referral = world.refer()
    meeting = active(world.view(referral)).meeting_id
    world.workers["lw-meir-1"] = worker(
        weekdays=(0,), leave=(Leave(first=MONDAY, last=MONDAY + timedelta(weeks=20)),)
    )
    given_up = o.MeetingCancelled(
        **about(referral), meeting_id=meeting, by=v.By.PERSON, why=v.CancelReason.UNWELL
    )
    ahead = world.now + timedelta(hours=1)
    said = world.hear(world.envelope(given_up, "history", at=ahead))
    for _ in range(20):
        world.pass_time(minutes=1)
        contact = o.LinkWorkerChanged(**about(referral), link_worker="lw-meir-1")
        said += world.hear(world.envelope(contact, "history"))
    assert len([each for each in said if isinstance(each, o.MeetingWaiting)]) <= 2


def test_a_practice_without_a_link_worker_says_so() -> None:
    world = DecisionHarness.of(worker(practices=(OTHER_PRACTICE,)))
    waiting = world.view(world.refer()).story.waiting
    assert waiting is not None
    assert waiting.reason is v.WaitingReason.NO_LINK_WORKER


def test_freed_time_books_waiting_referrals_urgent_first() -> None:
    full = worker(weekdays=(0,), caseload_limit=0)
    world = DecisionHarness.of(full)
    routine, soon = world.refer(), world.refer(urgency=v.Urgency.SOON)
    world.workers[full.id] = worker(weekdays=(0,))
    world.wake()
    assert active(world.view(soon)).starts_at < active(world.view(routine)).starts_at


def test_first_miss_is_rebooked_second_needs_link_worker() -> None:
    world = DecisionHarness.of(worker())
    referral = world.refer()
    first = active(world.view(referral))
    world.pass_time(days=1)
    said = world.act(referral, booking.did_not_attend(first.meeting_id))
    second = active(world.view(referral))
    assert [type(each) for each in said] == [o.MeetingMissed, MeetingBooked]
    assert (second.sequence, second.replaces) == (1, first.meeting_id)
    world.pass_time(days=3)
    world.act(referral, booking.did_not_attend(second.meeting_id))
    view = world.view(referral)
    assert view.story.active is None
    assert view.story.waiting is not None
    assert view.story.waiting.reason is v.WaitingReason.PERSON_NOT_REACHED
    assert [reason.reason for reason in view.reasons] == [NeedsYou.TWO_MISSES]
    assert world.pass_time(days=30) == []  # nothing happens by itself any more
    world.act(referral, booking.book_one(None))
    assert active(world.view(referral)).sequence == 2


def test_another_time_replaces_and_frees() -> None:
    world = DecisionHarness.of(worker(weekdays=(0,)))
    referral = world.refer()
    old = active(world.view(referral))
    world.act(referral, booking.reschedule(old.meeting_id, None))
    new = active(world.view(referral))
    assert (new.sequence, new.replaces, new.provisional) == (1, old.meeting_id, False)
    assert new.starts_at > old.starts_at
    assert active(world.view(world.refer())).starts_at == old.starts_at  # for the next person


def test_a_time_that_somebody_has_is_not_given_twice() -> None:
    world = DecisionHarness.of(worker(weekdays=(0,)))
    one, other = world.refer(), world.refer()
    theirs = active(world.view(other))
    key = f"{theirs.link_worker}|{theirs.starts_at:%Y-%m-%dT%H:%MZ}"
    before = world.view(one)
    with pytest.raises(Refused):
        world.act(one, booking.reschedule(active(before).meeting_id, key))
    assert world.view(one) == before
