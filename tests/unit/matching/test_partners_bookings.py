"""Bookings by partners' systems, and by the log of an earlier one."""

from datetime import time, timedelta

import pytest

from services.matching.booking import commands as booking
from services.matching.booking.policy import MAX_SEQUENCE
from services.matching.errors import Refused
from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from tests.harness.matching.decision_harness import DecisionHarness, about, active, created, worker


@pytest.mark.parametrize(("by", "wins"), [("partner", True), ("history", False)])
def test_another_booking_wins_by_rank_and_ours_makes_room(by: str, wins: bool) -> None:
    world = DecisionHarness.of(worker(weekdays=(0,)))
    referral = world.refer()
    ours = active(world.view(referral))
    theirs = ours.model_copy(
        update={"meeting_id": world.new_id(), "starts_at": ours.starts_at + timedelta(days=8)}
    )
    said = world.hear(world.envelope(theirs, by))
    assert [type(each) for each in said] == ([o.MeetingCancelled] if wins else [])
    if wins:
        assert isinstance(said[0], o.MeetingCancelled)
        assert (said[0].meeting_id, said[0].why) == (ours.meeting_id, v.CancelReason.SLOT_TAKEN)
    assert active(world.view(referral)).meeting_id == (theirs if wins else ours).meeting_id
    assert active(world.view(world.refer())).starts_at == (
        ours.starts_at if wins else ours.starts_at + timedelta(minutes=45)
    )


def test_partners_provisional_time_can_be_confirmed_by_us() -> None:
    world = DecisionHarness.of(worker())
    referral = world.refer()
    theirs = active(world.view(referral)).model_copy(
        update={"meeting_id": world.new_id(), "sequence": 1, "provisional": True}
    )
    world.hear(world.envelope(theirs, "partner"))
    world.act(referral, booking.confirm(theirs.meeting_id))
    assert active(world.view(referral)) == theirs.model_copy(update={"provisional": False})
    assert world.act(referral, booking.confirm(theirs.meeting_id)) == []


def test_who_met_elsewhere_already_needs_no_booking_of_ours() -> None:
    world = DecisionHarness.of(worker())
    referral = world.refer()
    ours = active(world.view(referral))
    theirs = ours.model_copy(update={"meeting_id": world.new_id()})
    world.hear(
        world.envelope(theirs, "history"),
        world.envelope(o.MeetingAttended(**about(referral), meeting_id=theirs.meeting_id), "history"),
    )
    assert world.view(referral).story.active is None
    assert not any(day.reservations for day in world.days.values())


def test_partners_second_meeting_is_reserved_at_any_sequence() -> None:
    """A partner's system need not continue our numbers of meetings."""
    world = DecisionHarness.of(worker())
    referral = world.refer()
    first = active(world.view(referral))
    world.act(referral, booking.attended(first.meeting_id))
    starts_at = first.starts_at + timedelta(days=60)
    again = first.model_copy(update={"meeting_id": world.new_id(), "starts_at": starts_at})
    world.hear(world.envelope(again, "partner"))
    assert active(world.view(referral)).meeting_id == again.meeting_id
    held = {h.meeting_id for day in world.days.values() for h in day.reservations}
    assert again.meeting_id in held, "somebody else could be booked over it"


def test_person_met_at_last_sequence_can_be_booked_again() -> None:
    world = DecisionHarness.of(worker())
    referral = world.refer()
    before = active(world.view(referral)).model_copy(
        update={"meeting_id": world.new_id(), "sequence": MAX_SEQUENCE - 1}
    )
    theirs = before.model_copy(
        update={"meeting_id": world.new_id(), "sequence": MAX_SEQUENCE, "replaces": before.meeting_id}
    )
    world.hear(
        world.envelope(before, "partner"),
        world.envelope(theirs, "partner"),
        world.envelope(o.MeetingAttended(**about(referral), meeting_id=theirs.meeting_id), "partner"),
    )
    world.act(referral, booking.book_one(None))
    assert active(world.view(referral)).meeting_id != theirs.meeting_id


def test_partners_meeting_replacing_ours_keeps_the_time() -> None:
    world = DecisionHarness.of(worker())
    referral = world.refer()
    theirs = active(world.view(referral)).model_copy(update={"meeting_id": world.new_id()})
    world.hear(world.envelope(theirs, "partner"))
    assert active(world.view(referral)).meeting_id == theirs.meeting_id
    assert [h.meeting_id for day in world.days.values() for h in day.reservations] == [theirs.meeting_id]


