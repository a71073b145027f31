"""Booking for real: over the broker and the database, many at once."""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta

import pytest

from services.matching.booking import commands as booking
from services.matching.booking.diary import Diaries
from services.matching.booking.repository import DiaryStore
from services.matching.collections import CASELOADS, DAYS
from services.matching.definition import service_definition
from services.matching.errors import Refused
from services.matching.referral_state.state import ReferralState
from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from shared.contract.events.models import MeetingBooked
from shared.delivery.kernel import Kernel
from shared.delivery.model.errors import Conflict, Transient
from shared.delivery.model.facts import ReceivedEvent
from shared.delivery.model.service_definition import Loaded
from shared.delivery.mongo.database import Transaction
from shared.delivery.unit_of_work.unit_of_work import UnitOfWork
from shared.platform.ids import new_id
from tests.harness.delivery.toy import said
from tests.harness.matching import decision_harness as world
from tests.harness.matching.service_harness import MatchingHarness, hours, programme


async def test_from_referral_to_booked_meeting(here: MatchingHarness) -> None:
    referral = await here.refer()
    meeting = await here.meeting(referral)
    assert (meeting["sequence"], meeting["provisional"], meeting["status"]) == (0, True, "booked")
    published = await here.published(MeetingBooked, referral)
    assert [body["meeting_id"] for body in published] == [meeting["id"]]


async def test_a_batch_of_referrals_is_booked_without_overlap(here: MatchingHarness) -> None:
    names = [new_id() for _ in range(60)]
    await asyncio.gather(
        *(here.say(world.created(name, locality=here.slug, at=here.clock.now)) for name in names)
    )
    for name in names:
        await here.until(name, lambda view: view["active"], seconds=20)
    await here.no_time_is_held_twice()


async def test_a_repeat_publishes_nothing(here: MatchingHarness) -> None:
    referral = new_id()
    event = said(world.created(referral, locality=here.slug, at=here.clock.now), time=here.clock.now)
    for _ in range(3):
        await here.bench.say(event)
    await here.meeting(referral)
    await here.bench.say(event)
    last = await here.refer()
    await here.meeting(last)
    assert len(await here.published(MeetingBooked, referral)) == 1


async def test_two_transactions_want_one_slot_and_one_gets_it(here: MatchingHarness) -> None:
    """Write skew: each reads the time as free before either has written."""
    one, other = await here.refer(), await here.refer()
    meetings = [await here.meeting(name) for name in (one, other)]
    answer = await here.http.get(f"/meetings/{meetings[0]['id']}/options?count=5", headers=here.link_worker())
    wanted = answer.json()["options"][-1]["key"]
    both_have_read = asyncio.Barrier(2)
    tries = [0, 0]

    async def move(which: int, name: str) -> bool:
        async def meet(*_: object) -> None:
            # Both are past their decision and have written nothing: only then does either go on.
            tries[which] += 1
            if tries[which] == 1:
                await both_have_read.wait()

        try:
            act = booking.reschedule(meetings[which]["id"], wanted)
            await here.kernel.command(here.slug, name, act, within=meet)
        except Refused as refused:
            return refused.code != "slot_taken"
        return True

    won = await asyncio.gather(move(0, one), move(1, other))
    assert sorted(won) == [False, True]
    await here.no_time_is_held_twice()
    for name, got_it in zip((one, other), won, strict=True):
        meeting = await here.meeting(name)
        key = f"{meeting['link_worker']}|{meeting['starts_at']:%Y-%m-%dT%H:%MZ}"
        assert (key == wanted) is got_it


async def test_two_processes_book_the_same_diary(here: MatchingHarness) -> None:
    """Both hear referrals and both move meetings, with no lease between them: the versions decide."""
    part = service_definition(programme(here.slug))
    twin = Kernel(part, here.bench.options, [here.slug], here.clock)
    names = [await here.refer() for _ in range(6)]

    async def move(kernel: Kernel[ReferralState, Diaries], name: str) -> None:
        view = await kernel.view(here.slug, name)
        assert view is not None
        assert view.story.active is not None
        with suppress(Refused, Transient):
            await kernel.command(
                here.slug,
                name,
                booking.reschedule(view.story.active.booked.meeting_id, None),
            )

    kernels = [here.kernel, twin]
    await asyncio.gather(*(move(kernel, name) for name in names for kernel in kernels))
    await here.no_time_is_held_twice()
    await twin.mongo.close()


