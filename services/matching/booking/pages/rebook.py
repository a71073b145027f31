"""Pages to move a booked meeting, to book one for a case without, and to record that a person declines.

/matching/meetings/{id}/rebook and .../no-longer-wants, /matching/cases/{referral}/book.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from services.matching.booking.pages.answered import answer
from services.matching.booking.pages.choosing import chooser
from services.matching.referral_state.pages.person_header import (
    NAME_AND_TELEPHONE,
    PersonContact,
    person_contact,
)
from services.matching.referral_state.views import MeetingShown
from services.matching.web.banner import back_to, banner
from services.matching.web.features import features, queries
from services.matching.web.forms import FormErrors, FormInput, day_fields, form_error
from services.matching.web.templating import SignedInLinkWorker, render, request_context, today
from shared.contract.events.vocabulary import By
from shared.platform.web.auth import require_page
from shared.platform.web.csrf import CheckedForm
from shared.platform.web.dates import example_day
from shared.platform.web.forms import text_field
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem
from shared.platform.web.validation import FieldError

LinkWorkerOrPractice = Annotated[Principal, Depends(require_page("link_worker", "referrer"))]

router = APIRouter(include_in_schema=False)


MEETING_PATH = "/matching/meetings/{meeting}"


@router.get(f"{MEETING_PATH}/rebook")
async def other_times(request: Request, meeting: str, caller: LinkWorkerOrPractice) -> Response:
    """Serves the page with other times for a meeting."""
    return await _rebook_page(request, caller, meeting)


@router.post(f"{MEETING_PATH}/rebook")
async def move(request: Request, meeting: str, caller: LinkWorkerOrPractice, form: CheckedForm) -> Response:
    """Moves the meeting to the chosen time. If that time is gone, shows the page with the error."""
    slot = text_field(form, "slot")
    if not slot:
        return await _rebook_page(request, caller, meeting, [form_error("slot", "Choose one of the times")])
    try:
        done = await features(request).booking.reschedule(request_context(caller, form), meeting, slot)
    except Problem as problem:
        return await _rebook_page(request, caller, meeting, [_told(problem)])
    moved = done.case.active
    if caller.role == "referrer" and moved is not None and not done.pending:
        return RedirectResponse(f"/matching/meetings/{moved.meeting_id}/rebook?done=moved", 303)
    return await answer(request, caller, "moved", done)


@router.get(f"{MEETING_PATH}/no-longer-wants")
async def sure(request: Request, meeting: str, caller: LinkWorkerOrPractice) -> Response:
    """Serves the page that asks whether the person declines."""
    found = await queries(request).booking.meeting(caller, meeting)
    person = await _person(request, caller, found)
    return render(request, "no-longer-wants.html", meeting=found, person=person)


@router.post(f"{MEETING_PATH}/no-longer-wants")
async def no_longer(
    request: Request, meeting: str, caller: LinkWorkerOrPractice, form: CheckedForm
) -> Response:
    """Records that the person declines."""
    found = await queries(request).booking.meeting(caller, meeting)
    # A link worker or a practice presses the button for the person who declines.
    done = await features(request).casework.no_longer_wants(
        request_context(caller, form), found.referral_id, By.PERSON
    )
    if caller.role == "referrer":
        return render(request, "no-longer-wants.html", meeting=None)
    return back_to(f"/matching/cases/{done.referral_id}", "no-longer-wants", done)


@router.get("/matching/cases/{referral}/book")
async def times(request: Request, referral: str, caller: SignedInLinkWorker) -> Response:
    """Serves the page with times for a case without a meeting."""
    return await _book_page(request, caller, referral)


@router.post("/matching/cases/{referral}/book")
async def book(request: Request, referral: str, caller: SignedInLinkWorker, form: CheckedForm) -> Response:
    """Books the chosen time, or defers the meeting to the day entered."""
    typed = FormInput(form)
    try:
        if typed.raw("do") == "later":
            soon = today(request) + timedelta(days=28)
            day = typed.day(
                "later",
                f"Enter the day before which they do not want to meet, such as {example_day(soon)}",
                first=today(request),
                outside="The day must be in the future",
            )
            day = typed.required(day)
            done = await features(request).booking.defer(request_context(caller, form), referral, day)
            return await answer(request, caller, "later", done)
        slot = typed.text("slot", needed="Choose one of the times")
        typed.check()
        done = await features(request).booking.book(request_context(caller, form), referral, slot)
    except FormErrors as mistakes:
        return await _book_page(request, caller, referral, mistakes.errors, typed)
    except Problem as problem:
        return await _book_page(request, caller, referral, [_told(problem)], typed)
    return await answer(request, caller, "booked", done)


def _told(problem: Problem) -> FieldError:
    """The refusal as an error beside the times, if another choice can mend it. Raises all others."""
    if problem.status_code not in (409, 422, 503):
        raise problem
    taken = problem.code == "slot_taken"
    return form_error(
        "slot",
        "Somebody else has that time by now. Choose another."
        if taken
        else problem.explanation or problem.title,
    )


async def _rebook_page(
    request: Request,
    caller: Principal,
    meeting_id: str,
    errors: Sequence[FieldError] = (),
    typed: FormInput | None = None,
) -> Response:
    asks = queries(request)
    meeting = await asks.booking.meeting(caller, meeting_id)
    begun = meeting.starts_at <= asks.now()
    booking = await asks.booking.offer(meeting.locality)
    times = None
    if meeting.status == "booked" and not begun and booking.another_time:
        times = await chooser(
            request,
            f"/matching/meetings/{meeting_id}/rebook",
            booking,
            await asks.booking.link_workers_for(caller, {"view.meetings.id": meeting_id}),
            lambda count, wanted: asks.booking.options(caller, meeting_id, count, wanted=wanted),
        )
    may_wait = False
    if caller.role == "link_worker":
        may_wait = not (await asks.referrals.case_of_meeting(caller, meeting_id)).story.attended
    return render(
        request,
        "rebook.html",
        status=422 if errors else 200,
        meeting=await asks.booking.placed(meeting),
        begun=begun,
        may_wait=may_wait,
        booking=booking,
        times=times,
        person=await _person(request, caller, meeting),
        by_practice=caller.role == "referrer",
        later=_later(typed),
        errors=list(errors),
        done=banner(request),
    )


async def _book_page(
    request: Request,
    caller: Principal,
    referral: str,
    errors: Sequence[FieldError] = (),
    typed: FormInput | None = None,
) -> Response:
    asks = queries(request)
    case = await asks.referrals.case(caller, referral)
    if case.line.active is not None:
        meeting_id = case.line.active.meeting_id
        if errors:
            return await _rebook_page(request, caller, meeting_id, errors, typed)
        return RedirectResponse(f"/matching/meetings/{meeting_id}/rebook", 303)
    people = await asks.referrals.people(caller, [case.line], NAME_AND_TELEPHONE, "caseload")
    booking = await asks.booking.offer(case.line.locality)
    times = None
    if booking.book:
        times = await chooser(
            request,
            f"/matching/cases/{referral}/book",
            booking,
            await asks.booking.link_workers_for(caller, {"referral": referral}),
            lambda count, wanted: asks.booking.options_for(caller, referral, count, wanted=wanted),
        )
    return render(
        request,
        "book.html",
        status=422 if errors else 200,
        line=case.line,
        may_wait=not case.story.attended,
        booking=booking,
        times=times,
        person=person_contact(people, referral),
        later=_later(typed),
        case_at=f"/matching/cases/{referral}",
        errors=list(errors),
    )


async def _person(request: Request, caller: Principal, meeting: MeetingShown) -> PersonContact:
    """The person of the meeting, so that the reader can check that it is the right one.

    A practice sees the reference here, because only the referral service shows names to practices.
    """
    if caller.role != "link_worker":
        return person_contact({}, meeting.referral_id)
    people = await queries(request).referrals.people(caller, [meeting], NAME_AND_TELEPHONE, "caseload")
    return person_contact(people, meeting.referral_id)


def _later(typed: FormInput | None) -> dict[str, str] | None:
    return day_fields(typed.as_submitted(), "later") if typed else None
