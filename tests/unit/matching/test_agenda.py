"""Days of diaries: hours, meetings with their travel, free times, and what a reader is not shown."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from services.matching.booking.agenda import AgendaMeeting, Within, agenda_day, travel_of
from services.matching.booking.diary import Diaries
from services.matching.booking.pages.diary_columns import columns_of_days, columns_of_workers
from services.matching.roster.link_workers import Hours, Leave, LinkWorker
from shared.contract.events import vocabulary as v
from tests.harness.matching.decision_harness import NOW, OTHER_PRACTICE, PRACTICE, worker

TUESDAY = date(2026, 11, 24)
NINE = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
EVERYTHING = Within()


def meeting(minutes_on: int = 0, *, case: str | None = "case-1", **more: Any) -> AgendaMeeting:
    values: dict[str, Any] = {
        "starts_at": NINE + timedelta(minutes=minutes_on),
        "minutes": 45,
        "travel": 0,
        "practice": PRACTICE,
        "place": "Room 4",
        "mode": v.MeetingMode.FACE_TO_FACE,
        "status": "booked",
        "provisional": False,
        "booked_by": None,
        "meeting_id": f"m-{minutes_on}" if case else None,
        "referral_id": case,
    }
    return AgendaMeeting(**(values | more))


def diaries(*workers: LinkWorker, now: datetime = NOW) -> Diaries:
    return Diaries(now, {each.id: each for each in workers})


def test_taken_time_is_not_free() -> None:
    priya = worker()
    known = diaries(priya)
    assert known.take(priya.id, NINE, 45, "case-1", "m-0")
    day = agenda_day(priya, TUESDAY, [meeting()], known, EVERYTHING)
    assert [each.starts_at.time() for each in day.free] == [time(9, 45), time(10, 30), time(11, 15)]
    assert [each.starts_at for each in day.meetings] == [NINE]
    assert [(each.opens.time(), each.place) for each in day.hours] == [(time(9), "Room 4")]


def test_times_of_a_shared_room_are_shown_once() -> None:
    shared = worker(practices=(PRACTICE, OTHER_PRACTICE))
    day = agenda_day(shared, TUESDAY, [], diaries(shared), EVERYTHING)
    assert len(day.free) == 4
    assert day.free[0].practices == (PRACTICE, OTHER_PRACTICE)


def test_past_times_are_not_free() -> None:
    priya = worker()
    day = agenda_day(priya, TUESDAY, [], diaries(priya, now=NINE + timedelta(hours=1)), EVERYTHING)
    assert [each.starts_at.time() for each in day.free] == [time(10, 30), time(11, 15)]


def test_day_away_and_bank_holiday_have_neither_hours_nor_times() -> None:
    away = worker(leave=(Leave(first=TUESDAY, last=TUESDAY),))
    day = agenda_day(away, TUESDAY, [meeting()], diaries(away), EVERYTHING)
    assert (day.away, day.hours, day.free, len(day.meetings)) == (True, (), (), 1)
    christmas = agenda_day(worker(), date(2026, 12, 25), [], diaries(worker()), EVERYTHING)
    assert (christmas.bank_holiday, christmas.hours, christmas.is_empty) == (True, (), True)


def test_other_owners_diary_has_meetings_and_no_free_times() -> None:
    day = agenda_day(worker(), TUESDAY, [meeting()], None, EVERYTHING)
    assert (len(day.meetings), day.free) == (1, ())


def test_a_practice_or_a_place_narrows_hours_meetings_and_times() -> None:
    here = worker(weekdays=(1,))
    there = Hours(
        weekday=1, opens=time(13), closes=time(15), practices=(OTHER_PRACTICE,), place="Hall, room 1"
    )
    both = here.model_copy(update={"hours": (*here.hours, there)})
    meetings = [meeting(), meeting(240, practice=OTHER_PRACTICE, place="Hall, room 1")]
    for within in (Within(practice=OTHER_PRACTICE), Within(place="Hall, room 1")):
        day = agenda_day(both, TUESDAY, meetings, diaries(both), within)
        assert [each.place for each in day.hours] == ["Hall, room 1"]
        assert [each.place for each in day.meetings] == ["Hall, room 1"]
        assert [each.starts_at.time() for each in day.free] == [time(13), time(13, 45)]


def test_travel_is_read_from_the_reservation() -> None:
    priya = worker(home_visits=True)
    known = diaries(priya)
    assert known.take(priya.id, NINE, 45, "case-1", "m-0", v.MeetingMode.HOME)
    assert travel_of(known, priya.id, NINE, "m-0") == 30
    assert travel_of(known, priya.id, NINE, "m-1") == 0
    assert travel_of(None, priya.id, NINE, "m-0") == 0


def test_column_names_nobody_whose_case_is_not_the_readers() -> None:
    priya = worker()
    day = agenda_day(priya, TUESDAY, [meeting(), meeting(45, case=None)], diaries(priya), EVERYTHING)
    (column,) = columns_of_workers([day], {"case-1": {"name": "Ada Lovelace"}}, several=False)
    mine, other = [line for line in column.lines if line.kind == "meeting"]
    assert (mine.title, mine.href) == ("Ada Lovelace", "/matching/meetings/m-0")
    assert (other.title, other.href) == ("Booked", None)


def test_home_visit_shows_its_travel_and_whether_they_came() -> None:
    priya = worker()
    visit = meeting(60, travel=30, mode=v.MeetingMode.HOME, place="At their home", status="attended")
    day = agenda_day(priya, TUESDAY, [visit], None, EVERYTHING)
    (column,) = columns_of_workers([day], {}, several=False)
    assert column.lines[0].meta == ("At their home", "Travel from 9:30am, and back by 11:15am", "Came")
    assert column.lines[0].title == "Reference case-1"


def test_week_counts_free_times_and_leaves_out_an_empty_weekend() -> None:
    priya = worker()
    week = [TUESDAY - timedelta(days=1) + timedelta(days=n) for n in range(7)]
    days = [agenda_day(priya, day, [], diaries(priya), EVERYTHING) for day in week]
    columns = columns_of_days(days, {}, TUESDAY, several=False)
    assert [column.heading for column in columns][:2] == ["Monday 23 November", "Tuesday 24 November"]
    assert len(columns) == 5
    assert [column.is_today for column in columns] == [False, True, False, False, False]
    assert [line.title for line in columns[1].lines] == ["4 times are free"]
    assert columns[1].notes == ("9am to midday, Room 4",)


def test_week_of_several_says_whose_each_line_is() -> None:
    sam = worker("lw-meir-2", leave=(Leave(first=TUESDAY, last=TUESDAY),))
    two = [worker(), sam.model_copy(update={"name": "Sam Heath"})]
    days = [agenda_day(each, TUESDAY, [meeting(case=None)], diaries(*two), EVERYTHING) for each in two]
    (column,) = columns_of_days(days, {}, TUESDAY, several=True)
    assert column.notes == ("Sam Heath: away",)
    assert [(line.title, line.meta[0]) for line in column.lines] == [
        ("4 times are free", "Priya Wainwright"),
        ("Booked", "Priya Wainwright"),
        ("Booked", "Sam Heath"),
    ]
