"""A person chooses among more times: days, a link worker, a site, a kind of meeting."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from services.matching.booking.commands import book_one, cancel, reschedule
from services.matching.booking.diary import Diaries
from services.matching.booking.requirements import MeetingRequirements
from services.matching.booking.slot import Slot
from services.matching.booking.wanted import ANYBODY, EARLIEST, TimesWanted
from services.matching.errors import Refused
from services.matching.roster.link_workers import Hours, LinkWorker
from shared.contract.api.booking import TimeOffered
from shared.contract.events import vocabulary as v
from tests.harness.matching.decision_harness import (
    NOW,
    OTHER_PRACTICE,
    PRACTICE,
    DecisionHarness,
    active,
    worker,
)

TUESDAY = date(2026, 11, 24)
HALL = Hours(weekday=3, opens=time(9), closes=time(12), practices=(OTHER_PRACTICE,), place="Hall, room 1")


def of_two_sites() -> LinkWorker:
    return worker(weekdays=(1,)).model_copy(update={"hours": (*worker(weekdays=(1,)).hours, HALL)})


def found(diaries: Diaries, requirements: MeetingRequirements, wanted: TimesWanted) -> list[Slot]:
    return list(diaries.suitable(wanted.narrowed(requirements), "case", wanted.last))


def diaries(*workers: LinkWorker) -> Diaries:
    return Diaries(NOW, {each.id: each for each in workers})


def test_days_narrow_the_choice() -> None:
    known = diaries(worker())
    wanted = TimesWanted(first=TUESDAY, last=TUESDAY + timedelta(days=1))
    days = {slot.starts_at.date() for slot in found(known, MeetingRequirements(PRACTICE), wanted)}
    assert days == {TUESDAY, TUESDAY + timedelta(days=1)}
    waits = MeetingRequirements(PRACTICE, not_before=TUESDAY + timedelta(days=1))
    assert {slot.starts_at.date() for slot in found(known, waits, wanted)} == {TUESDAY + timedelta(days=1)}
    far = TimesWanted(first=TUESDAY + timedelta(weeks=20))
    assert found(known, MeetingRequirements(PRACTICE), far) == []


def test_case_handed_over_can_get_another_link_worker() -> None:
    known = diaries(worker(), worker("lw-meir-2"))
    mine = MeetingRequirements(PRACTICE, link_worker="lw-meir-1")
    for wanted, names in (
        (EARLIEST, {"lw-meir-1"}),
        (TimesWanted(link_worker="lw-meir-2"), {"lw-meir-2"}),
        (TimesWanted(link_worker=ANYBODY), {"lw-meir-1", "lw-meir-2"}),
        (TimesWanted(link_worker="lw-leek-1"), set()),
    ):
        assert {slot.link_worker for slot in found(known, mine, wanted)} == names


def test_another_site_of_the_same_link_worker_can_be_chosen() -> None:
    elsewhere = worker("lw-meir-2", practices=(OTHER_PRACTICE,))
    known = diaries(of_two_sites(), elsewhere)
    slots = found(known, MeetingRequirements(PRACTICE), TimesWanted(practice=OTHER_PRACTICE))
    assert {(slot.link_worker, slot.place) for slot in slots} == {("lw-meir-1", "Hall, room 1")}


def test_meeting_moves_to_another_site_and_no_stranger_is_booked() -> None:
    world = DecisionHarness.of(of_two_sites(), worker("lw-meir-2", practices=(OTHER_PRACTICE,)))
    referral = world.refer()
    was = active(world.view(referral))
    world.act(referral, reschedule(was.meeting_id, "lw-meir-1|2026-11-26T09:00Z"))
    now = active(world.view(referral))
    assert (now.practice, now.starts_at) == (OTHER_PRACTICE, datetime(2026, 11, 26, 9, tzinfo=UTC))
    with pytest.raises(Refused) as refused:
        world.act(referral, reschedule(now.meeting_id, "lw-meir-2|2026-11-26T09:00Z"))
    assert refused.value.code == "slot_taken"


@pytest.mark.parametrize(
    ("mode", "more", "offered"),
    [
        (v.MeetingMode.PHONE, {}, True),
        (v.MeetingMode.PHONE, {"telephone_meetings": False}, False),
        (v.MeetingMode.VIDEO, {}, False),
        (v.MeetingMode.VIDEO, {"video_meetings": True}, True),
        (v.MeetingMode.HOME, {}, False),
        (v.MeetingMode.HOME, {"home_visits": True}, True),
        (v.MeetingMode.FACE_TO_FACE, {}, True),
    ],
)
def test_kinds_of_meeting_are_those_that_the_roster_has(
    mode: v.MeetingMode, more: dict[str, Any], offered: bool
) -> None:
    slots = found(diaries(worker(**more)), MeetingRequirements(PRACTICE), TimesWanted(mode=mode))
    assert bool(slots) is offered
    assert {slot.mode for slot in slots} <= {mode}


def test_key_books_the_kind_of_meeting_that_was_chosen() -> None:
    world = DecisionHarness.of(worker(weekdays=(1,), home_visits=True))
    referral = world.refer()
    key = "lw-meir-1|2026-11-24T10:30Z"
    world.act(referral, reschedule(active(world.view(referral)).meeting_id, f"{key}|home"))
    visit = active(world.view(referral))
    assert visit.mode is v.MeetingMode.HOME
    (held,) = world.days["lw-meir-1", TUESDAY].reservations
    assert held.travel == 30
    world.act(referral, reschedule(visit.meeting_id, "lw-meir-1|2026-11-24T09:45Z|phone"))
    assert active(world.view(referral)).mode is v.MeetingMode.PHONE
    (held,) = world.days["lw-meir-1", TUESDAY].reservations
    assert held.travel == 0
    for wrong in (f"{key}|video", f"{key}|pigeon"):
        with pytest.raises(Refused):
            world.act(referral, reschedule(active(world.view(referral)).meeting_id, wrong))


def test_meeting_that_follows_is_of_the_same_kind() -> None:
    world = DecisionHarness.of(worker())
    referral = world.refer()
    first = active(world.view(referral))
    world.act(referral, reschedule(first.meeting_id, "lw-meir-1|2026-11-24T09:45Z|phone"))
    by_phone = active(world.view(referral))
    world.act(referral, cancel(by_phone.meeting_id, v.By.PERSON, v.CancelReason.UNWELL))
    again = active(world.view(referral))
    assert (again.meeting_id != by_phone.meeting_id, again.mode) == (True, v.MeetingMode.PHONE)

    world.workers["lw-meir-1"] = worker(telephone_meetings=False)
    world.act(referral, cancel(again.meeting_id, v.By.PERSON, v.CancelReason.UNWELL))
    assert active(world.view(referral)).mode is v.MeetingMode.FACE_TO_FACE


def test_person_who_needs_home_visits_can_come_once() -> None:
    world = DecisionHarness.of(worker(home_visits=True))
    referral = world.refer(access_needs=(v.AccessNeed.HOME_VISIT,))
    visit = active(world.view(referral))
    assert visit.mode is v.MeetingMode.HOME
    world.act(referral, reschedule(visit.meeting_id, "lw-meir-1|2026-11-26T09:00Z|face_to_face"))
    came = active(world.view(referral))
    assert came.mode is v.MeetingMode.FACE_TO_FACE
    world.act(referral, cancel(came.meeting_id, v.By.PERSON, v.CancelReason.UNWELL))
    assert active(world.view(referral)).mode is v.MeetingMode.HOME


def test_one_meeting_stands_at_a_time() -> None:
    world = DecisionHarness.of(worker())
    referral = world.refer()
    with pytest.raises(Refused) as refused:
        world.act(referral, book_one("lw-meir-1|2026-11-26T09:00Z|phone"))
    assert refused.value.code == "already_booked"


def test_times_of_another_owner_are_narrowed_as_they_came() -> None:
    def offered(name: str, day: int, mode: v.MeetingMode = v.MeetingMode.FACE_TO_FACE) -> TimeOffered:
        return TimeOffered(
            key=f"{name}-{day}",
            link_worker=name,
            practice=PRACTICE,
            place="Room",
            starts_at=datetime(2026, 11, day, 9, tzinfo=UTC),
            minutes=45,
            mode=mode,
        )

    times = [
        offered("lw-meir-1", 24),
        offered("lw-meir-2", 25),
        offered("lw-meir-1", 30, v.MeetingMode.PHONE),
    ]
    for wanted, kept in (
        (EARLIEST, times),
        (TimesWanted(link_worker="lw-meir-1", last=date(2026, 11, 29)), times[:1]),
        (TimesWanted(first=date(2026, 11, 25), link_worker=ANYBODY), times[1:]),
        (TimesWanted(mode=v.MeetingMode.PHONE), times[2:]),
        (TimesWanted(practice=OTHER_PRACTICE), []),
    ):
        assert wanted.of(times) == kept
