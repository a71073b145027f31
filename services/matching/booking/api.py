"""HTTP: meetings, diaries and caseloads."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request

from services.matching.calendar import london_day
from services.matching.referral_state.views import Done
from services.matching.web import answers, bodies
from services.matching.web.features import features, queries
from services.matching.web.parameters import (
    BASE,
    REFUSALS,
    DeskCaller,
    DiaryCaller,
    Key,
    OwnCaller,
    Reference,
    asked,
)
from shared.platform.web.bodies import DaySent


def meeting_routes() -> APIRouter:
    """Routes on meetings."""
    router = APIRouter(prefix=BASE, tags=["meetings"], responses=REFUSALS)

    @router.get("/diary")
    async def diary(
        request: Request,
        caller: DiaryCaller,
        first: Annotated[DaySent | None, Query(alias="from")] = None,
        last: Annotated[DaySent | None, Query(alias="to")] = None,
        link_worker: Annotated[str | None, Query(max_length=60)] = None,
    ) -> answers.DiaryOut:
        """Meetings and free times, a week from today unless said; at most 92 days."""
        begins = first or london_day(queries(request).now())
        ends = last or begins + timedelta(days=6)
        meetings = await queries(request).booking.diary(caller, begins, ends, link_worker)
        free = await queries(request).booking.free(caller, begins, ends, link_worker)
        return answers.DiaryOut(meetings=meetings, free=[answers.SlotOut.of(slot) for slot in free])

    @router.get("/caseload")
    async def caseload(
        request: Request, caller: OwnCaller, include_ended: bool = False
    ) -> answers.CaseloadOut:
        """The caller's cases, the earliest next step first."""
        return answers.CaseloadOut(cases=await queries(request).casework.caseload(caller, include_ended))

    @router.get("/needs-you")
    async def needs_you(
        request: Request, caller: OwnCaller, limit: Annotated[int, Query(ge=1, le=500)] = 200
    ) -> answers.NeedsYouOut:
        """What needs the caller, oldest first."""
        return answers.NeedsYouOut(needs_you=await queries(request).casework.needs_you(caller, limit))

    @router.get("/meetings/{meeting_id}/options")
    async def options(
        request: Request,
        meeting_id: Reference,
        caller: DeskCaller,
        count: Annotated[int, Query(ge=1, le=20)] = 3,
    ) -> answers.OptionsOut:
        """Other suitable times for a booked meeting, earliest first."""
        found = await queries(request).booking.options(caller, meeting_id, count)
        return answers.OptionsOut(options=[answers.SlotOut.of(slot) for slot in found])

    @router.post("/meetings/{meeting_id}/attended")
    async def attended(
        request: Request,
        meeting_id: Reference,
        caller: OwnCaller,
        body: bodies.WithStep | None = None,
        key: Key = None,
    ) -> Done:
        """They came."""
        step = body.next_step if body else None
        return await features(request).booking.attended(asked(caller, key), meeting_id, step)

    @router.post("/meetings/{meeting_id}/missed")
    async def missed(request: Request, meeting_id: Reference, caller: OwnCaller, key: Key = None) -> Done:
        """They did not come."""
        return await features(request).booking.did_not_attend(asked(caller, key), meeting_id)

    @router.post("/meetings/{meeting_id}/cancelled")
    async def cancelled(
        request: Request, meeting_id: Reference, caller: OwnCaller, body: bodies.Cancelling, key: Key = None
    ) -> Done:
        """Cancelled; the next suitable time is booked."""
        return await features(request).booking.cancel(asked(caller, key), meeting_id, body.by, body.why)

    @router.post("/meetings/{meeting_id}/another-time")
    async def another_time(
        request: Request,
        meeting_id: Reference,
        caller: DeskCaller,
        body: bodies.Moving | None = None,
        key: Key = None,
    ) -> Done:
        """Moves the meeting; 409 `slot_taken` where somebody else was quicker."""
        slot = body.slot if body else None
        return await features(request).booking.reschedule(asked(caller, key), meeting_id, slot)

    @router.post("/meetings/{meeting_id}/confirmed")
    async def confirmed(request: Request, meeting_id: Reference, caller: DeskCaller, key: Key = None) -> Done:
        """The person says yes to the provisional time."""
        return await features(request).booking.confirm(asked(caller, key), meeting_id)

    return router
