"""What matching decides by itself, one story at a time."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from services.matching.booking import commands as meeting_acts
from services.matching.booking import undo as undoing
from services.matching.booking.policy import requirements_of
from services.matching.calendar import london_day
from services.matching.casework import commands as case_acts
from services.matching.casework.inputs import Closure, NextMeeting, Reopen, Return
from services.matching.errors import Refused
from services.matching.referral_state.attention import NeedsYou
from services.matching.referral_state.commands import About
from services.matching.roster.link_workers import Leave
from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from shared.contract.events.models import EventBody, MeetingBooked
from tests.harness.matching.world import (
    NOW,
    OTHER_PRACTICE,
    PRACTICE,
    World,
    about,
    active,
    created,
    worker,
)

MONDAY = date(2026, 11, 23)


def test_a_referral_takes_the_earliest_time_at_its_own_practice_provisionally() -> None:
    world = World.of(
        worker("lw-meir-1", weekdays=(2,)), worker("lw-meir-2", weekdays=(0,), practices=(OTHER_PRACTICE,))
    )
    booked = active(world.view(world.refer()))
    assert booked.link_worker == "lw-meir-1"
    assert booked.starts_at.date() == MONDAY + timedelta(days=2)
    assert (booked.sequence, booked.provisional, booked.replaces) == (0, True, None)
    assert world.caseloads["lw-meir-1"].referrals


def test_there_are_two_hours_notice_and_nothing_in_the_past() -> None:
    world = World.of(worker(weekdays=(0,)))
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
    world = World.of(worker(), worker("lw-meir-2", weekdays=(3,), languages=("en", "ur"), home_visits=True))
    booked = active(world.view(world.refer(**traits)))
    assert booked.link_worker == expected
    home = "access_needs" in traits
    assert booked.mode is (v.MeetingMode.HOME if home else v.MeetingMode.FACE_TO_FACE)


def test_an_interpreter_needs_three_days_to_be_found() -> None:
    world = World.of(worker())
    referral = world.refer(language="ur", interpreter=True)
    assert active(world.view(referral)).starts_at >= NOW + timedelta(days=3)


def test_nobody_is_booked_on_a_half_day_on_which_they_cannot_come() -> None:
    world = World.of(worker(weekdays=(0, 1)))
    referral = world.refer(cannot_come=(v.HalfDay.MON_AM,))
    assert active(world.view(referral)).starts_at.date() == MONDAY + timedelta(days=1)


def test_of_one_batch_the_urgent_choose_first() -> None:
    world = World.of(worker(weekdays=(0,)))
    names = [world.new_id() for _ in range(3)]
    urgency = [v.Urgency.ROUTINE, v.Urgency.ROUTINE, v.Urgency.SOON]
    world.hear(*(world.envelope(created(n, urgency=u)) for n, u in zip(names, urgency, strict=True)))
    starts = [active(world.view(name)).starts_at for name in names]
    assert starts[2] == min(starts)
    assert len(set(starts)) == 3


def test_nothing_free_is_said_once_with_a_date_and_looked_at_again() -> None:
    world = World.of(worker(weekdays=(0,), leave=(Leave(first=MONDAY, last=MONDAY + timedelta(weeks=20)),)))
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


def test_a_reason_that_was_given_before_a_meeting_does_not_say_why_it_was_cancelled() -> None:
    away = worker(weekdays=(0,), leave=(Leave(first=MONDAY, last=MONDAY + timedelta(weeks=20)),))
    world = World.of(away)
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


def test_a_reason_that_was_given_before_a_meeting_does_not_say_why_it_was_taken_back() -> None:
    world = World.of(worker(weekdays=(0,), leave=(Leave(first=MONDAY, last=MONDAY + timedelta(weeks=20)),)))
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


def test_where_a_clock_is_an_hour_ahead_a_reason_is_not_said_over_and_over() -> None:
    world = World.of(worker(weekdays=(0,), caseload_limit=1))
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
    world = World.of(worker(practices=(OTHER_PRACTICE,)))
    waiting = world.view(world.refer()).story.waiting
    assert waiting is not None
    assert waiting.reason is v.WaitingReason.NO_LINK_WORKER


def test_whoever_waits_is_booked_when_a_time_comes_free_the_urgent_first() -> None:
    full = worker(weekdays=(0,), caseload_limit=0)
    world = World.of(full)
    routine, soon = world.refer(), world.refer(urgency=v.Urgency.SOON)
    world.workers[full.id] = worker(weekdays=(0,))
    world.wake()
    assert active(world.view(soon)).starts_at < active(world.view(routine)).starts_at


def test_a_first_miss_is_rebooked_and_a_second_is_the_link_workers() -> None:
    world = World.of(worker())
    referral = world.refer()
    first = active(world.view(referral))
    world.pass_time(days=1)
    said = world.act(referral, meeting_acts.did_not_attend(first.meeting_id))
    second = active(world.view(referral))
    assert [type(each) for each in said] == [o.MeetingMissed, MeetingBooked]
    assert (second.sequence, second.replaces) == (1, first.meeting_id)
    world.pass_time(days=3)
    world.act(referral, meeting_acts.did_not_attend(second.meeting_id))
    view = world.view(referral)
    assert view.story.active is None
    assert view.story.waiting is not None
    assert view.story.waiting.reason is v.WaitingReason.PERSON_NOT_REACHED
    assert [reason.reason for reason in view.reasons] == [NeedsYou.TWO_MISSES]
    assert world.pass_time(days=30) == []  # nothing happens by itself any more
    world.act(referral, meeting_acts.book_one(None))
    assert active(world.view(referral)).sequence == 2


def test_another_time_replaces_and_frees() -> None:
    world = World.of(worker(weekdays=(0,)))
    referral = world.refer()
    old = active(world.view(referral))
    world.act(referral, meeting_acts.reschedule(old.meeting_id, None))
    new = active(world.view(referral))
    assert (new.sequence, new.replaces, new.provisional) == (1, old.meeting_id, False)
    assert new.starts_at > old.starts_at
    assert active(world.view(world.refer())).starts_at == old.starts_at  # for the next person


def test_a_time_that_somebody_has_is_not_given_twice() -> None:
    world = World.of(worker(weekdays=(0,)))
    one, other = world.refer(), world.refer()
    theirs = active(world.view(other))
    key = f"{theirs.link_worker}|{theirs.starts_at:%Y-%m-%dT%H:%MZ}"
    before = world.view(one)
    with pytest.raises(Refused):
        world.act(one, meeting_acts.reschedule(active(before).meeting_id, key))
    assert world.view(one) == before


def test_a_cancelled_meeting_is_rebooked_at_another_time() -> None:
    world = World.of(worker(weekdays=(0,)))
    referral = world.refer()
    old = active(world.view(referral))
    world.act(referral, meeting_acts.cancel(old.meeting_id, v.By.PERSON, v.CancelReason.UNWELL))
    assert active(world.view(referral)).starts_at != old.starts_at


@pytest.mark.parametrize(
    "ending",
    [
        lambda of: o.ReferralWithdrawn(**of, by=v.By.PRACTICE, reason=v.WithdrawReason.PERSON_ASKED),
        lambda of: o.ReferralClosed(**of, reason=v.CloseReason.MOVED_AWAY),
        lambda of: o.ReferralDeclined(**of, by=v.By.PERSON, reason=v.DeclineReason.DOES_NOT_WANT),
        lambda of: o.ReferralReturned(**of, reason=v.ReturnReason.MORE_DETAIL),
        lambda of: o.PersonErased(**of, person_ref=of["referral_id"]),
    ],
)
def test_what_has_ended_holds_no_time(ending: Callable[[About], EventBody]) -> None:
    world = World.of(worker(weekdays=(0,)))
    referral = world.refer()
    said = world.hear(world.envelope(ending(about(referral))))
    assert [type(each) for each in said] == [o.MeetingCancelled]
    assert world.view(referral).story.active is None
    assert not any(day.reservations for day in world.days.values())
    assert not world.caseloads["lw-meir-1"].referrals


def test_an_ending_heard_before_its_referral_books_nothing() -> None:
    world = World.of(worker())
    referral = world.new_id()
    world.hear(
        world.envelope(
            o.ReferralWithdrawn(**about(referral), by=v.By.PRACTICE, reason=v.WithdrawReason.MADE_IN_ERROR)
        )
    )
    assert world.hear(world.envelope(created(referral))) == []


def test_return_after_the_practice_referred_again_stays() -> None:
    world = World.of(worker())
    referral = world.refer()
    (returned, *_) = world.act(
        referral, case_acts.return_to_referrer(Return(v.ReturnReason.MORE_DETAIL), None)
    )
    assert isinstance(returned, o.ReferralReturned)
    fact = next(f for f in world.view(referral).facts if isinstance(f.body, o.ReferralReturned))
    undo = undoing.retract(fact.source, fact.id, v.RetractReason.UNDONE, referred_again=True)
    for act in (undo, case_acts.reopen(Reopen(), None, referred_again=True)):
        with pytest.raises(Refused) as refused:
            world.act(referral, act)
        assert (refused.value.status, refused.value.code) == (409, "referred_again")
    world.act(referral, undoing.retract(fact.source, fact.id, v.RetractReason.UNDONE))
    assert world.view(referral).open


def test_reopened_is_booked_again_where_they_had_not_met() -> None:
    world = World.of(worker())
    referral = world.refer()
    world.act(referral, case_acts.no_longer_wants(v.By.PERSON))
    said = world.act(referral, case_acts.reopen(Reopen(), None))
    assert [type(each) for each in said] == [o.ReferralReopened, MeetingBooked]
    world.pass_time(days=1)
    world.act(referral, meeting_acts.attended(active(world.view(referral)).meeting_id))
    world.act(referral, case_acts.close(Closure(v.CloseReason.COMPLETED), None))
    said = world.act(referral, case_acts.reopen(Reopen(), None))
    assert [type(each) for each in said] == [o.ReferralReopened]


def test_a_case_is_reopened_with_the_time_that_was_chosen() -> None:
    world = World.of(worker())
    referral = world.refer()
    world.act(referral, case_acts.no_longer_wants(v.By.PERSON))
    chosen = list(world.load().suitable(requirements_of(world.view(referral), world.load()), referral))[5]
    said = world.act(referral, case_acts.reopen(Reopen(meeting=NextMeeting(slot=chosen.key)), None))
    assert [type(each) for each in said] == [o.ReferralReopened, MeetingBooked]
    booked = active(world.view(referral))
    assert (booked.starts_at, booked.provisional, booked.replaces) == (chosen.starts_at, False, None)
    assert world.says_nothing_more()


def test_a_case_is_reopened_without_a_meeting_until_a_day() -> None:
    world = World.of(worker())
    referral = world.refer()
    world.act(referral, case_acts.no_longer_wants(v.By.PERSON))
    day = london_day(NOW) + timedelta(days=10)
    said = world.act(referral, case_acts.reopen(Reopen(meeting=NextMeeting(not_before=day)), None))
    assert [type(each) for each in said] == [o.ReferralReopened, o.MeetingWaiting]
    assert world.says_nothing_more()
    assert world.pass_time(days=9) == []
    (booked,) = world.pass_time(days=2)
    assert isinstance(booked, MeetingBooked)
    assert london_day(booked.starts_at) >= day


def test_a_case_stays_closed_where_the_chosen_time_is_taken() -> None:
    world = World.of(worker())
    referral, other = world.refer(), world.refer()
    world.act(referral, case_acts.no_longer_wants(v.By.PERSON))
    theirs = active(world.view(other))
    key = f"{theirs.link_worker}|{theirs.starts_at:%Y-%m-%dT%H:%MZ}"
    with pytest.raises(Refused) as refused:
        world.act(referral, case_acts.reopen(Reopen(meeting=NextMeeting(slot=key)), None))
    assert refused.value.code == "slot_taken"
    assert not world.view(referral).open


def test_a_booking_after_the_end_of_a_referral_moves_nothing() -> None:
    world = World.of(worker())
    referral = world.refer()
    world.act(referral, case_acts.no_longer_wants(v.By.PERSON))
    _, booked = world.act(referral, case_acts.reopen(Reopen(), None))
    assert isinstance(booked, MeetingBooked)
    assert (booked.sequence, booked.replaces) == (1, None)


def test_who_was_not_reached_and_is_reopened_is_booked_at_once() -> None:
    world = World.of(worker())
    referral = world.refer()
    for _ in range(2):
        world.pass_time(days=3)
        world.act(referral, meeting_acts.did_not_attend(active(world.view(referral)).meeting_id))
    world.act(referral, case_acts.no_longer_wants(v.By.PERSON))
    said = world.act(referral, case_acts.reopen(Reopen(), None))
    assert [type(each) for each in said] == [o.ReferralReopened, MeetingBooked]


def test_news_from_a_log_is_heard_to_its_end_before_anything_is_done() -> None:
    world = World.of(worker())
    long_ago = NOW - timedelta(weeks=10)
    referral = world.new_id()
    assert world.hear(world.envelope(created(referral), at=long_ago)) == []
    world.hear(
        world.envelope(
            o.ReferralClosed(**about(referral), reason=v.CloseReason.COMPLETED), "history", at=long_ago
        )
    )
    assert world.pass_time(minutes=5) == []
    still_open = world.new_id()
    world.hear(world.envelope(created(still_open), at=long_ago))
    assert [type(each) for each in world.pass_time(minutes=5)] == [MeetingBooked]


def test_who_chooses_first_is_not_given_the_time_again_that_they_gave_up() -> None:
    world = World.of(worker(weekdays=(0,)))
    referral = world.refer(urgency=v.Urgency.SOON)
    first = active(world.view(referral))
    world.act(referral, meeting_acts.cancel(first.meeting_id, v.By.PERSON, v.CancelReason.UNWELL))
    second = active(world.view(referral))
    given_up = o.MeetingCancelled(
        **about(referral), meeting_id=second.meeting_id, by=v.By.PERSON, why=v.CancelReason.UNWELL
    )
    world.hear(world.envelope(created(world.new_id())), world.envelope(given_up))
    assert active(world.view(referral)).starts_at > second.starts_at


def test_asked_for_later_is_left_alone_until_then() -> None:
    world = World.of(worker())
    referral = world.refer()
    day = MONDAY + timedelta(days=21)
    said = world.act(referral, meeting_acts.defer(day))
    assert [type(each) for each in said] == [o.MeetingCancelled, o.MeetingWaiting]
    assert world.pass_time(days=20) == []
    assert [type(each) for each in world.pass_time(days=1)] == [MeetingBooked]
    assert active(world.view(referral)).starts_at.date() >= day


def test_away_moves_the_meeting_to_another_day() -> None:
    world = World.of(worker())
    referral = world.refer()
    leave = Leave(first=MONDAY, last=MONDAY)
    world.workers["lw-meir-1"] = worker(leave=(leave,))
    world.act(referral, meeting_acts.link_worker_away("lw-meir-1", MONDAY, MONDAY))
    assert active(world.view(referral)).starts_at.date() == MONDAY + timedelta(days=1)
    assert world.act(referral, meeting_acts.link_worker_away("lw-meir-1", MONDAY, MONDAY)) == []


def test_a_miss_said_by_mistake_is_mended_by_saying_that_they_came() -> None:
    world = World.of(worker())
    referral = world.refer()
    first = active(world.view(referral))
    world.pass_time(days=1)
    world.act(referral, meeting_acts.did_not_attend(first.meeting_id))
    again = active(world.view(referral))
    said = world.act(referral, meeting_acts.attended(first.meeting_id))
    assert [type(each) for each in said] == [o.MeetingAttended, o.MeetingCancelled]
    assert world.view(referral).story.active is None
    assert again.meeting_id not in {h.meeting_id for day in world.days.values() for h in day.reservations}


def test_undoing_a_cancellation_gives_the_old_time_back() -> None:
    world = World.of(worker())
    referral = world.refer()
    old = active(world.view(referral))
    world.act(referral, meeting_acts.cancel(old.meeting_id, v.By.PERSON, v.CancelReason.UNWELL))
    fact = next(f for f in world.view(referral).facts if isinstance(f.body, o.MeetingCancelled))
    world.act(referral, undoing.retract(fact.source, fact.id, v.RetractReason.UNDONE))
    assert active(world.view(referral)).starts_at == old.starts_at
    assert len(world.view(referral).story.meetings) == 3


def test_a_case_is_handed_over_with_its_meeting() -> None:
    world = World.of(
        worker(), worker("lw-meir-2", weekdays=(3,)), worker("lw-meir-3", practices=(OTHER_PRACTICE,))
    )
    referral = world.refer()
    world.act(referral, case_acts.change_link_worker("lw-meir-2"))
    assert active(world.view(referral)).link_worker == "lw-meir-2"
    assert referral in world.caseloads["lw-meir-2"].referrals
    assert referral not in world.caseloads["lw-meir-1"].referrals
    with pytest.raises(Refused, match="not_serving"):
        world.act(referral, case_acts.change_link_worker("lw-meir-3"))


def test_a_case_that_is_handed_to_a_full_link_worker_is_not_said_to_wait() -> None:
    world = World.of(worker(), worker("lw-meir-2", weekdays=(3,), caseload_limit=0))
    referral = world.refer()
    said = world.act(referral, case_acts.change_link_worker("lw-meir-2"))
    assert [type(each) for each in said] == [o.LinkWorkerChanged, o.MeetingCancelled, MeetingBooked]
    assert active(world.view(referral)).link_worker == "lw-meir-2"


def test_practice_is_where_they_meet() -> None:
    world = World.of(worker(practices=(PRACTICE, OTHER_PRACTICE)))
    assert active(world.view(world.refer(practice=OTHER_PRACTICE))).practice == OTHER_PRACTICE
