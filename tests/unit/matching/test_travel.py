"""A diary leaves the link worker time to travel before and after a home visit."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.matching.booking.commands import reschedule
from services.matching.booking.diary import Diaries
from services.matching.booking.requirements import MeetingRequirements
from services.matching.booking.reservations import Reservation
from services.matching.errors import Refused
from services.matching.roster.link_workers import TRAVEL_MINUTES
from shared.contract.events import vocabulary as v
from shared.contract.events.models import MeetingBooked
from tests.harness.matching.decision_harness import LOCALITY, NOW, PRACTICE, DecisionHarness, active, worker

HOME = (v.AccessNeed.HOME_VISIT,)
TRAVEL = timedelta(minutes=TRAVEL_MINUTES)
NINE = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
VISITOR = worker(home_visits=True, weekdays=(1,))


def quarter(number: int) -> datetime:
    return NINE + timedelta(minutes=15 * number)


def starts(diaries: Diaries, *, home: bool = False) -> list[time]:
    return [slot.starts_at.time() for slot in diaries.free(VISITOR, NINE.date(), home=home)]


def diaries_of(*held: Reservation, travel: int = TRAVEL_MINUTES) -> Diaries:
    diaries = Diaries(NOW, {VISITOR.id: VISITOR}, travel_minutes=travel)
    for each in held:
        mode = v.MeetingMode.HOME if each.travel else v.MeetingMode.FACE_TO_FACE
        assert diaries.take(VISITOR.id, each.starts_at, each.minutes, each.referral_id, each.meeting_id, mode)
    return diaries


def test_home_visit_leaves_travel_on_both_sides() -> None:
    diaries = diaries_of(Reservation(quarter(3), 45, "a", "m", TRAVEL_MINUTES))
    assert starts(diaries) == [time(11, 15)]  # from 9:15 until 11:00 the link worker is on the way or there


def test_home_visit_needs_travel_to_be_offered() -> None:
    diaries = diaries_of(Reservation(quarter(3), 45, "a", "m"))
    assert starts(diaries) == [time(9), time(10, 30), time(11, 15)]
    assert starts(diaries, home=True) == [time(11, 15)]


def test_one_journey_is_enough_between_two_home_visits() -> None:
    diaries = diaries_of(Reservation(NINE, 45, "a", "m", TRAVEL_MINUTES))
    assert starts(diaries, home=True) == [time(10, 30), time(11, 15)]  # 45 minutes, not 60


def test_travel_of_none_leaves_the_next_time_free() -> None:
    diaries = diaries_of(Reservation(NINE, 45, "a", "m", 1), travel=0)
    assert starts(diaries) == [time(9, 45), time(10, 30), time(11, 15)]


def test_time_within_travel_is_refused_though_chosen() -> None:
    diaries = diaries_of(Reservation(NINE, 45, "a", "m", TRAVEL_MINUTES))
    assert not diaries.take(VISITOR.id, quarter(3), 45, "b", "n")
    assert diaries.take(VISITOR.id, quarter(5), 45, "b", "n")


def test_meeting_keeps_its_time_when_travel_grows() -> None:
    diaries = diaries_of(Reservation(NINE, 45, "a", "m", 1), Reservation(quarter(3), 45, "b", "n"), travel=0)
    diaries.travel_minutes = TRAVEL_MINUTES
    assert diaries.take(VISITOR.id, NINE, 45, "a", "m", v.MeetingMode.HOME)
    assert not diaries.touched_days - {(VISITOR.id, NINE.date())}


def test_promised_home_visit_keeps_its_travel_free() -> None:
    diaries = diaries_of()
    diaries.reserve([("a", MeetingRequirements(PRACTICE, home_visit=True), frozenset())])
    assert starts(diaries) == [time(10, 30), time(11, 15)]


def test_offered_times_of_a_home_visit_say_so() -> None:
    slot = diaries_of().earliest(MeetingRequirements(PRACTICE, home_visit=True), "a")
    assert slot is not None
    assert slot.mode is v.MeetingMode.HOME


def partners(referral_id: str, world: DecisionHarness, starts_at: datetime, home: bool) -> MeetingBooked:
    """A partner's booking system puts a meeting wherever it likes."""
    before = world.view(referral_id).story.meetings
    return MeetingBooked(
        referral_id=referral_id,
        locality=LOCALITY,
        meeting_id=world.new_id(),
        sequence=before[-1].booked.sequence + 1 if before else 0,
        replaces=before[-1].booked.meeting_id if before else None,
        link_worker=VISITOR.id,
        practice=PRACTICE,
        starts_at=starts_at,
        minutes=45,
        mode=v.MeetingMode.HOME if home else v.MeetingMode.FACE_TO_FACE,
        provisional=False,
    )


