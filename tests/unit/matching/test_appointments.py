"""Appointments keep time free of meetings, and say what is wrong with them."""

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from starlette.datastructures import FormData

from services.matching.booking.agenda import Within, agenda_day
from services.matching.booking.appointments import Appointment, AppointmentKind, TimeWanted, make_room
from services.matching.booking.days import Day
from services.matching.booking.diary import Diaries
from services.matching.booking.pages.diary_columns import columns_of_workers
from services.matching.booking.requirements import MeetingRequirements
from services.matching.booking.reservations import Reservation
from services.matching.errors import Refused
from services.matching.roster.moves import kept_free, moves_for
from services.matching.roster.pages.appointments import _read
from services.matching.web.forms import FormErrors, FormInput
from shared.contract.events import vocabulary as v
from tests.harness.matching.decision_harness import NOW, PRACTICE, DecisionHarness, active, worker

TUESDAY = date(2026, 11, 24)
TRAINING = AppointmentKind.TRAINING


def wanted(begins: time, ends: time, day: date = TUESDAY, note: str = "") -> TimeWanted:
    return TimeWanted.on(day, begins, ends, TRAINING, note)


def kept(at: TimeWanted) -> Appointment:
    return Appointment("a-1", "lw-meir-1", at.starts_at, at.minutes, at.kind, at.note)


def blocked(at: TimeWanted) -> Reservation:
    return Reservation(at.starts_at, at.minutes, "", "a-1")


def diaries(at: TimeWanted, **more: Any) -> Diaries:
    priya = worker(**more)
    day = Day(priya.id, TUESDAY, 1, blocked=[blocked(at)])
    return Diaries(NOW, {priya.id: priya}, {(priya.id, TUESDAY): day})


def starts(found: Diaries, *, home: bool = False) -> list[time]:
    priya = found.workers["lw-meir-1"]
    return [slot.starts_at.time() for slot in found.free(priya, TUESDAY, home=home)]


def test_no_time_is_offered_within_an_appointment() -> None:
    assert starts(diaries(wanted(time(9, 30), time(10, 30)))) == [time(10, 30), time(11, 15)]


def test_home_visit_keeps_its_travel_from_an_appointment() -> None:
    found = diaries(wanted(time(9), time(9, 45)), home_visits=True)
    assert starts(found) == [time(9, 45), time(10, 30), time(11, 15)]
    assert starts(found, home=True) == [time(10, 30), time(11, 15)]


def test_earliest_time_is_after_an_appointment() -> None:
    found = diaries(wanted(time(9), time(12)), weekdays=(1, 2))
    slot = found.earliest(MeetingRequirements(PRACTICE), "a")
    assert slot is not None
    assert slot.starts_at.date() == TUESDAY + timedelta(days=1)


def test_time_within_an_appointment_cannot_be_taken() -> None:
    at = wanted(time(9), time(10))
    found = diaries(at)
    assert not found.take("lw-meir-1", at.starts_at, 45, "case", "m")
    found.add_overlapping("lw-meir-1", at.starts_at, 45, "case", "m")
    day = found.days["lw-meir-1", TUESDAY]
    assert found.take("lw-meir-1", at.starts_at + timedelta(hours=1), 45, "other", "n")
    found.release(day, "n")
    assert [held.meeting_id for held in day.overlapping] == ["m"]  # it waits until the appointment is removed
    day.blocked = []
    assert found.take("lw-meir-1", at.starts_at + timedelta(hours=1), 45, "other", "n")
    found.release(day, "n")
    assert [held.meeting_id for held in day.reservations] == ["m"]


@pytest.mark.parametrize(
    ("at", "code"),
    [
        (wanted(time(10), time(10)), "appointment_times"),
        (wanted(time(10), time(9)), "appointment_times"),
        (wanted(time(10), time(10, 4)), "appointment_times"),
        (wanted(time(5), time(6, 30), NOW.date()), "appointment_over"),
        (wanted(time(9), time(10), TUESDAY + timedelta(days=366)), "appointment_far"),
        (wanted(time(9), time(10), note="Ring 01632 960401"), "note_number"),
    ],
)
def test_appointment_that_makes_no_sense_is_refused(at: TimeWanted, code: str) -> None:
    with pytest.raises(Refused) as refused:
        at.check(NOW)
    assert refused.value.code == code


