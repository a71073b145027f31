"""A room takes one meeting at a time, or as many as its capacity, whoever's they are."""

from dataclasses import dataclass, field
from datetime import time, timedelta

from services.matching.booking import commands as booking
from services.matching.booking.diary import Diaries
from services.matching.booking.room_diaries import RoomDiaries
from services.matching.calendar import london_day
from services.matching.roster.link_workers import LinkWorker
from services.matching.roster.rooms import Room
from shared.contract.events import vocabulary as v
from tests.harness.matching.decision_harness import NOW, DecisionHarness, active, worker

MONDAY = london_day(NOW)


@dataclass
class RoomHarness(DecisionHarness):
    """A locality whose link workers share rooms."""

    rooms: RoomDiaries = field(default_factory=RoomDiaries)

    def load(self) -> Diaries:
        diaries = super().load()
        diaries.rooms = self.rooms
        return diaries


def there(capacity: int, *names: str) -> RoomHarness:
    """Link workers with the same hours, one meeting long, in one room."""
    workers = {name: in_room(name) for name in names}
    return RoomHarness(workers=workers, rooms=RoomDiaries({"room-1": room(capacity)}))


def room(capacity: int) -> Room:
    return Room(id="room-1", locality="meir", site="Centre", name="room 4", capacity=capacity)


def in_room(name: str) -> LinkWorker:
    here = worker(name, weekdays=(0, 1), opens=time(9), closes=time(9, 45))
    return here.model_copy(
        update={"hours": tuple(hours.model_copy(update={"room": "room-1"}) for hours in here.hours)}
    )


def times(world: DecisionHarness, *referrals: str) -> list[tuple[str, int]]:
    booked = [active(world.view(name)) for name in referrals]
    return sorted((each.link_worker, (london_day(each.starts_at) - MONDAY).days) for each in booked)


def test_second_meeting_at_the_same_time_goes_to_another_day() -> None:
    world = there(1, "lw-meir-1", "lw-meir-2")
    found = times(world, *(world.refer() for _ in range(2)))
    assert sorted(day for _, day in found) == [0, 1]
    assert world.says_nothing_more()


def test_larger_room_takes_both_meetings() -> None:
    world = there(2, "lw-meir-1", "lw-meir-2")
    assert times(world, *(world.refer() for _ in range(2))) == [("lw-meir-1", 0), ("lw-meir-2", 0)]


def test_home_visit_needs_no_room() -> None:
    world = there(1, "lw-meir-1", "lw-meir-2")
    for name, each in world.workers.items():
        world.workers[name] = each.model_copy(update={"home_visits": True})
    first = world.refer()
    second = world.refer(access_needs=(v.AccessNeed.HOME_VISIT,))
    assert [day for _, day in times(world, first, second)] == [0, 0]


def test_cancelled_meeting_frees_its_room() -> None:
    world = there(1, "lw-meir-1", "lw-meir-2")
    first = world.refer()
    booked = active(world.view(first))
    world.act(first, booking.cancel(booked.meeting_id, v.By.PERSON, v.CancelReason.UNWELL))
    held = [each.meeting_id for day in world.rooms.days.values() for each in day.held]
    assert booked.meeting_id not in held
    assert held == [active(world.view(first)).meeting_id]
    # The colleague has the room at the very time.
    again = active(world.view(first))
    assert again.starts_at == booked.starts_at
    assert again.link_worker != booked.link_worker


def test_room_that_is_chosen_twice_is_refused_once() -> None:
    world = there(1, "lw-meir-1", "lw-meir-2")
    diaries = world.load()
    start = next(slot.starts_at for slot in diaries.free(world.workers["lw-meir-1"], MONDAY))
    assert diaries.take("lw-meir-1", start, 45, "r1", "m1")
    assert diaries.free(world.workers["lw-meir-2"], MONDAY) == []
    assert not diaries.take("lw-meir-2", start, 45, "r2", "m2")
    # A partner's meeting stands, and a meeting keeps its own room.
    assert diaries.take("lw-meir-2", start, 45, "r2", "m2", stands=True)
    assert diaries.take("lw-meir-1", start, 45, "r1", "m1")


def test_hours_in_another_room_move_the_meeting_there() -> None:
    world = there(1, "lw-meir-1")
    referral = world.refer()
    moved = world.workers["lw-meir-1"]
    hours = tuple(each.model_copy(update={"room": "room-2"}) for each in moved.hours)
    world.workers["lw-meir-1"] = moved.model_copy(update={"hours": hours})
    world.rooms.rooms = {**world.rooms.rooms, "room-2": room(1).model_copy(update={"id": "room-2"})}
    assert world.says_nothing_more()
    held = {key[0]: len(day.held) for key, day in world.rooms.days.items()}
    assert held == {"room-1": 0, "room-2": 1}
    assert active(world.view(referral)).starts_at > NOW + timedelta(hours=1)
