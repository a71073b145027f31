"""Pages of a link worker's own appointments: time in their diary that is kept free of meetings.

GET and POST /matching/diary/appointments/new. If people are booked there, the POST first shows what becomes
of them, and asks. The page of an appointment shows whom to ring, and takes the appointment back.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from services.matching.booking.appointments import FARTHEST, KINDS, NOTE_LENGTH, AppointmentKind, TimeWanted
from services.matching.calendar import london_day
from services.matching.referral_state.pages.person_header import (
    NAME_AND_TELEPHONE,
    contact_flags,
    person_contact,
)
from services.matching.referral_state.views import ToRing
from services.matching.roster.pages.away import Moved
from services.matching.web.banner import Banner, Undo, banner
from services.matching.web.features import features, queries
from services.matching.web.forms import FormErrors, FormInput, day_fields, day_parts, form_error
from services.matching.web.templating import SignedInLinkWorker, render, request_context, today
from shared.platform.web.csrf import CheckedForm
from shared.platform.web.dates import example_day
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem
from shared.platform.web.validation import FieldError

router = APIRouter(include_in_schema=False)

PATH: Final = "/matching/diary/appointments"
# The field at which a refusal is shown.
_FIELDS: Final = {
    "note_number": "note",
    "appointment_far": "day",
    "appointment_over": "begins",
    "appointment_until": "until",
}


@router.get(f"{PATH}/new")
async def ask(request: Request, caller: SignedInLinkWorker) -> Response:
    """Serves the form, with the day of the diary from which the reader comes."""
    try:
        day = date.fromisoformat(request.query_params.get("on", ""))
    except ValueError:
        day = today(request)
    return await _form_page(request, caller, _day_typed(day))


@router.post(f"{PATH}/new")
async def add(request: Request, caller: SignedInLinkWorker, form: CheckedForm) -> Response:
    """Stores the appointment, or shows first whose meetings it would move."""
    typed, use = FormInput(form), features(request).appointments
    who = caller.link_worker or ""
    try:
        wanted, until = _read(typed, today(request))
        if typed.raw("sure") != "yes" and (found := await use.preview(caller, who, wanted, until)):
            moved = await _moved(request, caller, found)
            return render(
                request,
                "appointment-moves.html",
                wanted=wanted,
                on=london_day(wanted.starts_at),
                until=until,
                me=who,
                moved=moved,
                kinds=KINDS,
                typed=_fields(typed),
            )
        sure = typed.raw("sure") == "yes"
        done = await use.add(request_context(caller, form), who, wanted, move=sure, until=until)
    except FormErrors as wrong:
        return await _form_page(request, caller, typed.as_submitted(), wrong.errors)
    except Problem as problem:
        if problem.status_code not in (409, 422):
            raise
        field = _FIELDS.get(problem.code or "", "ends")
        wrong_there = form_error(field, problem.explanation or problem.title)
        return await _form_page(request, caller, typed.as_submitted(), [wrong_there])
    return _to(done.appointment.appointment_id, "time-kept", later=until is not None)


@router.get(f"{PATH}/{{appointment}}")
async def one(request: Request, appointment: str, caller: SignedInLinkWorker) -> Response:
    """Serves the page of an appointment, with the people whose meetings it moved."""
    done = await features(request).appointments.one(caller, caller.link_worker or "", appointment)
    said, standing = banner(request), [each for each in done.later if not each.removed]
    if said is not None and not done.to_ring:
        back = "remove" if not done.appointment.removed else "put-back"
        whole = request.query_params.get("later") == "yes"
        said = Banner(said.text, Undo(f"{PATH}/{appointment}/{back}", {"later": "yes"} if whole else {}))
    return render(
        request,
        "appointment.html",
        entry=done.appointment,
        later=standing,
        on=london_day(done.appointment.starts_at),
        kinds=KINDS,
        moved=await _moved(request, caller, done.to_ring),
        done=said,
    )


@router.post(f"{PATH}/{{appointment}}/remove")
async def remove(
    request: Request, appointment: str, caller: SignedInLinkWorker, form: CheckedForm
) -> Response:
    """Removes the appointment."""
    use, later = features(request).appointments, FormInput(form).raw("later") == "yes"
    await use.remove(request_context(caller, form), caller.link_worker or "", appointment, later=later)
    return _to(appointment, "time-freed", later=later)


@router.post(f"{PATH}/{{appointment}}/put-back")
async def put_back(
    request: Request, appointment: str, caller: SignedInLinkWorker, form: CheckedForm
) -> Response:
    """Puts the appointment back."""
    use, later = features(request).appointments, FormInput(form).raw("later") == "yes"
    await use.put_back(request_context(caller, form), caller.link_worker or "", appointment, later=later)
    return _to(appointment, "time-kept", later=later)


def _to(appointment: str, what: str, *, later: bool) -> RedirectResponse:
    """Goes to the page of an appointment. `later`: those after it were changed too, and Undo changes them."""
    return RedirectResponse(f"{PATH}/{appointment}?done={what}{'&later=yes' if later else ''}", 303)


def _read(typed: FormInput, today: date) -> tuple[TimeWanted, date | None]:
    """The appointment of a form, and the day until which it repeats. Raises FormErrors."""
    kind = typed.choice("kind", AppointmentKind, "Choose what the time is for")
    day = typed.day(
        "day",
        f"Enter the day, such as {example_day(today + timedelta(days=7))}",
        first=today,
        last=today + FARTHEST,
        outside="The day must be from today to a year ahead",
    )
    begins = typed.time("begins", "Enter a time, such as 9am")
    ends = typed.time("ends", "Enter a time, such as 12:30pm")
    until = typed.day("until", "Enter the last day, or leave it empty for once only", needed=False)
    note = typed.text("note", NOTE_LENGTH)
    kind = typed.required(kind)
    wanted = TimeWanted.on(typed.required(day), typed.required(begins), typed.required(ends), kind, note)
    typed.check()
    return wanted, until


def _fields(typed: FormInput) -> dict[str, str]:
    days = [f"{day}-{part}" for day in ("day", "until") for part in ("day", "month", "year")]
    return {name: typed.raw(name) for name in ("kind", *days, "begins", "ends", "note")}


def _day_typed(day: date) -> dict[str, str]:
    return {f"day-{part}": value for part, value in day_parts(day).items()}


async def _form_page(
    request: Request, caller: Principal, typed: Mapping[str, Any], errors: Sequence[FieldError] = ()
) -> Response:
    worker = await queries(request).roster.link_worker(caller)
    queries(request).referrals.owners.require_ours("booking", worker.locality)
    return render(
        request,
        "appointment-new.html",
        status=422 if errors else 200,
        kinds=list(KINDS.items()),
        typed=typed,
        day=day_fields(typed, "day"),
        until=day_fields(typed, "until"),
        most=NOTE_LENGTH,
        errors=list(errors),
    )


async def _moved(request: Request, caller: Principal, found: Sequence[ToRing]) -> list[Moved]:
    cases = [each.case for each in found]
    people = await queries(request).referrals.people(caller, cases, NAME_AND_TELEPHONE, "caseload")
    return [
        Moved(
            each.case.referral_id,
            person_contact(people, each.case.referral_id),
            contact_flags(each.case),
            each.was.starts_at,
            each.now,
        )
        for each in found
    ]
