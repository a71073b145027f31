"""A case that goes to a colleague: the time is kept if they can, and it comes back as it was."""

from datetime import timedelta

from services.matching.booking.handing import Handing, WhatBecomes, preview
from services.matching.casework.team import commands
from services.matching.casework.team.queue import reasons_to_wait
from services.matching.casework.team.views import WaitsFor
from services.matching.referral_state.state import to_document
from services.matching.roster.link_workers import Leave
from shared.contract.events import outcomes as o
from shared.contract.events.models import MeetingBooked
from shared.platform.clock import london_day
from tests.harness.matching.decision_harness import DecisionHarness, active, worker

TO = "lw-meir-2"


def two() -> tuple[DecisionHarness, str]:
    """A person with a meeting with the first of two link workers."""
    world = DecisionHarness.of(worker())
    referral = world.refer()
    world.workers[TO] = worker(TO)
    return world, referral


def test_meeting_keeps_its_time_with_a_free_colleague() -> None:
    world, referral = two()
    before = active(world.view(referral))
    assert preview(world.view(referral), world.load(), referral, TO, keep=True) == Handing(
        WhatBecomes.KEPT, before.starts_at
    )
    said = world.act(referral, commands.change_link_worker(TO, keeps_time=True))
    assert [type(body) for body in said] == [o.LinkWorkerChanged, MeetingBooked]
    now = active(world.view(referral))
    assert (now.link_worker, now.starts_at, now.replaces) == (TO, before.starts_at, before.meeting_id)
    assert now.provisional is before.provisional
    held = [day.link_worker for day in world.days.values() for one in day.reservations]
    assert held == [TO]
    assert world.says_nothing_more()


def test_meeting_moves_if_the_colleague_is_busy_then() -> None:
    world, referral = two()
    before = active(world.view(referral))
    day = london_day(before.starts_at)
    world.workers[TO] = worker(TO, leave=(Leave(first=day, last=day),))
    foreseen = preview(world.view(referral), world.load(), referral, TO, keep=True)
    assert foreseen.becomes is WhatBecomes.MOVED
    said = world.act(referral, commands.change_link_worker(TO, keeps_time=True))
    assert [type(body) for body in said] == [o.LinkWorkerChanged, o.MeetingCancelled, MeetingBooked]
    now = active(world.view(referral))
    assert (now.link_worker, now.starts_at) == (TO, foreseen.at)
    assert now.replaces == before.meeting_id


def test_meeting_moves_where_the_time_is_not_asked_for() -> None:
    world, referral = two()
    assert preview(world.view(referral), world.load(), referral, TO, keep=False).becomes is WhatBecomes.MOVED
    said = world.act(referral, commands.change_link_worker(TO))
    assert o.MeetingCancelled in [type(body) for body in said]


def test_full_colleague_without_hours_leaves_the_person_waiting() -> None:
    world, referral = two()
    world.workers[TO] = worker(TO, weekdays=())
    assert preview(world.view(referral), world.load(), referral, TO, keep=True) == Handing(WhatBecomes.WAITS)


def test_undo_gives_the_former_time_back() -> None:
    world, referral = two()
    before = active(world.view(referral))
    day = london_day(before.starts_at)
    world.workers[TO] = worker(TO, leave=(Leave(first=day, last=day),))
    world.act(referral, commands.change_link_worker(TO, keeps_time=True))
    world.act(referral, commands.change_link_worker("lw-meir-1", keeps_time=True, at=before.starts_at))
    now = active(world.view(referral))
    assert (now.link_worker, now.starts_at) == ("lw-meir-1", before.starts_at)
    assert world.says_nothing_more()


def test_case_waits_in_the_queue_for_each_reason() -> None:
    world, referral = two()
    today = london_day(world.now)
    row = {"view": to_document(world.view(referral))}
    team = [worker(), worker(TO)]
    assert reasons_to_wait(row, team, today) == ()
    late = today + timedelta(days=30)
    assert reasons_to_wait(row, team, late) == (WaitsFor.OVERDUE,)
    away = worker(leave=(Leave(first=today, last=today),))
    assert reasons_to_wait(row, [away, worker(TO)], today) == (WaitsFor.AWAY,)
    left = worker(active=False)
    assert reasons_to_wait(row, [left, worker(TO)], today) == (WaitsFor.NOBODY,)
    assert reasons_to_wait({"view": row["view"] | {"open": False}}, [left], today) == ()