async def test_any_number_of_commands_at_once_never_doubles_a_slot(here: MatchingHarness) -> None:
    await here.put_worker("lw-meir-2", hours=hours((0, 1)))
    names = [await here.refer() for _ in range(8)]

    async def churn(n: int, name: str) -> None:
        headers = here.bearer("referrer", practices=[world.PRACTICE])
        for _ in range(3):
            view = await here.view(name)
            if view.story.active is None:
                continue
            of = view.story.active.booked.meeting_id
            if n % 3 == 2:
                body = {"by": "person", "why": "unwell"}
                worker = view.story.active.booked.link_worker
                done = await here.post(f"/meetings/{of}/cancelled", body, of=here.link_worker(worker))
            else:
                done = await here.post(f"/meetings/{of}/another-time", {}, of=headers)
            assert done.status_code in (200, 404, 409), done.text

    newcomers = [here.refer() for _ in range(6)]
    await asyncio.gather(*(churn(n, name) for n, name in enumerate(names)), *newcomers)
    await here.no_time_is_held_twice()
    for name in names:
        assert (await here.view(name)).story.active is not None


async def test_leave_during_a_booking_leaves_no_meeting_that_day(here: MatchingHarness) -> None:
    day = here.clock.now.date()
    leave = {"first": day.isoformat(), "last": (day + timedelta(days=3)).isoformat()}
    names = [new_id() for _ in range(10)]
    away = here.post("/link-workers/lw-meir-1/leave", leave, of=here.link_worker())
    news = (here.say(world.created(name, locality=here.slug, at=here.clock.now)) for name in names)
    answer, _ = await asyncio.gather(away, asyncio.gather(*news))
    assert answer.status_code == 200
    for name in names:
        await here.until(name, lambda view: view["active"], seconds=20)
    again = await here.post("/link-workers/lw-meir-1/leave", leave, of=here.link_worker())
    assert again.status_code == 200
    for name in names:
        assert (await here.meeting(name))["starts_at"].date() > day + timedelta(days=3)
    await here.no_time_is_held_twice()


@pytest.mark.parametrize("change", ["leave", "hours"])
async def test_what_changes_between_reading_hours_and_booking_is_seen(
    here: MatchingHarness, change: str
) -> None:
    """No document of the booking is written by it: only the caseload, which a decision rests on, shows it."""
    referral = await here.refer()
    meeting = await here.meeting(referral)
    options = await here.http.get(f"/meetings/{meeting['id']}/options?count=10", headers=here.link_worker())
    wanted = options.json()["options"][-1]["key"]
    day = datetime.fromisoformat(wanted.partition("|")[2]).date()
    assert day.weekday() != meeting["starts_at"].weekday()
    done: list[str] = []

    async def meanwhile(*_: object) -> None:
        if done:
            return
        done.append(change)
        if change == "hours":
            await here.put_worker(hours=hours(set(range(5)) - {day.weekday()}))
            return
        leave = {"first": day.isoformat(), "last": day.isoformat()}
        answer = await here.post("/link-workers/lw-meir-1/leave", leave, of=here.link_worker())
        assert answer.status_code == 200, answer.text

    act = booking.reschedule(meeting["id"], wanted)
    with pytest.raises(Refused):
        await here.kernel.command(here.slug, referral, act, within=meanwhile)
    assert (await here.meeting(referral))["id"] == meeting["id"]


