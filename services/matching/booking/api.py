"""HTTP: meetings and diaries."""

from dataclasses import asdict
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from services.matching.booking.agenda_queries import Whose
from services.matching.booking.schemas import (
    AgendaOut,
    CalendarOut,
    Cancelling,
    Count,
    DiaryOut,
    Moving,
    OptionsOut,
    SlotOut,
    wanted_times,
)
from services.matching.booking.wanted import TimesWanted
from services.matching.calendar import london_day
from services.matching.referral_state.views import Done
from services.matching.request import RequestContext
from services.matching.web.features import features, queries
from services.matching.web.parameters import (
    BASE,
    REFUSALS,
    DeskCaller,
    DiaryCaller,
    Key,
    LocalityQuery,
    OwnCaller,
    Reference,
)
from services.matching.web.schemas import WithStep
from shared.platform.web.auth import require
from shared.platform.web.bodies import DaySent
from shared.platform.web.principal import Principal

AgendaCaller = Annotated[Principal, Depends(require("link_worker", "manager", "programme_admin"))]

router = APIRouter(prefix=BASE, tags=["meetings"], responses=REFUSALS)


@router.get("/diary")
async def diary(
    request: Request,
    caller: DiaryCaller,
    first: Annotated[DaySent | None, Query(alias="from")] = None,
    last: Annotated[DaySent | None, Query(alias="to")] = None,
    link_worker: Annotated[str | None, Query(max_length=60)] = None,
) -> DiaryOut:
    """Meetings and free times of a diary, at most 92 days. By default a week from today."""
    begins = first or london_day(queries(request).now())
    ends = last or begins + timedelta(days=6)
    meetings = await queries(request).booking.diary(caller, begins, ends, link_worker)
    free = await queries(request).booking.free(caller, begins, ends, link_worker)
    return DiaryOut(meetings=meetings, free=[SlotOut.of(slot) for slot in free])


@router.get("/diaries")
async def diaries(
    request: Request,
    caller: AgendaCaller,
    first: Annotated[DaySent | None, Query(alias="from")] = None,
    last: Annotated[DaySent | None, Query(alias="to")] = None,
    link_worker: Annotated[str | None, Query(max_length=60)] = None,
    practice: Annotated[str | None, Query(max_length=10)] = None,
    place: Annotated[str | None, Query(max_length=120)] = None,
    locality: LocalityQuery = None,
) -> AgendaOut:
    """Days of a link worker, a practice, a place or a locality, at most 31. By default the caller's today.

    A meeting names its case only where the caller may see the case.
    """
    begins = first or london_day(queries(request).now())
    whose = Whose(link_worker, practice, place, locality)
    found = await queries(request).agenda.agenda(caller, begins, last or begins, whose)
    return AgendaOut(days=list(found.days))


@router.get("/calendar-feed")
async def calendar_feed(request: Request, caller: OwnCaller) -> CalendarOut:
    """Whether the caller's diary has a calendar feed."""
    return CalendarOut(**asdict(await features(request).calendar.state(caller)))


@router.post("/calendar-feed")
async def new_calendar_feed(request: Request, caller: OwnCaller) -> CalendarOut:
    """Makes a secret address for the feed, and tells it once. The one before ends."""
    return CalendarOut(**asdict(await features(request).calendar.renew(caller)))


@router.delete("/calendar-feed")
async def no_calendar_feed(request: Request, caller: OwnCaller) -> CalendarOut:
    """Ends the address of the feed."""
    return CalendarOut(**asdict(await features(request).calendar.switch_off(caller)))


@router.get("/meetings/{meeting_id}/options")
async def options(
    request: Request,
    meeting_id: Reference,
    caller: DeskCaller,
    wanted: Annotated[TimesWanted, Depends(wanted_times)],
    count: Count = 3,
) -> OptionsOut:
    """Other suitable times for a booked meeting, earliest first."""
    found = await queries(request).booking.options(caller, meeting_id, count, wanted=wanted)
    return OptionsOut(options=[SlotOut.of(slot) for slot in found])


@router.post("/meetings/{meeting_id}/attended")
async def attended(
    request: Request,
    meeting_id: Reference,
    caller: OwnCaller,
    body: WithStep | None = None,
    key: Key = None,
) -> Done:
    """Records that the person came."""
    step = body.next_step if body else None
    return await features(request).booking.attended(RequestContext(caller, key), meeting_id, step)


@router.post("/meetings/{meeting_id}/missed")
async def missed(request: Request, meeting_id: Reference, caller: OwnCaller, key: Key = None) -> Done:
    """Records that the person did not come."""
    return await features(request).booking.did_not_attend(RequestContext(caller, key), meeting_id)


@router.post("/meetings/{meeting_id}/cancelled")
async def cancelled(
    request: Request, meeting_id: Reference, caller: OwnCaller, body: Cancelling, key: Key = None
) -> Done:
    """Cancels the meeting and books the next suitable time."""
    return await features(request).booking.cancel(RequestContext(caller, key), meeting_id, body.by, body.why)


@router.post("/meetings/{meeting_id}/another-time")
async def another_time(
    request: Request,
    meeting_id: Reference,
    caller: DeskCaller,
    body: Moving | None = None,
    key: Key = None,
) -> Done:
    """Moves the meeting. 409 `slot_taken` if the time was taken meanwhile."""
    slot = body.slot if body else None
    return await features(request).booking.reschedule(RequestContext(caller, key), meeting_id, slot)


@router.post("/meetings/{meeting_id}/confirmed")
async def confirmed(request: Request, meeting_id: Reference, caller: DeskCaller, key: Key = None) -> Done:
    """Records that the person agrees to the provisional time."""
    return await features(request).booking.confirm(RequestContext(caller, key), meeting_id)
