"""Weekly hours become meeting times, on every day of the year."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from services.matching.booking.days import Caseload, Day
from services.matching.booking.diary import Diaries
from services.matching.booking.requirements import MeetingRequirements, half_day
from services.matching.booking.reservations import Reservation
from services.matching.booking.slot import slots_of_day
from services.matching.calendar import bank_holiday, day_start, london_day
from services.matching.roster.link_workers import Hours, Leave, times
from shared.platform.clock import LONDON
from tests.harness.matching.decision_harness import NOW, OTHER_PRACTICE, PRACTICE, worker

MONDAY = date(2026, 11, 23)
SPRING_FORWARD = date(2027, 3, 28)
FALL_BACK = date(2026, 10, 25)


def hours(opens: time, closes: time, weekday: int = 6) -> Hours:
    return Hours(weekday=weekday, opens=opens, closes=closes, practices=(PRACTICE,), place="Room 4")


def test_a_morning_has_as_many_meetings_as_fit() -> None:
    found = times(hours(time(9), time(12), 0), MONDAY, 45)
    assert [each.astimezone(LONDON).time() for each in found] == [
        time(9),
        time(9, 45),
        time(10, 30),
        time(11, 15),
    ]


def test_summer_hours_are_the_same_on_the_wall() -> None:
    summer, winter = date(2026, 7, 6), date(2026, 12, 7)
    for day in (summer, winter):
        assert times(hours(time(9), time(10), 0), day, 60)[0].astimezone(LONDON).time() == time(9)
    assert times(hours(time(9), time(10), 0), summer, 60)[0].hour == 8


def test_the_hour_that_does_not_exist_holds_no_meeting() -> None:
    # 00:30 to 03:00 on the wall is an hour and a half when the clocks go forward.
    found = times(hours(time(0, 30), time(3)), SPRING_FORWARD, 30)
    assert len(found) == 3
    assert found[-1] + timedelta(minutes=30) == datetime(2027, 3, 28, 2, 0, tzinfo=UTC)


def test_repeated_clock_hour_is_used_twice_without_overlap() -> None:
    found = times(hours(time(0, 30), time(2, 30)), FALL_BACK, 60)
    assert [each.hour for each in found] == [23, 0, 1]
    assert {later - earlier for earlier, later in pairwise(found)} == {timedelta(hours=1)}


day_times = st.times().map(lambda t: t.replace(second=0, microsecond=0, fold=0))
days = st.dates(date(2025, 1, 1), date(2030, 12, 31)) | st.sampled_from((SPRING_FORWARD, FALL_BACK))


@given(days, day_times, day_times, st.integers(15, 120))
def test_times_lie_in_their_day_and_never_overlap(day: date, one: time, other: time, minutes: int) -> None:
    if one == other:
        return
    open_hours = hours(min(one, other), max(one, other), day.weekday())
    found = times(open_hours, day, minutes)
    length = timedelta(minutes=minutes)
    closes = datetime.combine(day, open_hours.closes, LONDON).replace(fold=1).astimezone(UTC)
    for start, following in pairwise([*found, closes] if found else []):
        assert london_day(start) == day
        assert start + length <= following


@given(days)
def test_a_day_begins_at_midnight_in_london(day: date) -> None:
    start = day_start(day)
    assert london_day(start) == day
    assert london_day(start - timedelta(seconds=1)) == day - timedelta(days=1)


def test_bank_holidays_of_england_are_closed() -> None:
    assert bank_holiday(date(2026, 12, 25))
    assert bank_holiday(date(2026, 12, 28))  # Boxing Day falls on a Saturday
    assert bank_holiday(date(2027, 3, 29))  # Easter Monday, which Scotland does not keep
    assert not bank_holiday(date(2027, 1, 4))  # which Scotland keeps in some years
    assert slots_of_day(worker(), date(2026, 12, 25)) == []


def test_leave_is_closed_on_both_its_ends() -> None:
    away = worker(leave=(Leave(first=MONDAY, last=MONDAY + timedelta(days=1)),))
    assert [bool(slots_of_day(away, MONDAY + timedelta(days=n))) for n in range(-3, 3)] == [
        True,
        False,
        False,
        False,
        False,
        True,
    ]


def test_practices_that_share_a_room_share_its_times() -> None:
    shared = worker(practices=(PRACTICE, OTHER_PRACTICE))
    diaries = Diaries(NOW, {shared.id: shared})
    first = diaries.earliest(MeetingRequirements(PRACTICE), "a")
    second = diaries.earliest(MeetingRequirements(OTHER_PRACTICE), "b")
    assert first is not None
    assert second is not None
    assert first.starts_at == second.starts_at
    assert diaries.take(first.link_worker, first.starts_at, first.minutes, "a", "meeting-a")
    assert not diaries.take(second.link_worker, second.starts_at, second.minutes, "b", "meeting-b")
    again = diaries.earliest(MeetingRequirements(OTHER_PRACTICE), "b")
    assert again is not None
    assert again.starts_at > second.starts_at


def test_a_held_time_of_another_length_is_not_overlapped() -> None:
    one = worker(meeting_minutes=30)
    diaries = Diaries(NOW, {one.id: one})
    nine = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
    diaries.days[one.id, MONDAY] = Day(one.id, MONDAY, 1, [Reservation(nine, 45, "x", "m")])
    found = diaries.earliest(MeetingRequirements(PRACTICE), "a")
    assert found is not None
    assert found.starts_at == nine + timedelta(hours=1)


def test_taking_the_same_time_again_changes_nothing() -> None:
    one = worker()
    diaries = Diaries(NOW, {one.id: one})
    slot = diaries.earliest(MeetingRequirements(PRACTICE), "a")
    assert slot is not None
    assert diaries.take(slot.link_worker, slot.starts_at, slot.minutes, "a", "m")
    diaries.touched_days.clear()
    assert diaries.take(slot.link_worker, slot.starts_at, slot.minutes, "a", "m")
    assert not diaries.touched_days


def test_of_two_times_at_once_the_smaller_caseload_gets_it() -> None:
    busy, idle = worker("lw-meir-1"), worker("lw-meir-2")
    diaries = Diaries(NOW, {busy.id: busy, idle.id: idle})
    diaries.caseloads[busy.id] = Caseload(busy.id, 1, {"x", "y"})
    found = diaries.earliest(MeetingRequirements(PRACTICE), "a")
    assert found is not None
    assert found.link_worker == idle.id


def test_a_full_caseload_takes_nobody_new() -> None:
    full = worker(caseload_limit=1)
    diaries = Diaries(NOW, {full.id: full})
    diaries.caseloads[full.id] = Caseload(full.id, 1, {"x"})
    assert diaries.earliest(MeetingRequirements(PRACTICE), "a") is None
    assert diaries.earliest(MeetingRequirements(PRACTICE), "x") is not None


def test_what_is_promised_to_one_is_not_free_for_another() -> None:
    one = worker()
    diaries = Diaries(NOW, {one.id: one})
    diaries.reserve([("urgent", MeetingRequirements(PRACTICE), frozenset())])
    promised = diaries.reserved["urgent"]
    other = diaries.earliest(MeetingRequirements(PRACTICE), "routine")
    assert other is not None
    assert other.starts_at > promised.starts_at


def test_a_key_names_a_time_in_somebodys_hours_and_nothing_else() -> None:
    one = worker()
    diaries = Diaries(NOW, {one.id: one})
    slot = diaries.earliest(MeetingRequirements(PRACTICE), "a")
    assert slot is not None
    assert diaries.slot(slot.key, PRACTICE) == slot
    assert diaries.slot(slot.key, OTHER_PRACTICE) is None
    for wrong in ("", "x", "lw-meir-1|soon", "lw-meir-9|2026-11-23T09:00Z", "lw-meir-1|2026-11-23T09:10Z"):
        assert diaries.slot(wrong, PRACTICE) is None


def test_half_days_are_those_of_the_contract() -> None:
    assert half_day(datetime(2026, 11, 23, 11, 59, tzinfo=LONDON)) == "mon_am"
    assert half_day(datetime(2026, 11, 27, 12, 0, tzinfo=LONDON)) == "fri_pm"
