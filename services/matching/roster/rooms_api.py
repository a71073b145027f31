"""HTTP: rooms of sites, with the number of meetings that each takes at a time."""

from typing import Annotated

from fastapi import APIRouter, Body, Path, Request
from pydantic import BaseModel

from services.matching.roster.room_use_cases import RoomEntry
from services.matching.roster.rooms import Room
from services.matching.web.features import features
from services.matching.web.parameters import BASE, REFUSALS, Admin
from services.matching.web.schemas import Body as JsonBody
from shared.platform.web.problem import Problem

router = APIRouter(prefix=f"{BASE}/rooms", tags=["rooms"], responses=REFUSALS)

RoomName = Annotated[str, Path(pattern=r"^[a-z0-9-]{1,60}$")]
_EXAMPLE = {
    "id": "room-meir-1",
    "locality": "meir",
    "site": "Meir Primary Care Centre",
    "name": "room 4",
    "capacity": 1,
}


class RoomIn(Room, JsonBody):
    """A room's whole entry."""

    def room(self) -> Room:
        """The entry as the roster stores it."""
        return Room.model_validate(self.model_dump())


class RoomOut(BaseModel):
    """A room. `used_by`: link workers whose hours are there. `may_undo`: see `undo`."""

    room: Room
    version: int
    may_undo: bool
    used_by: list[str]

    @classmethod
    def of(cls, entry: RoomEntry) -> "RoomOut":
        """The room as the API returns it."""
        return cls(
            room=entry.room, version=entry.version, may_undo=entry.may_undo, used_by=list(entry.used_by)
        )


class RoomsOut(BaseModel):
    """Rooms by site and name."""

    rooms: list[RoomOut]


@router.get("")
async def every(request: Request, caller: Admin) -> RoomsOut:
    """The rooms of the caller's localities."""
    return RoomsOut(rooms=[RoomOut.of(each) for each in await features(request).rooms.rooms(caller)])


@router.put("/{room}")
async def put(
    request: Request, room: RoomName, caller: Admin, entry: Annotated[RoomIn, Body(examples=[_EXAMPLE])]
) -> RoomOut:
    """Stores a room. A room takes so many meetings at a time, whoever's they are."""
    if entry.id != room:
        raise Problem(422, code="invalid", detail="The id in the body is not the one in the address.")
    return RoomOut.of(await features(request).rooms.put_room(caller, entry.room()))


@router.post("/{room}/undo")
async def undo(request: Request, room: RoomName, caller: Admin) -> RoomOut:
    """Takes back the last change of a room. A room that was added is closed."""
    return RoomOut.of(await features(request).rooms.undo_change(caller, room))
