"""Decisions of matching after a change: cancelled, ended, reopened, deferred, handed over."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from services.matching.booking import commands as booking
from services.matching.booking import undo
from services.matching.booking.policy import requirements_of
from services.matching.calendar import london_day
from services.matching.casework import commands as casework
from services.matching.casework.inputs import Closure, NextMeeting, Reopen, Return
from services.matching.casework.team import commands as team
from services.matching.errors import Refused
from services.matching.referral_state.commands import About
from services.matching.roster.link_workers import Leave
from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from shared.contract.events.models import EventBody, MeetingBooked
from shared.contract.events.outcomes import NextStep
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


def test_a_cancelled_meeting_is_rebooked_at_another_time() -> None:
    world = DecisionHarness.of(worker(weekdays=(0,)))
    referral = world.refer()
    old = active(world.view(referral))
    world.act(referral, booking.cancel(old.meeting_id, v.By.PERSON, v.CancelReason.UNWELL))
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
    world = DecisionHarness.of(worker(weekdays=(0,)))
    referral = world.refer()
    said = world.hear(world.envelope(ending(about(referral))))
    assert [type(each) for each in said] == [o.MeetingCancelled]
    assert world.view(referral).story.active is None
    assert not any(day.reservations for day in world.days.values())
    assert not world.caseloads["lw-meir-1"].referrals


def test_an_ending_heard_before_its_referral_books_nothing() -> None:
    world = DecisionHarness.of(worker())
    referral = world.new_id()
    world.hear(
        world.envelope(
            o.ReferralWithdrawn(**about(referral), by=v.By.PRACTICE, reason=v.WithdrawReason.MADE_IN_ERROR)
        )
    )
    assert world.hear(world.envelope(created(referral))) == []


def test_return_after_the_practice_referred_again_stays() -> None:
    world = DecisionHarness.of(worker())
    referral = world.refer()
    (returned, *_) = world.act(
        referral, casework.return_to_referrer(Return(v.ReturnReason.MORE_DETAIL), None)
    )
    assert isinstance(returned, o.ReferralReturned)
    fact = next(f for f in world.view(referral).facts if isinstance(f.body, o.ReferralReturned))
    undone = undo.retract(fact.source, fact.id, v.RetractReason.UNDONE)
    world.referred_again = frozenset({referral})
    for act in (undone, casework.reopen(Reopen(), None)):
        with pytest.raises(Refused) as refused:
            world.act(referral, act)
        assert (refused.value.status, refused.value.code) == (409, "referred_again")
    world.referred_again = frozenset()
    world.act(referral, undone)
    assert world.view(referral).open


def test_reopened_is_booked_again_where_they_had_not_met() -> None:
    world = DecisionHarness.of(worker())
    referral = world.refer()
    world.act(referral, casework.no_longer_wants(v.By.PERSON))
    said = world.act(referral, casework.reopen(Reopen(), None))
    assert [type(each) for each in said] == [o.ReferralReopened, MeetingBooked]
    world.pass_time(days=1)
    world.act(referral, booking.attended(active(world.view(referral)).meeting_id))
    world.act(referral, casework.close(Closure(v.CloseReason.COMPLETED), None))
    said = world.act(referral, casework.reopen(Reopen(), None))
    assert [type(each) for each in said] == [o.ReferralReopened]


def test_a_case_is_reopened_with_the_time_that_was_chosen() -> None:
    world = DecisionHarness.of(worker())
    referral = world.refer()
    world.act(referral, casework.no_longer_wants(v.By.PERSON))
    chosen = list(world.load().suitable(requirements_of(world.view(referral), world.load()), referral))[5]
    said = world.act(referral, casework.reopen(Reopen(meeting=NextMeeting(slot=chosen.key)), None))
    assert [type(each) for each in said] == [o.ReferralReopened, MeetingBooked]
    booked = active(world.view(referral))
    assert (booked.starts_at, booked.provisional, booked.replaces) == (chosen.starts_at, False, None)
    assert world.says_nothing_more()


def test_a_case_is_reopened_without_a_meeting_until_a_day() -> None:
    world = DecisionHarness.of(worker())
    referral = world.refer()
    world.act(referral, casework.no_longer_wants(v.By.PERSON))
    day = london_day(NOW) + timedelta(days=10)
    said = world.act(referral, casework.reopen(Reopen(meeting=NextMeeting(not_before=day)), None))
    assert [type(each) for each in said] == [o.ReferralReopened, o.MeetingWaiting]
    assert world.says_nothing_more()
    assert world.pass_time(days=9) == []
    (booked,) = world.pass_time(days=2)
    assert isinstance(booked, MeetingBooked)
    assert london_day(booked.starts_at) >= day


def test_a_case_stays_closed_where_the_chosen_time_is_taken() -> None:
    world = DecisionHarness.of(worker())
    referral, other = world.refer(), world.refer()
    world.act(referral, casework.no_longer_wants(v.By.PERSON))
    theirs = active(world.view(other))
    key = f"{theirs.link_worker}|{theirs.starts_at:%Y-%m-%dT%H:%MZ}"
    with pytest.raises(Refused) as refused:
        world.act(referral, casework.reopen(Reopen(meeting=NextMeeting(slot=key)), None))
    assert refused.value.code == "slot_taken"
    assert not world.view(referral).open


def test_a_booking_after_the_end_of_a_referral_moves_nothing() -> None:
    world = DecisionHarness.of(worker())
    referral = world.refer()
    world.act(referral, casework.no_longer_wants(v.By.PERSON))
    _, booked = world.act(referral, casework.reopen(Reopen(), None))
    assert isinstance(booked, MeetingBooked)
    assert (booked.sequence, booked.replaces) == (1, None)


def test_who_was_not_reached_and_is_reopened_is_booked_at_once() -> None:
    world = DecisionHarness.of(worker())
    referral = world.refer()
    for _ in range(2):
        world.pass_time(days=3)
        world.act(referral, booking.did_not_attend(active(world.view(referral)).meeting_id))
    world.act(referral, casework.no_longer_wants(v.By.PERSON))
    said = world.act(referral, casework.reopen(Reopen(), None))
    assert [type(each) for each in said] == [o.ReferralReopened, MeetingBooked]


def test_old_log_is_read_to_its_end_before_booking() -> None:
    world = DecisionHarness.of(worker())
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


def test_urgent_choice_leaves_out_the_refused_time() -> None:
    world = DecisionHarness.of(worker(weekdays=(0,)))
    referral = world.refer(urgency=v.Urgency.SOON)
    first = active(world.view(referral))
    world.act(referral, booking.cancel(first.meeting_id, v.By.PERSON, v.CancelReason.UNWELL))
    second = active(world.view(referral))
    given_up = o.MeetingCancelled(
        **about(referral), meeting_id=second.meeting_id, by=v.By.PERSON, why=v.CancelReason.UNWELL
    )
    world.hear(world.envelope(created(world.new_id())), world.envelope(given_up))
    assert active(world.view(referral)).starts_at > second.starts_at


def test_asked_for_later_is_left_alone_until_then() -> None:
    world = DecisionHarness.of(worker())
    referral = world.refer()
    day = MONDAY + timedelta(days=21)
    said = world.act(referral, booking.defer(day))
    assert [type(each) for each in said] == [o.MeetingCancelled, o.MeetingWaiting]
    assert world.pass_time(days=20) == []
    assert [type(each) for each in world.pass_time(days=1)] == [MeetingBooked]
    assert active(world.view(referral)).starts_at.date() >= day


def test_away_moves_the_meeting_to_another_day() -> None:
    world = DecisionHarness.of(worker())
    referral = world.refer()
    leave = Leave(first=MONDAY, last=MONDAY)
    world.workers["lw-meir-1"] = worker(leave=(leave,))
    world.act(referral, booking.link_worker_away("lw-meir-1", leave))
    assert active(world.view(referral)).starts_at.date() == MONDAY + timedelta(days=1)
    assert world.act(referral, booking.link_worker_away("lw-meir-1", leave)) == []


def test_mistaken_miss_is_corrected_by_attended() -> None:
    world = DecisionHarness.of(worker())
    referral = world.refer()
    first = active(world.view(referral))
    world.pass_time(days=1)
    world.act(referral, booking.did_not_attend(first.meeting_id))
    again = active(world.view(referral))
    said = world.act(referral, booking.attended(first.meeting_id))
    assert [type(each) for each in said] == [o.MeetingAttended, o.MeetingCancelled]
    assert world.view(referral).story.active is None
    assert again.meeting_id not in {h.meeting_id for day in world.days.values() for h in day.reservations}


def test_undoing_a_cancellation_gives_the_old_time_back() -> None:
    world = DecisionHarness.of(worker())
    referral = world.refer()
    old = active(world.view(referral))
    world.act(referral, booking.cancel(old.meeting_id, v.By.PERSON, v.CancelReason.UNWELL))
    fact = next(f for f in world.view(referral).facts if isinstance(f.body, o.MeetingCancelled))
    world.act(referral, undo.retract(fact.source, fact.id, v.RetractReason.UNDONE))
    assert active(world.view(referral)).starts_at == old.starts_at
    assert len(world.view(referral).story.meetings) == 3


def test_a_case_is_handed_over_with_its_meeting() -> None:
    world = DecisionHarness.of(
        worker(), worker("lw-meir-2", weekdays=(3,)), worker("lw-meir-3", practices=(OTHER_PRACTICE,))
    )
    referral = world.refer()
    world.act(referral, team.change_link_worker("lw-meir-2"))
    assert active(world.view(referral)).link_worker == "lw-meir-2"
    assert referral in world.caseloads["lw-meir-2"].referrals
    assert referral not in world.caseloads["lw-meir-1"].referrals
    with pytest.raises(Refused, match="not_serving"):
        world.act(referral, team.change_link_worker("lw-meir-3"))


def test_handover_to_full_link_worker_states_no_waiting() -> None:
    world = DecisionHarness.of(worker(), worker("lw-meir-2", weekdays=(3,), caseload_limit=0))
    referral = world.refer()
    said = world.act(referral, team.change_link_worker("lw-meir-2"))
    assert [type(each) for each in said] == [o.LinkWorkerChanged, o.MeetingCancelled, MeetingBooked]
    assert active(world.view(referral)).link_worker == "lw-meir-2"


def heard_handover(
    world: DecisionHarness, referral: str, to: str, next_step: NextStep | None = None
) -> list[EventBody]:
    """The case is handed over by another owner of casework, who says only whose it is."""
    said = o.LinkWorkerChanged(**about(referral), link_worker=to, next_step=next_step)
    return world.hear(world.envelope(said, "casework"))


def test_handover_by_another_owner_moves_the_meeting() -> None:
    world = DecisionHarness.of(worker(), worker("lw-meir-2", weekdays=(3,)))
    referral = world.refer()
    old = active(world.view(referral))
    cancelled, booked = heard_handover(world, referral, "lw-meir-2")
    assert isinstance(cancelled, o.MeetingCancelled)
    assert (cancelled.meeting_id, cancelled.why) == (old.meeting_id, v.CancelReason.LINK_WORKER_AWAY)
    assert cancelled.by == v.By.LINK_WORKER
    assert isinstance(booked, MeetingBooked)
    assert (booked.link_worker, booked.replaces) == ("lw-meir-2", old.meeting_id)
    assert heard_handover(world, referral, "lw-meir-2") == []


def test_handover_to_somebody_not_here_moves_nothing() -> None:
    world = DecisionHarness.of(worker(), worker("lw-meir-3", practices=(OTHER_PRACTICE,)))
    referral = world.refer()
    for to in ("lw-meir-3", "lw-meir-99"):
        assert heard_handover(world, referral, to) == []
    assert active(world.view(referral)).link_worker == "lw-meir-1"


def test_next_step_with_its_author_moves_nothing() -> None:
    world = DecisionHarness.of(worker(), worker("lw-meir-2", weekdays=(3,)))
    referral = world.refer()
    step = NextStep(code=v.NextStepCode.RING, on=MONDAY)
    assert heard_handover(world, referral, "lw-meir-2", next_step=step) == []


def test_meeting_booked_after_the_handover_stays() -> None:
    world = DecisionHarness.of(worker(), worker("lw-meir-2", weekdays=(3,)))
    referral = world.refer()
    heard_handover(world, referral, "lw-meir-2")
    moved = active(world.view(referral))
    elsewhere = moved.model_copy(
        update={
            "meeting_id": world.new_id(),
            "sequence": moved.sequence + 1,
            "replaces": moved.meeting_id,
            "link_worker": "lw-meir-1",
            "starts_at": moved.starts_at + timedelta(days=1),
        }
    )
    assert world.hear(world.envelope(elsewhere, "booking")) == []
    assert active(world.view(referral)).link_worker == "lw-meir-1"


def test_practice_is_where_they_meet() -> None:
    world = DecisionHarness.of(worker(practices=(PRACTICE, OTHER_PRACTICE)))
    assert active(world.view(world.refer(practice=OTHER_PRACTICE))).practice == OTHER_PRACTICE