def test_overlapping_partner_meeting_takes_over_freed_time() -> None:
    world = DecisionHarness.of(worker(weekdays=(0,), closes=time(9, 45)))
    one, other = world.refer(), world.refer()
    waits = world.refer(urgency=v.Urgency.SOON)
    ours = active(world.view(one))
    theirs = ours.model_copy(update={"referral_id": other, "meeting_id": world.new_id()})
    world.hear(world.envelope(theirs, "partner"))
    assert active(world.view(other)).meeting_id == theirs.meeting_id
    off = o.ReferralClosed(**about(one), reason=v.CloseReason.MOVED_AWAY)
    world.hear(world.envelope(created(waits)), world.envelope(off))
    world.wake()
    taken = {
        h.meeting_id for day in world.days.values() for h in day.reservations if h.starts_at == ours.starts_at
    }
    assert taken == {theirs.meeting_id}


def test_who_stands_behind_no_longer_is_given_nothing() -> None:
    world = DecisionHarness.of(worker())
    one, other = world.refer(), world.refer()
    ours = active(world.view(one))
    theirs = ours.model_copy(update={"referral_id": other, "meeting_id": world.new_id()})
    said = world.envelope(theirs, "partner")
    world.hear(said)
    back = o.Retracted(
        **about(other), event_source=said.source, event_id=said.id, reason=v.RetractReason.UNDONE
    )
    world.hear(world.envelope(back, "partner"))
    world.act(one, booking.cancel(ours.meeting_id, v.By.PERSON, v.CancelReason.UNWELL))
    assert theirs.meeting_id not in {h.meeting_id for day in world.days.values() for h in day.reservations}
    assert not any(day.overlapping for day in world.days.values())


@pytest.mark.parametrize("hours", [24, 2])
def test_moved_partner_meeting_holds_one_time(hours: int) -> None:
    world = DecisionHarness.of(worker())
    referral = world.refer()
    ours = active(world.view(referral))
    starts_at = ours.starts_at + timedelta(days=3)
    theirs = ours.model_copy(update={"meeting_id": world.new_id(), "starts_at": starts_at})
    moved = theirs.model_copy(update={"starts_at": starts_at + timedelta(hours=hours)})
    for body in (theirs, moved):
        world.hear(world.envelope(body, "partner"))
    assert [h.starts_at for day in world.days.values() for h in day.reservations] == [moved.starts_at]


def test_attended_is_recorded_after_partner_books_the_next() -> None:
    world = DecisionHarness.of(worker())
    referral = world.refer()
    ours = active(world.view(referral))
    world.pass_time(days=1)
    starts_at = ours.starts_at + timedelta(days=7)
    again = ours.model_copy(update={"meeting_id": world.new_id(), "sequence": 1, "starts_at": starts_at})
    world.hear(world.envelope(again, "partner"))
    world.act(referral, booking.attended(ours.meeting_id))
    view = world.view(referral)
    assert [m.booked.meeting_id for m in view.story.attended] == [ours.meeting_id]
    assert active(view).meeting_id == again.meeting_id


def test_cancelled_meeting_is_not_recorded_as_attended() -> None:
    world = DecisionHarness.of(worker())
    referral = world.refer()
    ours = active(world.view(referral))
    again = ours.model_copy(update={"meeting_id": world.new_id(), "sequence": 1})
    world.hear(world.envelope(again, "partner"))
    world.pass_time(days=1)
    with pytest.raises(Refused, match="meeting_not_standing"):
        world.act(referral, booking.attended(ours.meeting_id))


def test_nobody_in_one_locality_touches_a_diary_of_another() -> None:
    elsewhere = worker("lw-leek-1", locality="leek-werrington", practices=("M83032",))
    world = DecisionHarness.of(worker(), elsewhere)
    referral = world.refer()
    theirs = active(world.view(referral)).model_copy(
        update={"meeting_id": world.new_id(), "link_worker": "lw-leek-1"}
    )
    world.hear(world.envelope(theirs, "partner"))
    assert not any(day.reservations for (name, _), day in world.days.items() if name == "lw-leek-1")
    assert "lw-leek-1" not in world.caseloads
