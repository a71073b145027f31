"""Stores diaries and caseloads.

A booking writes the day and the caseload on which it rests, with the version that it read. A change of a link
worker's hours or leave writes their caseload too. If two decide on the same diary, one wins and the other
reads again.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final

from pymongo import ASCENDING, InsertOne, UpdateOne

from services.matching.booking.days import Caseload, Day
from services.matching.booking.diary import HORIZON, Diaries
from services.matching.booking.policy import RETRY_BOOKING
from services.matching.booking.reservations import Reservation
from services.matching.booking.room_repository import (
    Write,
    load_rooms,
    reservation_rows,
    reservations_in,
    write_rooms,
    write_versions,
)
from services.matching.calendar import london_day
from services.matching.collections import CASELOADS, DAYS, LINK_WORKERS, ROOM_DAYS
from services.matching.referral_state.state import ReferralState
from services.matching.roster.link_workers import TRAVEL_MINUTES, LinkWorker
from services.matching.roster.repository import worker_of
from shared.contract.events.models import MeetingBooked
from shared.delivery.model.service_definition import Loaded
from shared.delivery.mongo.database import Document, Mongo, Row, Transaction
from shared.delivery.scheduler.task_rows import run_now
from shared.delivery.unit_of_work.unit_of_work import REFERRALS, TASKS
from shared.platform.localities.rules import ProgrammeRules, usual_rules

# Waiting referrals that retry when a time comes free. The others retry in the morning.
_WOKEN: Final = 20


class DiaryStore:
    """Loads the diaries in which a unit of work may book, and writes the touched ones.

    Attributes:
        travel_minutes: time left free before and after a home visit, unless the programme's rules say it.
    """

    def __init__(
        self,
        travel_minutes: int = TRAVEL_MINUTES,
        rules: Callable[[], ProgrammeRules] = usual_rules,
    ) -> None:
        self._travel_minutes = travel_minutes
        self._rules = rules

    def _empty(self, now: datetime, workers: Mapping[str, LinkWorker]) -> Diaries:
        """Diaries by the rules of now, in which nothing is loaded yet."""
        rules = self._rules()
        travel = self._travel_minutes if rules.travel_minutes is None else rules.travel_minutes
        return Diaries(now, workers, travel_minutes=travel, misses=rules.misses)

    async def load(
        self,
        tx: Transaction,
        referrals: Sequence[Loaded[ReferralState]],
        now: datetime,
        reach: tuple[date, date] | None = None,
    ) -> Diaries:
        """Loads the days and caseloads in which decisions about these referrals may book.

        `reach`: the first and the last day, if a search wants no others. No decision may rest on so few.
        """
        if not referrals:
            return self._empty(now, {})
        localities = sorted({one.locality for one in referrals})
        ids = [one.referral_id for one in referrals]
        workers = await _workers_of(tx, localities, referrals)
        diaries = self._empty(now, workers)
        ours = {"locality": {"$in": localities}}
        reach = reach or (
            london_day(now - timedelta(days=1)),
            london_day(now + HORIZON + timedelta(days=1)),
        )
        days: list[Document] = [
            {
                "link_worker": {"$in": list(workers)},
                "day": {"$gte": reach[0].isoformat(), "$lte": reach[1].isoformat()},
            },
            {**ours, "held.r": {"$in": ids}},
        ]
        others = _days_of_others(referrals, workers, *reach)
        if others:
            days.append({**ours, "_id": {"$in": others}})
        async for row in tx[DAYS].find({"$or": days}, session=tx.session):
            day = _day(row)
            diaries.days[(day.link_worker, day.day)] = day
        diaries.rooms = await load_rooms(
            tx, workers.values(), reach[0], reach[1], {**ours, "held.r": {"$in": ids}}
        )
        loads: list[Document] = [{"_id": {"$in": list(workers)}}, {**ours, "referrals": {"$in": ids}}]
        async for row in tx[CASELOADS].find({"$or": loads}, session=tx.session):
            diaries.caseloads[row["_id"]] = Caseload(row["_id"], row["v"], set(row["referrals"]))
        return diaries

    async def load_for(
        self, tx: Transaction, workers: Sequence[LinkWorker], first: date, last: date, now: datetime
    ) -> Diaries:
        """Loads the diaries of these link workers from `first` to `last` for a page."""
        diaries = self._empty(now, {each.id: each for each in workers})
        days = {
            "link_worker": {"$in": sorted(diaries.workers)},
            "day": {"$gte": first.isoformat(), "$lte": last.isoformat()},
        }
        async for row in tx[DAYS].find(days, session=tx.session):
            day = _day(row)
            diaries.days[(day.link_worker, day.day)] = day
        diaries.rooms = await load_rooms(tx, diaries.workers.values(), first, last)
        return diaries

    async def load_locality(
        self, tx: Transaction, locality: str, first: date, last: date, now: datetime
    ) -> Diaries:
        """Loads the diaries of a locality's link workers from `first` to `last`."""
        found = tx[LINK_WORKERS].find({"locality": locality, "active": True}, session=tx.session)
        return await self.load_for(tx, [worker_of(row) async for row in found], first, last, now)

    async def save(self, tx: Transaction, resources: Diaries) -> None:
        """Writes the touched days and caseloads. Raises Conflict if another writer was first."""
        await write_versions(tx, DAYS, [_day_write(resources, key) for key in sorted(resources.touched_days)])
        await write_versions(
            tx, CASELOADS, [_caseload_write(resources, name) for name in sorted(resources.touched_caseloads)]
        )
        await write_rooms(tx, resources.rooms)
        for name in sorted(resources.freed):
            worker = resources.workers.get(name)
            if worker is not None:
                await wake_waiting(tx, worker.locality, worker.practices, resources.now, _WOKEN)


