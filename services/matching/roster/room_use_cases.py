"""Use cases and queries of rooms."""

from dataclasses import dataclass
from typing import Any

from services.matching.authorization import within_localities
from services.matching.booking.repository import touch_caseload, wake_waiting
from services.matching.collections import LINK_WORKERS, ROOMS
from services.matching.command_runner import CommandRunner
from services.matching.errors import Refused
from services.matching.roster.repository import room_of, worker_of
from services.matching.roster.rooms import Room
from services.matching.web.refusals import problem_of, refusing
from shared.delivery.mongo.database import Row, Transaction
from shared.platform.errors import NotOwner
from shared.platform.web.audit import Change
from shared.platform.web.not_owner import refusal_of
from shared.platform.web.principal import Principal


@dataclass(frozen=True, slots=True)
class RoomEntry:
    """A room as a page changes it. `used_by`: names of the link workers whose hours are there.

    `may_undo`: the last change can be taken back.
    """

    room: Room
    version: int
    may_undo: bool
    used_by: tuple[str, ...] = ()


@dataclass
class RoomUseCases:
    """Rooms of sites, kept by the programme's administrators."""

    runner: CommandRunner

    async def rooms(self, caller: Principal) -> list[RoomEntry]:
        """The rooms of the caller's localities, by site and name."""
        mongo = self.runner.kernel.mongo
        used: dict[str, list[str]] = {}
        async for row in mongo[LINK_WORKERS].find({**within_localities(caller), "active": True}):
            worker = worker_of(row)
            for name in worker.rooms:
                used.setdefault(name, []).append(worker.name)
        rows = [row async for row in mongo[ROOMS].find(within_localities(caller))]
        found = [_entry(row, tuple(sorted(used.get(row["_id"], ())))) for row in rows]
        return sorted(found, key=lambda each: (each.room.locality, each.room.site, each.room.name))

    async def room(self, caller: Principal, room: str) -> RoomEntry:
        """One room of the caller's localities. 404 otherwise."""
        found = await self.runner.kernel.mongo[ROOMS].find_one({"_id": room, **within_localities(caller)})
        if found is None:
            raise problem_of(Refused("unknown_room"))
        return _entry(found)

    async def next_id(self, locality: str) -> str:
        """An id for another room of the locality, which no room has."""
        taken = set(await self.runner.kernel.mongo[ROOMS].distinct("_id", {}))
        return next(
            f"room-{locality}-{n}" for n in range(1, len(taken) + 2) if f"room-{locality}-{n}" not in taken
        )

    async def put_room(self, caller: Principal, room: Room, version: int | None = None) -> RoomEntry:
        """Stores a room. The hours that name it take over its words, and waiting referrals retry.

        `version`: that on which the change rests, 0 for no entry; None for any.

        Raises:
            Problem: 404 for a locality or a room that is not the caller's, 409 `changed_since`, `not_owner`.
        """
        return await self._put(caller, room, version, may_undo=True)

    async def undo_change(self, caller: Principal, room: str) -> RoomEntry:
        """Takes back the last change of a room. A room that was added is closed.

        Raises:
            Problem: 404, 409 `changed_since` if the room is not as its last change left it.
        """
        row = await self.runner.kernel.mongo[ROOMS].find_one({"_id": room, **within_localities(caller)})
        if row is None:
            raise problem_of(Refused("unknown_room"))
        if not _may_undo(row):
            raise problem_of(Refused("changed_since"))
        was = row["before"]["entry"]
        now = room_of(row)
        before = Room.model_validate(was) if was else now.model_copy(update={"active": False})
        return await self._put(caller, before, row["v"], may_undo=False)

    async def _put(self, caller: Principal, room: Room, version: int | None, *, may_undo: bool) -> RoomEntry:
        if not caller.may_locality(room.locality) or room.locality not in self.runner.localities.by_slug:
            raise problem_of(Refused("unknown_room"))
        self.runner.owners.require_ours("casework", room.locality)

        action, codes = "put_room" if may_undo else "undo_room", (f"room={room.id}",)
        change = Change(caller, action, codes=codes, locality=room.locality)

        async def work(tx: Transaction) -> Row:
            row = await tx[ROOMS].find_one({"_id": room.id}, session=tx.session)
            before = room_of(row) if row is not None else None
            known = row["v"] if row is not None else 0
            if before is not None and before.locality != room.locality:
                raise Refused("unknown_room")
            if version not in (None, known):
                raise Refused("changed_since")
            new: dict[str, Any] = {**room.model_dump(mode="json", exclude={"id"}), "v": known + 1}
            if may_undo and before != room:
                was = before.model_dump(mode="json") if before is not None else None
                new["before"] = {"v": known + 1, "entry": was}
            await tx[ROOMS].replace_one({"_id": room.id}, new, upsert=True, session=tx.session)
            await self._tell_hours(tx, room)
            return {"_id": room.id, **new}

        try:
            async with refusing():
                row = await self.runner.kernel.transact(
                    work, owning=(room.locality, "casework"), change=change
                )
        except NotOwner as other:
            raise refusal_of(self.runner.localities, other) from None
        return _entry(row)

    async def _tell_hours(self, tx: Transaction, room: Room) -> None:
        """Names the room anew in the hours that are there, and offers its times to waiting referrals."""
        there = {"locality": room.locality, "hours.room": room.id}
        rows = [row async for row in tx[LINK_WORKERS].find(there, session=tx.session)]
        for row in rows:
            hours = [
                {**each, "place": room.place} if each.get("room") == room.id else each
                for each in row["hours"]
            ]
            change: dict[str, Any] = {"$inc": {"v": 1}}
            if hours != row["hours"]:
                change["$set"] = {"hours": hours}
                await tx[LINK_WORKERS].update_one({"_id": row["_id"]}, change, session=tx.session)
            await touch_caseload(tx, room.locality, row["_id"])
            worker = worker_of(row)
            await wake_waiting(tx, room.locality, worker.practices, self.runner.kernel.clock())


def _may_undo(row: Row) -> bool:
    kept = row.get("before")
    return kept is not None and kept["v"] == row["v"]


def _entry(row: Row, used_by: tuple[str, ...] = ()) -> RoomEntry:
    return RoomEntry(room_of(row), row["v"], _may_undo(row), used_by)