Step = tuple[str, int, bool]
STEPS = st.lists(
    st.tuples(st.sampled_from(("refer", "move", "partner", "night")), st.integers(0, 12), st.booleans()),
    min_size=4,
    max_size=14,
)


@given(STEPS)
def test_nothing_is_booked_within_travel(steps: list[Step]) -> None:
    world = DecisionHarness.of(VISITOR.model_copy(update={"hours": worker(weekdays=(0, 1, 2)).hours}))
    referrals: list[str] = []
    for what, number, home in steps:
        taken = [(m.starts_at, m.minutes, m.mode) for m in map(_active(world), referrals) if m]
        said = list(world.said)
        match what:
            case "refer":
                referrals.append(world.refer(access_needs=HOME if home else ()))
            case "move" if referrals:
                chosen = referrals[number % len(referrals)]
                meeting = _active(world)(chosen)
                if meeting:
                    taken.remove((meeting.starts_at, meeting.minutes, meeting.mode))
                    try:
                        world.act(chosen, reschedule(meeting.meeting_id, None))
                    except Refused:
                        continue
            case "partner" if referrals:
                chosen = referrals[number % len(referrals)]
                world.hear(world.envelope(partners(chosen, world, quarter(number), home), by="history"))
                _nothing_held_twice(world)
                continue
            case "night":
                world.wake()
        _nothing_held_twice(world)
        for event in world.said[len(said) :]:
            if what in ("refer", "move") and isinstance(event.body, MeetingBooked):
                _apart(event.body, taken)


def _active(world: DecisionHarness) -> Callable[[str], MeetingBooked | None]:
    def of(referral_id: str) -> MeetingBooked | None:
        story = world.view(referral_id).story
        return active(world.view(referral_id)) if story.active else None

    return of


def _nothing_held_twice(world: DecisionHarness) -> None:
    for day in world.days.values():
        for one, other in combinations(day.reservations, 2):
            apart = max(one.travel, other.travel)
            first, second = sorted((one, other), key=lambda held: held.starts_at)
            assert second.starts_at - first.ends_at >= timedelta(minutes=apart)


def _apart(booked: MeetingBooked, taken: list[tuple[datetime, int, v.MeetingMode]]) -> None:
    """A new booking lies in no travel of an earlier meeting, and no meeting lies in its own travel."""
    ends = booked.starts_at + timedelta(minutes=booked.minutes)
    for starts_at, minutes, mode in taken:
        home = v.MeetingMode.HOME in (booked.mode, mode)
        apart = TRAVEL if home else timedelta()
        assert ends + apart <= starts_at or starts_at + timedelta(minutes=minutes) + apart <= booked.starts_at


@pytest.mark.parametrize("on", [date(2026, 11, 24)])
def test_home_visits_of_a_full_morning_are_two(on: date) -> None:
    world = DecisionHarness.of(VISITOR)
    booked = [active(world.view(world.refer(access_needs=HOME))) for _ in range(3)]
    first_day = [each.starts_at.time() for each in booked if each.starts_at.date() == on]
    assert first_day == [time(9), time(10, 30)]