async def wake_waiting(
    tx: Transaction, locality: str, practices: Iterable[str], now: datetime, most: int = 0
) -> None:
    """Makes waiting referrals of these practices retry now, the urgent first, because times came free.

    Leaves out persons who asked to wait until a day, and referrals that wait for the rest of a log. `most`:
    the largest number, the longest waiting first; 0 for all.
    """
    waiting = {
        "what": RETRY_BOOKING,
        "locality": locality,
        "payload.practice": {"$in": sorted(practices)},
        "payload.asked": {"$ne": True},
        "payload.patient": {"$ne": True},
    }
    order = [("payload.soon", -1), ("referral", ASCENDING)]
    found = tx[TASKS].find(waiting, {"payload.soon": 1}, session=tx.session).sort(order).limit(most)
    rows = await found.to_list(None)
    for soon, at in ((True, now - timedelta(seconds=1)), (False, now)):
        if of_these := [row["_id"] for row in rows if bool(row["payload"]["soon"]) is soon]:
            await run_now(tx, of_these, at)


async def release_times(tx: Transaction, locality: str, referrals: Sequence[str]) -> None:
    """Frees the times and places that these referrals hold, so that no later decision finds them."""
    theirs = list(referrals)
    for name in ("held", "behind"):
        days = {"locality": locality, f"{name}.r": {"$in": theirs}}
        freed = {"$pull": {name: {"r": {"$in": theirs}}}, "$inc": {"v": 1}}
        await tx[DAYS].update_many(days, freed, session=tx.session)
    rooms = {"locality": locality, "held.r": {"$in": theirs}}
    await tx[ROOM_DAYS].update_many(
        rooms, {"$pull": {"held": {"r": {"$in": theirs}}}, "$inc": {"v": 1}}, session=tx.session
    )
    loads = {"locality": locality, "referrals": {"$in": theirs}}
    left = {"$pullAll": {"referrals": theirs}, "$inc": {"v": 1}}
    await tx[CASELOADS].update_many(loads, left, session=tx.session)


