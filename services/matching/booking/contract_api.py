"""HTTP: look-ups and commands that other parts ask of booking. The part that asks has judged its user."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from services.matching.booking.schemas import CancelAsked, DeferAsked, MeetingAsked, TimeChosen
from services.matching.referral_state.views import Done
from services.matching.request import RequestContext
from services.matching.web.features import check_here, features, queries
from services.matching.web.parameters import REFUSALS, Key, Reference
from shared.contract.api import Operation
from shared.contract.api.booking import (
    ANOTHER_TIME,
    BOOK,
    CANCELLED,
    CAPACITY,
    CONFIRMED,
    LATER,
    OPTIONS,
    OPTIONS_OF_REFERRAL,
    PLACE,
    Count,
    DiaryCapacity,
    MeetingCommand,
    MeetingPlace,
    ReferralMeeting,
    StandingMeeting,
    TimesOffered,
    Weeks,
)
from shared.contract.events.models import LocalitySlug
from shared.platform.web.principal import Principal
from shared.platform.web.seams import asked_by, for_user

router = APIRouter(tags=["between parts"], responses=REFUSALS)

Reader = Annotated[Principal, Depends(asked_by(OPTIONS))]
PlaceReader = Annotated[Principal, Depends(asked_by(PLACE))]
Mover = Annotated[Principal, Depends(asked_by(ANOTHER_TIME))]
Counter = Annotated[Principal, Depends(asked_by(CAPACITY))]


@router.get(OPTIONS.path)
async def options(
    request: Request, meeting_id: Reference, caller: Reader, locality: LocalitySlug, count: Count = 3
) -> TimesOffered:
    """Other suitable times for a booked meeting, earliest first."""
    check_here(request, caller, OPTIONS, locality)
    return TimesOffered(options=await queries(request).booking.options(caller, meeting_id, count, locality))


@router.get(OPTIONS_OF_REFERRAL.path)
async def options_of_referral(
    request: Request, referral_id: Reference, caller: Reader, locality: LocalitySlug, count: Count = 3
) -> TimesOffered:
    """Suitable times for a referral without a meeting, earliest first."""
    check_here(request, caller, OPTIONS_OF_REFERRAL, locality)
    found = await queries(request).booking.options_for(caller, referral_id, count, locality)
    return TimesOffered(options=found)


@router.get(PLACE.path)
async def place(
    request: Request, meeting_id: Reference, caller: PlaceReader, locality: LocalitySlug
) -> MeetingPlace:
    """The place of a meeting in words."""
    check_here(request, caller, PLACE, locality)
    found = await queries(request).booking.place(caller, locality, meeting_id)
    return MeetingPlace(meeting_id=meeting_id, practice=found.practice, place=found.place, mode=found.mode)


@router.get(CAPACITY.path)
async def capacity(
    request: Request, caller: Counter, locality: LocalitySlug, weeks: Weeks = 4
) -> DiaryCapacity:
    """Meeting times and free times by week."""
    check_here(request, caller, CAPACITY, locality)
    return await queries(request).booking.capacity(locality, weeks)


@router.post(ANOTHER_TIME.path)
async def another_time(
    request: Request, meeting_id: Reference, caller: Mover, body: TimeChosen, key: Key = None
) -> ReferralMeeting:
    """Moves the meeting. 409 `slot_taken` if the time was taken meanwhile."""
    context = _context(request, ANOTHER_TIME, caller, body, key)
    return _meeting(await features(request).booking.reschedule(context, meeting_id, body.slot))


@router.post(CONFIRMED.path)
async def confirmed(
    request: Request, meeting_id: Reference, caller: Mover, body: MeetingAsked, key: Key = None
) -> ReferralMeeting:
    """Records that the person agrees to the provisional time."""
    context = _context(request, CONFIRMED, caller, body, key)
    return _meeting(await features(request).booking.confirm(context, meeting_id))


@router.post(CANCELLED.path)
async def cancelled(
    request: Request, meeting_id: Reference, caller: Mover, body: CancelAsked, key: Key = None
) -> ReferralMeeting:
    """Cancels the meeting and books the next suitable time."""
    context = _context(request, CANCELLED, caller, body, key)
    return _meeting(await features(request).booking.cancel(context, meeting_id, body.by, body.why))


@router.post(LATER.path)
async def later(
    request: Request, referral_id: Reference, caller: Mover, body: DeferAsked, key: Key = None
) -> ReferralMeeting:
    """Defers the meeting to that day."""
    context = _context(request, LATER, caller, body, key)
    return _meeting(await features(request).booking.defer(context, referral_id, body.on))


@router.post(BOOK.path)
async def book(
    request: Request, referral_id: Reference, caller: Mover, body: TimeChosen, key: Key = None
) -> ReferralMeeting:
    """Books a meeting where none stands."""
    context = _context(request, BOOK, caller, body, key)
    return _meeting(await features(request).booking.book(context, referral_id, body.slot))


def _context(
    request: Request, operation: Operation, caller: Principal, body: MeetingCommand, key: str | None
) -> RequestContext:
    check_here(request, caller, operation, body.locality)
    return RequestContext(for_user(caller, body.on_behalf_of), key, body.locality)


def _meeting(done: Done) -> ReferralMeeting:
    stands = done.case.active
    return ReferralMeeting(
        referral_id=done.referral_id,
        meeting=StandingMeeting(
            meeting_id=stands.meeting_id,
            link_worker=stands.link_worker,
            practice=stands.practice,
            place=stands.place,
            starts_at=stands.starts_at,
            minutes=stands.minutes,
            mode=stands.mode,
            provisional=stands.provisional,
            sequence=stands.sequence,
        )
        if stands
        else None,
        waiting=done.case.waiting,
        expected_by=done.case.expected_by,
    )
