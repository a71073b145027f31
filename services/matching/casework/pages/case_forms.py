"""The forms of the case page, each with its action. After a mistake the page keeps all input."""

from collections.abc import Awaitable, Callable
from datetime import date, timedelta

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.matching.booking.pages.answered import answer
from services.matching.casework.inputs import (
    Closure,
    Contact,
    Decline,
    NextMeeting,
    Reopen,
    Retraction,
    Return,
)
from services.matching.casework.pages.case import case_page, undo_page
from services.matching.prescribing.inputs import SharingAnswer
from services.matching.referral_state.pages.next_step import read_next_step
from services.matching.referral_state.views import Done
from services.matching.request import RequestContext
from services.matching.web.features import features
from services.matching.web.forms import FormErrors, FormInput, form_error
from services.matching.web.templating import SignedInLinkWorker, request_context, today
from shared.contract.events import vocabulary as v
from shared.platform.web.csrf import CheckedForm
from shared.platform.web.problem import Problem

router = APIRouter(include_in_schema=False)


# Reads a form and carries it out. Returns the code of the banner and the result. Raises FormErrors.
Act = Callable[[Request, RequestContext, str, FormInput], Awaitable[tuple[str, Done]]]


def case_form(name: str, anchor: str) -> Callable[[Act], Act]:
    """Registers a handler as POST /matching/cases/{referral}/<name>. `anchor`: id of the form on the page."""

    def register(act: Act) -> Act:
        @router.post(f"/matching/cases/{{referral}}/{name}", name=name)
        async def route(
            request: Request, referral: str, caller: SignedInLinkWorker, form: CheckedForm
        ) -> Response:
            typed = FormInput(form)
            if name == "undo" and typed.raw("sure") != "yes":
                return await undo_page(request, caller, referral, typed.raw("source"), typed.raw("event"))
            try:
                what, done = await act(request, request_context(caller, form), referral, typed)
            except FormErrors as mistakes:
                errors = mistakes.errors
            except Problem as problem:
                # The page with the form shows a refusal beside the input.
                if problem.status_code not in (409, 422, 503):
                    raise
                errors = [form_error(anchor, problem.explanation or problem.title)]
            else:
                return await answer(request, caller, what, done)
            return await case_page(
                request, caller, referral, errors=errors, typed=typed.as_submitted(), opened=name
            )

        return act

    return register


@case_form("contact", anchor="contact")
async def contact(request: Request, by: RequestContext, referral: str, form: FormInput) -> tuple[str, Done]:
    """Records a call or message to the person."""
    channel = form.choice("channel", v.Channel, "Choose how you tried to reach them")
    reached = form.raw("reached")
    if reached not in ("yes", "no"):
        form.add_error("reached", "Say whether you reached them")
    note = form.text("note")
    step = read_next_step(form, today(request), needed=False, prefix="after")
    channel = form.required(channel)
    return "contact", await features(request).casework.contact(
        by, referral, Contact(channel, reached == "yes", note, step)
    )


@case_form("next-step", anchor="next-step")
async def next_step(request: Request, by: RequestContext, referral: str, form: FormInput) -> tuple[str, Done]:
    """Sets the next step."""
    step = read_next_step(form, today(request), needed=True)
    note = form.text("step_note")
    step = form.required(step)
    return "next-step", await features(request).casework.next_step(by, referral, step, note)


@case_form("sharing", anchor="agreements")
async def sharing(request: Request, by: RequestContext, referral: str, form: FormInput) -> tuple[str, Done]:
    """Records an answer about sharing."""
    agreement = form.choice("agreement", v.Agreement, "Choose which agreement this is about")
    agreed = form.choice("agreed", v.Agreed, "Choose yes or no")
    agreement = form.required(agreement)
    agreed = form.required(agreed)
    return "sharing", await features(request).casework.sharing(by, referral, SharingAnswer(agreement, agreed))


@case_form("confirm", anchor="meeting")
async def confirm(request: Request, by: RequestContext, _: str, form: FormInput) -> tuple[str, Done]:
    """Confirms the provisional meeting."""
    return "confirmed", await features(request).booking.confirm(by, form.raw("meeting"))


@case_form("close", anchor="close")
async def close(request: Request, by: RequestContext, referral: str, form: FormInput) -> tuple[str, Done]:
    """Closes the case."""
    if form.raw("sure") != "yes":
        form.add_error("sure", "Confirm that the case can be closed")
    reason = form.choice("close_reason", v.CloseReason, "Choose why the case closes")
    note = form.text("close_note")
    reason = form.required(reason)
    return "closed", await features(request).casework.close(by, referral, Closure(reason, note))


@case_form("decline", anchor="close")
async def decline(request: Request, by: RequestContext, referral: str, form: FormInput) -> tuple[str, Done]:
    """Ends the case before its first meeting."""
    reason = form.choice("decline_reason", v.DeclineReason, "Choose why it is declined")
    reason = form.required(reason)
    done = await features(request).casework.decline(by, referral, Decline(_declines(reason), reason))
    return "declined", done


def _declines(reason: v.DeclineReason) -> v.By:
    """The party that declines, which follows from the reason."""
    if reason is v.DeclineReason.DOES_NOT_WANT:
        return v.By.PERSON
    return v.By.PROGRAMME if reason is v.DeclineReason.OUTSIDE_PROGRAMME else v.By.LINK_WORKER


@case_form("return", anchor="close")
async def give_back(request: Request, by: RequestContext, referral: str, form: FormInput) -> tuple[str, Done]:
    """Returns the referral to its referrer."""
    reason = form.choice("return_reason", v.ReturnReason, "Choose why it goes back")
    note = form.text("return_note")
    reason = form.required(reason)
    return "returned", await features(request).casework.return_to_referrer(by, referral, Return(reason, note))


@case_form("reopen", anchor="close")
async def reopen(request: Request, by: RequestContext, referral: str, form: FormInput) -> tuple[str, Done]:
    """Reopens the case, with the chosen meeting."""
    step = read_next_step(form, today(request), needed=False, prefix="after")
    note = form.text("reopen_note")
    meeting = _next_meeting(form, today(request))
    form.check()
    done = await features(request).casework.reopen(by, referral, Reopen(note, step, meeting))
    return ("reopened-booked" if done.case.active else "reopened"), done


def _next_meeting(form: FormInput, now: date) -> NextMeeting:
    """The meeting for a reopened case. The link worker must choose, so that none is booked by surprise."""
    chosen = form.raw("meeting")
    if chosen == "later":
        day = form.day(
            "meet_from",
            "Enter the day from which they can meet, such as 30 11 2026",
            first=now + timedelta(days=1),
            outside="The day must be in the future",
        )
        return NextMeeting(not_before=day)
    if chosen not in ("next", "none", "") and "|" in chosen:
        return NextMeeting(slot=chosen)
    if chosen not in ("next", "none"):
        form.add_error("meeting", "Choose whether an appointment is booked")
    return NextMeeting()


@case_form("undo", anchor="story")
async def undo(request: Request, by: RequestContext, referral: str, form: FormInput) -> tuple[str, Done]:
    """Undoes a fact of the history."""
    source, event = form.raw("source"), form.raw("event")
    return "undone", await features(request).casework.retract(by, referral, Retraction(source, event))