def test_appointment_counts_real_minutes_when_clocks_change() -> None:
    assert wanted(time(0, 30), time(3, 30), date(2027, 3, 28)).minutes == 120
    wanted(time(9), time(17)).check(NOW)


def test_weekly_appointment_keeps_its_time_in_london() -> None:
    found = wanted(time(9), time(10), date(2027, 3, 23)).weekly(date(2027, 4, 6))
    assert [each.starts_at.isoformat() for each in found] == [
        "2027-03-23T09:00:00+00:00",
        "2027-03-30T08:00:00+00:00",  # The clocks have changed.
        "2027-04-06T08:00:00+00:00",
    ]
    assert wanted(time(9), time(10)).weekly(None) == (wanted(time(9), time(10)),)


@pytest.mark.parametrize("until", [TUESDAY, TUESDAY + timedelta(days=6), TUESDAY + timedelta(days=367)])
def test_weeks_that_make_no_sense_are_refused(until: date) -> None:
    with pytest.raises(Refused) as refused:
        wanted(time(9), time(10)).weekly(until)
    assert refused.value.code == "appointment_until"


def test_preview_of_an_appointment_is_what_storing_it_does() -> None:
    world = DecisionHarness.of(worker(weekdays=(1,)))
    referral = world.refer()
    at = kept(wanted(time(9), time(10)))
    priya = world.workers["lw-meir-1"]
    (shown,) = moves_for([(referral, world.view(referral))], kept_free(world.load(), [at]), priya)
    world.days[priya.id, TUESDAY].blocked.append(blocked(wanted(time(9), time(10))))
    world.act(referral, make_room(at))
    now = active(world.view(referral))
    assert shown.slot is not None
    assert (shown.slot.link_worker, shown.slot.starts_at) == (now.link_worker, now.starts_at)


def test_meeting_within_an_appointment_is_moved_past_it() -> None:
    world = DecisionHarness.of(worker(weekdays=(1,)))
    referral = world.refer()
    was = active(world.view(referral))
    at = wanted(time(9), time(10))
    world.days[was.link_worker, TUESDAY].blocked.append(blocked(at))
    world.act(referral, make_room(kept(at)))
    cancelled = next(m for m in world.view(referral).story.meetings if m.booked.meeting_id == was.meeting_id)
    assert cancelled.cancelled is not None
    assert (cancelled.cancelled.by, cancelled.cancelled.why) == (
        v.By.LINK_WORKER,
        v.CancelReason.LINK_WORKER_AWAY,
    )
    now = active(world.view(referral))
    assert now.starts_at >= at.ends_at
    assert world.act(referral, make_room(kept(at))) == []


def test_meeting_beside_an_appointment_stays() -> None:
    world = DecisionHarness.of(worker(weekdays=(1,)))
    referral = world.refer()
    assert world.act(referral, make_room(kept(wanted(time(9, 45), time(11))))) == []


def read(**fields: str) -> TimeWanted:
    usual = {
        "kind": "training",
        "day-day": "24",
        "day-month": "11",
        "day-year": "2026",
        "begins": "9am",
        "ends": "12:30pm",
        "note": "",
    }
    return _read(FormInput(FormData(usual | fields)), NOW.date())[0]


@pytest.mark.parametrize(
    ("typed", "told"),
    [("9", time(9)), ("9.30", time(9, 30)), ("14:05", time(14, 5)), ("2pm", time(14)), ("12 AM", time(0))],
)
def test_time_is_read_as_people_type_it(typed: str, told: time) -> None:
    found = read(begins=typed, ends="23:00")
    assert found.starts_at == datetime.combine(TUESDAY, told, found.starts_at.tzinfo)


def test_form_says_all_that_is_wrong_at_once() -> None:
    with pytest.raises(FormErrors) as wrong:
        read(kind="", begins="13am", ends="soon", **{"day-day": "1", "day-year": "2020"})
    assert [error.field for error in wrong.value.errors] == ["kind", "day", "begins", "ends"]


def test_diary_leads_only_the_owner_to_an_appointment() -> None:
    entry = kept(wanted(time(9), time(10), note="Level 2"))
    day = agenda_day(worker(), TUESDAY, [], None, Within(), [entry])
    for own, href in (("lw-meir-1", "/matching/diary/appointments/a-1"), ("lw-meir-2", None)):
        (column,) = columns_of_workers([day], {}, several=False, own=own)
        assert [(line.title, line.meta, line.href) for line in column.lines] == [
            ("Training", ("Level 2",), href)
        ]
