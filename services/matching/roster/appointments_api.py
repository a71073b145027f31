"""HTTP: link workers' own appointments."""

from datetime import time
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from services.matching.booking.appointments import NOTE_LENGTH, Appointment, AppointmentKind, TimeWanted
from services.matching.referral_state.views import ToRing
from services.matching.request import RequestContext
from services.matching.roster.appointments import AppointmentDone
from services.matching.web.features import features
from services.matching.web.parameters import BASE, REFUSALS, DiaryCaller, LinkWorkerName, Reference
from services.matching.web.schemas import Body
from shared.contract.events.models import Day

router = APIRouter(
    prefix=f"{BASE}/link-workers/{{link_worker}}/appointments", tags=["meetings"], responses=REFUSALS
)

WithLater = Annotated[bool, Query(description="Those of the same series that come after it too.")]


class AppointmentIn(Body):
    """An appointment: a time of one day in London, its kind, and a note that names nobody."""

    day: Day = Field(examples=["2026-12-01"])
    begins: time = Field(examples=["09:00"])
    ends: time = Field(examples=["12:30"])
    kind: AppointmentKind = Field(examples=["training"])
    note: str = Field("", max_length=NOTE_LENGTH, examples=["Safeguarding, level 2"])
    repeats_until: Day | None = Field(None, description="Left out: once. Else each week until this day.")

    def wanted(self) -> TimeWanted:
        """The appointment as the diary stores it."""
        return TimeWanted.on(self.day, self.begins, self.ends, self.kind, self.note)


class NewAppointment(AppointmentIn):
    """An appointment to be stored."""

    move_meetings: bool = Field(False, description="People who are booked there may be moved.")


class AppointmentOut(BaseModel):
    """An appointment, and the people whose meetings it or a later one moved. `later`: more of its series."""

    appointment: Appointment
    to_ring: list[ToRing]
    later: list[Appointment]

    @classmethod
    def of(cls, done: AppointmentDone) -> "AppointmentOut":
        """The outcome as the API returns it."""
        return cls(appointment=done.appointment, to_ring=done.to_ring, later=list(done.later))


class WouldMoveOut(BaseModel):
    """The people whose meetings an appointment would move, and their times then, by time of day."""

    meetings: list[ToRing]


@router.post("")
async def add(
    request: Request, link_worker: LinkWorkerName, caller: DiaryCaller, body: NewAppointment
) -> AppointmentOut:
    """Stores an appointment. 409 `meetings_there` if people are booked there who may not be moved."""
    done = await features(request).appointments.add(
        RequestContext(caller),
        link_worker,
        body.wanted(),
        move=body.move_meetings,
        until=body.repeats_until,
    )
    return AppointmentOut.of(done)


@router.post("/preview")
async def preview(
    request: Request, link_worker: LinkWorkerName, caller: DiaryCaller, body: AppointmentIn
) -> WouldMoveOut:
    """Shows whose meetings an appointment would move. Changes nothing."""
    found = await features(request).appointments.preview(
        caller, link_worker, body.wanted(), body.repeats_until
    )
    return WouldMoveOut(meetings=found)


@router.get("/{appointment_id}")
async def one(
    request: Request, link_worker: LinkWorkerName, appointment_id: Reference, caller: DiaryCaller
) -> AppointmentOut:
    """An appointment, removed or not."""
    return AppointmentOut.of(await features(request).appointments.one(caller, link_worker, appointment_id))


@router.post("/{appointment_id}/remove")
async def remove(
    request: Request,
    link_worker: LinkWorkerName,
    appointment_id: Reference,
    caller: DiaryCaller,
    later: WithLater = False,
) -> AppointmentOut:
    """Removes an appointment. Moved meetings get their times again if these are free."""
    context = RequestContext(caller)
    return AppointmentOut.of(
        await features(request).appointments.remove(context, link_worker, appointment_id, later=later)
    )


@router.post("/{appointment_id}/put-back")
async def put_back(
    request: Request,
    link_worker: LinkWorkerName,
    appointment_id: Reference,
    caller: DiaryCaller,
    later: WithLater = False,
) -> AppointmentOut:
    """Puts a removed appointment back. 409 `meetings_there` if people were booked there meanwhile."""
    context = RequestContext(caller)
    return AppointmentOut.of(
        await features(request).appointments.put_back(context, link_worker, appointment_id, later=later)
    )
