"""Stores link workers' own appointments in the days of their diaries.

An appointment raises the version of its day, so that it and a booking at the same time cannot both be stored:
one of them reads again.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from services.matching.booking.appointments import Appointment, AppointmentKind
from services.matching.calendar import london_day
from services.matching.collections import DAYS
from services.matching.errors import Refused
from services.matching.roster.link_workers import LinkWorker
from shared.delivery.mongo.database import Mongo, Transaction


def appointments_of(row: Mapping[str, Any]) -> list[Appointment]:
    """The appointments of a stored day, removed ones among them."""
    return [
        Appointment(
            appointment_id=each["id"],
            link_worker=row["link_worker"],
            starts_at=each["s"],
            minutes=each["m"],
            kind=AppointmentKind(each["k"]),
            note=each["n"],
            removed=each["gone"],
            series=each.get("r", ""),
        )
        for each in row.get("blocked", ())
    ]


async def appointments_between(
    mongo: Mongo, link_workers: Sequence[str], first: date, last: date
) -> list[Appointment]:
    """The appointments of these link workers from `first` to `last`, by time, without removed ones."""
    which = {
        "link_worker": {"$in": list(link_workers)},
        "day": {"$gte": first.isoformat(), "$lte": last.isoformat()},
    }
    rows = [row async for row in mongo[DAYS].find(which)]
    found = [each for row in rows for each in appointments_of(row) if not each.removed]
    return sorted(found, key=lambda each: each.starts_at)


async def find_appointment(mongo: Mongo, link_worker: str, appointment_id: str) -> Appointment:
    """An appointment of a link worker. Raises Refused `unknown_appointment`."""
    row = await mongo[DAYS].find_one({"link_worker": link_worker, "blocked.id": appointment_id})
    for each in appointments_of(row) if row else ():
        if each.appointment_id == appointment_id:
            return each
    raise Refused("unknown_appointment")


async def following(mongo: Mongo, appointment: Appointment) -> list[Appointment]:
    """The later appointments of the same series, by time, removed ones among them."""
    if not appointment.series:
        return []
    which = {"link_worker": appointment.link_worker, "blocked.r": appointment.series}
    found = [each async for row in mongo[DAYS].find(which) for each in appointments_of(row)]
    later = [
        each for each in found if each.series == appointment.series and each.starts_at > appointment.starts_at
    ]
    return sorted(later, key=lambda each: each.starts_at)


async def add_appointment(
    tx: Transaction, worker: LinkWorker, appointment: Appointment, now: datetime, *, move: bool
) -> Appointment:
    """Stores an appointment. The same one again is the one that is stored.

    `move`: the meetings there are moved. Raises Refused `meetings_there` otherwise.
    """
    key = _day_of(appointment)
    row = await tx[DAYS].find_one({"_id": key}, session=tx.session)
    for have in appointments_of(row) if row else ():
        if (have.starts_at, have.minutes, have.kind) == (
            appointment.starts_at,
            appointment.minutes,
            appointment.kind,
        ) and not have.removed:
            return have
    if not move and row is not None:
        _check_free(row, appointment, now)
    stored = {
        "id": appointment.appointment_id,
        "s": appointment.starts_at,
        "m": appointment.minutes,
        "k": appointment.kind.value,
        "n": appointment.note,
        "gone": False,
        "r": appointment.series,
    }
    new = {
        "locality": worker.locality,
        "link_worker": worker.id,
        "day": london_day(appointment.starts_at).isoformat(),
        "held": [],
        "behind": [],
    }
    change = {"$push": {"blocked": stored}, "$inc": {"v": 1}, "$setOnInsert": new}
    await tx[DAYS].update_one({"_id": key}, change, upsert=True, session=tx.session)
    return appointment


async def mark_removed(tx: Transaction, appointment: Appointment, now: datetime, *, removed: bool) -> None:
    """Removes an appointment, or puts it back. Raises Refused `meetings_there` if its time is taken now."""
    key = _day_of(appointment)
    if not removed:
        row = await tx[DAYS].find_one({"_id": key}, session=tx.session)
        if row is not None:
            _check_free(row, appointment, now)
    change = {"$set": {"blocked.$.gone": removed}, "$inc": {"v": 1}}
    which = {"_id": key, "blocked.id": appointment.appointment_id}
    await tx[DAYS].update_one(which, change, session=tx.session)


def _check_free(row: Mapping[str, Any], appointment: Appointment, now: datetime) -> None:
    for held in (*row["held"], *row.get("behind", ())):
        to_come = held["s"] + timedelta(minutes=held["m"]) > now
        if to_come and appointment.meets(held["s"], held["m"]):
            raise Refused("meetings_there")


def _day_of(appointment: Appointment) -> str:
    return f"{appointment.link_worker}|{london_day(appointment.starts_at).isoformat()}"