@pytest.mark.parametrize("what", ["day", "caseload"])
async def test_stale_diary_is_refused(here: MatchingHarness, what: str) -> None:
    """Also where the database itself would not notice: read before the transaction, written in it."""
    referral = await here.refer()
    mongo, store = here.kernel.mongo, DiaryStore()
    asked = [Loaded(here.slug, referral, await here.view(referral))]
    stale = await mongo.transact(lambda tx: store.load(tx, asked, here.clock.now))
    ((day, _),) = stale.reservations_of(referral)
    if what == "day":
        stale.touched_days.add((day.link_worker, day.day))
        await mongo[DAYS].update_one({"link_worker": day.link_worker, "held.r": referral}, {"$inc": {"v": 1}})
    else:
        stale.rest_on(day.link_worker)
        await mongo[CASELOADS].update_one({"_id": day.link_worker}, {"$inc": {"v": 1}})
    with pytest.raises(Conflict):
        await mongo.transact(lambda tx: store.save(tx, stale))


async def test_who_waits_is_booked_as_soon_as_there_is_room(here: MatchingHarness) -> None:
    await here.put_worker(hours=[])
    waiting, urgent = await here.refer(), await here.refer(urgency=v.Urgency.SOON)
    view = await here.view(waiting)
    assert view.story.waiting is not None
    assert view.story.waiting.reason is v.WaitingReason.NO_LINK_WORKER
    await here.put_worker()
    first, second = await here.meeting(urgent), await here.meeting(waiting)
    assert first["starts_at"] < second["starts_at"]


async def test_a_cancelled_meeting_makes_room_for_who_waits(here: MatchingHarness) -> None:
    await here.put_worker(caseload_limit=1)
    held = await here.refer()
    waiting = await here.refer()
    assert (await here.view(waiting)).story.active is None
    await here.say(
        o.ReferralWithdrawn(
            referral_id=held, locality=here.slug, by=v.By.PRACTICE, reason=v.WithdrawReason.PERSON_ASKED
        )
    )
    await here.meeting(waiting)
    assert (await here.view(held)).story.active is None


async def test_partner_booking_of_higher_priority_replaces_ours(here: MatchingHarness) -> None:
    referral = await here.refer()
    ours = await here.meeting(referral)
    theirs = MeetingBooked(
        referral_id=referral,
        locality=here.slug,
        meeting_id=new_id(),
        sequence=0,
        link_worker="lw-partner-1",
        practice=world.PRACTICE,
        starts_at=here.clock.now + timedelta(days=3),
        minutes=30,
    )
    await here.say(theirs, "partner")
    await here.until(referral, lambda view: view["active"] == theirs.meeting_id)
    (cancelled,) = await here.published(o.MeetingCancelled, referral)
    assert (cancelled["meeting_id"], cancelled["why"]) == (ours["id"], "slot_taken")
    newcomer = await here.meeting(await here.refer())
    assert newcomer["starts_at"] == ours["starts_at"]


async def test_replica_without_lease_keeps_the_decision_for_later(
    here: MatchingHarness,
) -> None:
    """The receiving process does not book for this locality. The booking process only releases a time."""
    referral = await here.refer()
    ours = await here.meeting(referral)
    theirs = MeetingBooked(
        referral_id=referral,
        locality=here.slug,
        meeting_id=new_id(),
        sequence=ours["sequence"],
        replaces=ours["id"],
        link_worker=ours["link_worker"],
        practice=ours["practice"],
        starts_at=here.clock.now + timedelta(days=70),
        minutes=45,
    )
    event = said(theirs, "history", time=here.clock.now)

    async def hear(tx: Transaction) -> None:
        round_ = UnitOfWork(here.kernel.definition, tx, here.clock.now, new_id, "tests")
        await round_.read([(here.slug, referral)])
        round_.aggregate(here.slug, referral).append(ReceivedEvent.of(event))
        await round_.decide(lambda _: False)
        await round_.write()

    await here.kernel.mongo.transact(hear)
    held: list[str] = []
    for _ in range(100):
        days = here.kernel.mongo["days"].find({"locality": here.slug, "held.r": referral})
        held = [each["i"] async for day in days for each in day["held"] if each["r"] == referral]
        if held == [theirs.meeting_id]:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"the diaries hold {held}, and not the one meeting that stands")