async def to_look_at(mongo: Mongo, locality: str, now: datetime) -> Sequence[list[str]]:
    """Referrals that a new owner of booking decides on: open, with a meeting to cancel, or holding a time.

    First come those with a meeting, so that all times are reserved before any is booked. Then come all.
    """
    here = {"locality": locality}
    unsettled = {**here, "$or": [{"view.open": True}, {"view.meetings.status": "booked"}]}
    found = set(await mongo[REFERRALS].distinct("referral", unsettled))
    to_come = {**here, "day": {"$gte": london_day(now).isoformat()}}
    for name in ("held.r", "behind.r"):
        found |= set(await mongo[DAYS].distinct(name, to_come))
    found |= set(await mongo[CASELOADS].distinct("referrals", here))
    booked = set(await mongo[REFERRALS].distinct("referral", {**here, "view.meetings.status": "booked"}))
    return [list(found & booked), list(found)]


async def touch_caseload(tx: Transaction, locality: str, link_worker: str) -> None:
    """Bumps the version, so that a concurrent booking with this link worker reads hours and leave again."""
    await tx[CASELOADS].update_one(
        {"_id": link_worker},
        {"$inc": {"v": 1}, "$setOnInsert": {"locality": locality, "referrals": []}},
        upsert=True,
        session=tx.session,
    )


async def _workers_of(
    tx: Transaction, localities: Sequence[str], referrals: Sequence[Loaded[ReferralState]]
) -> dict[str, LinkWorker]:
    practices: set[str] = set()
    named: set[str] = set()
    for one in referrals:
        story = one.view.story
        if story.created is not None:
            practices.add(story.created.practice)
        named.update(m.booked.link_worker for m in story.meetings if m.status == "booked")
        named.update(name for name in (one.view.handed_to, story.link_worker) if name)
    wanted = {
        "locality": {"$in": list(localities)},
        "$or": [{"hours.practices": {"$in": sorted(practices)}}, {"_id": {"$in": sorted(named)}}],
    }
    found = tx[LINK_WORKERS].find(wanted, session=tx.session)
    return {row["_id"]: worker_of(row) async for row in found}


def _days_of_others(
    referrals: Sequence[Loaded[ReferralState]], workers: Mapping[str, LinkWorker], first: date, last: date
) -> list[str]:
    """Days, not loaded otherwise, on which a partner's booking system put a meeting.

    They lie beyond the horizon. Or their link worker is no longer considered, because the meeting was
    cancelled or retracted; it may overlap a reservation.
    """
    booked = [f.body for one in referrals for f in one.view.facts if isinstance(f.body, MeetingBooked)]
    days = {(body.link_worker, london_day(body.starts_at)) for body in booked}
    return [_day_id(name, day) for name, day in days if day > last or (day >= first and name not in workers)]


def _day_id(link_worker: str, day: date) -> str:
    return f"{link_worker}|{day.isoformat()}"


def _day(row: Row) -> Day:
    held, behind = (reservations_in(row, name) for name in ("held", "behind"))
    blocked = [
        Reservation(each["s"], each["m"], "", each["id"])
        for each in row.get("blocked", ())
        if not each["gone"]
    ]
    return Day(row["link_worker"], date.fromisoformat(row["day"]), row["v"], held, behind, blocked)


# The versions of a day and of a caseload. If it was read in the transaction that writes it, the database
# itself detects a concurrent write. The versions refuse one that was read before the transaction.


def _day_write(diaries: Diaries, key: tuple[str, date]) -> Write:
    day = diaries.days[key]
    times = {"held": reservation_rows(day.reservations), "behind": reservation_rows(day.overlapping)}
    identity = _day_id(day.link_worker, day.day)
    if day.version:
        return UpdateOne({"_id": identity, "v": day.version}, {"$set": times, "$inc": {"v": 1}})
    row: Document = {
        "_id": identity,
        "locality": diaries.workers[day.link_worker].locality,
        "link_worker": day.link_worker,
        "day": day.day.isoformat(),
        "v": 1,
        **times,
    }
    return InsertOne(row)


def _caseload_write(diaries: Diaries, link_worker: str) -> Write:
    caseload = diaries.caseloads[link_worker]
    referrals = sorted(caseload.referrals)
    if caseload.version:
        return UpdateOne(
            {"_id": link_worker, "v": caseload.version}, {"$set": {"referrals": referrals}, "$inc": {"v": 1}}
        )
    locality = diaries.workers[link_worker].locality
    return InsertOne({"_id": link_worker, "locality": locality, "v": 1, "referrals": referrals})
