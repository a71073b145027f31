"""Bookings of a partner that owned booking before: its meetings and reasons are ours to look after."""

from datetime import timedelta

import pytest

from services.matching.booking import commands as booking
from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from shared.contract.events.models import MeetingBooked
from shared.delivery.model.facts import ReceivedEvent
from shared.platform.clock import london_day
from shared.platform.localities import load_localities
from tests.harness.matching.decision_harness import (
    PART,
    PRACTICE,
    DecisionHarness,
    about,
    active,
    created,
    worker,
)


def booked_by(by: str, world: DecisionHarness, sequence: int = 0, days: int = 1) -> MeetingBooked:
    """A booking by another source of a new referral, or of the one that stands."""
    referral = next(iter(world.cases), None) or world.new_id()
    starts_at = (world.now + timedelta(days=days)).replace(hour=9, minute=0)
    body = MeetingBooked(
        **about(referral),
        meeting_id=world.new_id(),
        sequence=sequence,
        link_worker="lw-meir-1",
        practice=PRACTICE,
        starts_at=starts_at,
        minutes=45,
    )
    first = [] if referral in world.cases else [world.envelope(created(referral))]
    world.hear(*first, world.envelope(body, by))
    return body


@pytest.mark.parametrize("by", ["former", "history"])
def test_meeting_that_lost_is_cancelled_if_an_owner_booked_it(by: str) -> None:
    world = DecisionHarness.of(worker())
    theirs = booked_by(by, world)
    assert active(world.view(theirs.referral_id)) == theirs
    booked_by("history", world, sequence=1, days=9)
    cancelled = [each for each in world.said if isinstance(each.body, o.MeetingCancelled)]
    if by == "history":  # A partner that never owned booking cancels its own.
        assert not cancelled
    else:
        (said,) = (each.body for each in cancelled)
        assert isinstance(said, o.MeetingCancelled)
        assert (said.meeting_id, said.why) == (theirs.meeting_id, v.CancelReason.SLOT_TAKEN)
    standing = [m for m in world.view(theirs.referral_id).story.meetings if m.status == "booked"]
    assert len(standing) == (2 if by == "history" else 1)
    assert world.says_nothing_more()


def test_former_owners_meeting_waits_for_a_time_that_is_held() -> None:
    world = DecisionHarness.of(worker())
    ours = active(world.view(world.refer()))
    theirs = ours.model_copy(update={"referral_id": world.new_id(), "meeting_id": world.new_id()})
    world.hear(world.envelope(created(theirs.referral_id)), world.envelope(theirs, "former"))
    assert not any(isinstance(each.body, o.MeetingCancelled) for each in world.said)
    (behind,) = (held for day in world.days.values() for held in day.overlapping)
    assert behind.meeting_id == theirs.meeting_id


def test_former_owners_word_of_misses_ends_with_a_reopening() -> None:
    world = DecisionHarness.of(worker())
    referral = world.refer()
    for _ in range(2):
        meeting = active(world.view(referral))
        world.pass_time(days=1)
        world.act(referral, booking.did_not_attend(meeting.meeting_id))
    until = london_day(world.now) + timedelta(days=7)
    wait = o.MeetingWaiting(**about(referral), reason=v.WaitingReason.PERSON_NOT_REACHED, expected_by=until)
    world.hear(world.envelope(wait, "former"))
    closed = world.envelope(o.ReferralClosed(**about(referral), reason=v.CloseReason.MOVED_AWAY))
    world.hear(closed)
    back = o.ReferralReopened(**about(referral), ends_source=closed.source, ends_id=closed.id)
    world.hear(world.envelope(back, "casework"))
    assert world.view(referral).story.active is not None


def test_look_reserves_former_owners_times_before_it_books_any() -> None:
    """The first referral has to move to the other link worker, whose next time a later referral holds."""
    world = DecisionHarness.of(worker("lw-meir-1"), worker("lw-meir-2"))
    moves, stays = world.new_id(), world.new_id()
    starts_at = world.now.replace(hour=9)
    bodies = [
        MeetingBooked(
            **about(referral),
            meeting_id=world.new_id(),
            sequence=0,
            link_worker=name,
            practice=PRACTICE,
            starts_at=starts_at,
            minutes=45,
        )
        for referral, name in ((moves, "lw-meir-1"), (stays, "lw-meir-2"))
    ]
    said = [world.envelope(body, "former") for body in bodies]
    handed = o.LinkWorkerChanged(**about(moves), link_worker="lw-meir-2")
    said += [world.envelope(created(moves)), world.envelope(created(stays))]
    for event in (*said, world.envelope(handed, "casework")):  # It was folded while another owner decided.
        world.case(event.body.referral_id).append(ReceivedEvent.of(event))
    for look in (PART.look_first, PART.look):
        assert look is not None
        for referral in (moves, stays):
            world.look(referral, look)
    assert active(world.view(stays)) == bodies[1]
    moved = active(world.view(moves))
    assert (moved.link_worker, moved.starts_at) == ("lw-meir-2", starts_at + timedelta(minutes=45))
    assert not any(day.overlapping for day in world.days.values())


def test_sources_speak_for_their_parts_by_the_table() -> None:
    known = load_localities()
    assert known.parts("/meir/matching") == {"booking", "casework", "directory"}
    assert known.parts("/meir/booking-js") == {"booking"}
    assert known.parts("/meir/history") == known.parts("/nowhere/booking-js") == frozenset()
