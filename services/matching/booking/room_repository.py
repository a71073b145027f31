"""Stores the diaries of rooms, and the reservations of any diary, by version."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from pymongo import InsertOne, UpdateOne

from services.matching.booking.reservations import Reservation
from services.matching.booking.room_diaries import RoomDay, RoomDayKey, RoomDiaries
from services.matching.collections import DAYS, ROOM_DAYS
from services.matching.roster.link_workers import LinkWorker
from services.matching.roster.repository import rooms_named
from shared.delivery.model.errors import Conflict
from shared.delivery.mongo.database import Document, Row, Transaction

Write = InsertOne[Mapping[str, Any]] | UpdateOne


async def load_rooms(
    tx: Transaction,
    workers: Iterable[LinkWorker],
    first: date,
    last: date,
    also: Document | None = None,
) -> RoomDiaries:
    """Loads the diaries of these link workers' rooms. `also`: further days of rooms, if there are any."""
    named = frozenset(name for worker in workers for name in worker.rooms)
    if not named:
        return RoomDiaries()
    span = {"$gte": first.isoformat(), "$lte": last.isoformat()}
    wanted: list[Document] = [{"room": {"$in": sorted(named)}, "day": span}, *([also] if also else ())]
    days: dict[RoomDayKey, RoomDay] = {}
    async for row in tx[ROOM_DAYS].find({"$or": wanted}, session=tx.session):
        one = RoomDay(row["room"], date.fromisoformat(row["day"]), row["v"], reservations_in(row, "held"))
        days[one.room, one.day] = one
    rooms = await rooms_named(tx, named | {one.room for one in days.values()})
    return RoomDiaries(rooms, days)


async def leave_rooms(tx: Transaction, link_worker: str, rooms: Iterable[str], today: date) -> None:
    """Frees these rooms of a link worker's coming meetings, because their hours name other rooms now."""
    coming = {"link_worker": link_worker, "day": {"$gte": today.isoformat()}}
    meetings = [
        held["i"] async for row in tx[DAYS].find(coming, session=tx.session) for held in row.get("held", ())
    ]
    which = {"room": {"$in": sorted(rooms)}, "held.i": {"$in": meetings}}
    left = {"$pull": {"held": {"i": {"$in": meetings}}}, "$inc": {"v": 1}}
    await tx[ROOM_DAYS].update_many(which, left, session=tx.session)


async def write_rooms(tx: Transaction, diaries: RoomDiaries) -> None:
    """Writes the touched days. Raises Conflict if another writer was first."""
    await write_versions(tx, ROOM_DAYS, [_write_of(diaries, key) for key in sorted(diaries.touched)])


def _write_of(diaries: RoomDiaries, key: RoomDayKey) -> Write:
    day = diaries.days[key]
    identity, held = f"{day.room}|{day.day.isoformat()}", reservation_rows(day.held)
    if day.version:
        return UpdateOne({"_id": identity, "v": day.version}, {"$set": {"held": held}, "$inc": {"v": 1}})
    row: Document = {
        "_id": identity,
        "locality": diaries.rooms[day.room].locality,
        "room": day.room,
        "day": day.day.isoformat(),
        "v": 1,
        "held": held,
    }
    return InsertOne(row)


def reservations_in(row: Row, name: str) -> list[Reservation]:
    """The reservations that a stored day holds under this name."""
    return [Reservation(h["s"], h["m"], h["r"], h["i"], h.get("t", 0)) for h in row.get(name, ())]


def reservation_rows(reservations: Sequence[Reservation]) -> list[Document]:
    """The stored form of reservations."""
    return [
        {"s": h.starts_at, "m": h.minutes, "r": h.referral_id, "i": h.meeting_id, "t": h.travel}
        for h in reservations
    ]


async def write_versions(tx: Transaction, collection: str, writes: Sequence[Write]) -> None:
    """Writes rows with the versions that were read. Raises Conflict if another writer was first."""
    if not writes:
        return
    done = await tx[collection].bulk_write(list(writes), session=tx.session, ordered=False)
    if done.matched_count + done.inserted_count != len(writes):
        raise Conflict(f"{collection}: written by somebody else")
