"""One service of the plan: its answer, its link, the first visit, the agreement to share, and the end."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.matching.calendar import london_day
from services.matching.directory.pages.service_words import ServiceInWords, in_words
from services.matching.directory.views import Sessions
from services.matching.prescribing.inputs import Ending, FirstVisit, NoVisit, ServiceReply, SharingAnswer
from services.matching.prescribing.pages.visits import visit_day, visit_days
from services.matching.referral_state.pages.next_step import next_step_form, read_next_step
from services.matching.referral_state.pages.person_header import NAME_AND_TELEPHONE, person_contact
from services.matching.referral_state.views import Done
from services.matching.request import RequestContext
from services.matching.web.banner import back_to
from services.matching.web.features import features, queries
from services.matching.web.forms import FormErrors, FormInput, day_fields, error_of, form_error
from services.matching.web.templating import SignedInLinkWorker, render, request_context, today
from shared.contract.events import vocabulary as v
from shared.platform.web.csrf import CheckedForm
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem
from shared.platform.web.validation import FieldError

router = APIRouter(include_in_schema=False)
PATH = "/matching/cases/{referral}/services/{prescription}"


# Reads a form about one service of a case and performs it:
# (request, request context, referral, prescription, form) to (code of the banner, result).
Act = Callable[[Request, RequestContext, str, str, FormInput], Awaitable[tuple[str, Done | None]]]


@router.get(PATH)
async def one(request: Request, referral: str, prescription: str, caller: SignedInLinkWorker) -> Response:
    """Serves the page of one service of the plan."""
    return await _page(request, caller, referral, prescription)


def service_form(name: str) -> Callable[[Act], Act]:
    """Registers a handler as POST of the page's address and its name."""

    def register(act: Act) -> Act:
        @router.post(f"{PATH}/{name}", name=f"service-{name}")
        async def route(
            request: Request, referral: str, prescription: str, caller: SignedInLinkWorker, form: CheckedForm
        ) -> Response:
            typed = FormInput(form)
            try:
                what, done = await act(request, request_context(caller, form), referral, prescription, typed)
            except FormErrors as mistakes:
                errors = mistakes.errors
            except Problem as problem:
                if problem.status_code not in (409, 422, 503):
                    raise
                errors = [error_of(problem, name)]
            else:
                return back_to(f"/matching/cases/{referral}", what, done)
            return await _page(request, caller, referral, prescription, errors, typed.as_submitted(), name)

        return act

    return register


@service_form("reply")
async def reply(
    request: Request, by: RequestContext, _: str, prescription: str, form: FormInput
) -> tuple[str, Done]:
    """Records the service's answer."""
    answer = form.choice("reply", v.Reply, "Choose what the service answered")
    weeks, reason = None, None
    if answer is v.Reply.WAITING_LIST:
        weeks = form.weeks()
    if answer is v.Reply.NOT_SUITABLE:
        reason = form.choice("reason", v.NotSuitableReason, "Choose why it is not suitable")
    answer = form.required(answer)
    return "reply", await features(request).prescribing.reply(
        by, prescription, ServiceReply(answer, weeks, reason)
    )


@service_form("visit")
async def visit(
    request: Request, by: RequestContext, _: str, prescription: str, form: FormInput
) -> tuple[str, Done]:
    """Records the first visit, or the barrier to it."""
    now, happened = today(request), form.raw("happened")
    if happened not in ("yes", "no"):
        raise FormErrors(form_error("happened", "Say whether the first visit happened"))
    step = read_next_step(form, now, needed=False)
    if happened == "yes":
        on = visit_day(form, await features(request).prescribing.referred_on(by, prescription), now)
        along = form.choice("accompanied_by", v.AccompaniedBy) or v.AccompaniedBy.NOT_KNOWN
        on = form.required(on)
        return "started", await features(request).prescribing.started(
            by, prescription, FirstVisit(on, along, step)
        )
    barrier = form.choice("barrier", v.Barrier, "Choose what stopped it")
    barrier = form.required(barrier)
    return "not-started", await features(request).prescribing.not_started(
        by, prescription, NoVisit(barrier, step)
    )


@service_form("sharing")
async def sharing(
    request: Request, by: RequestContext, referral: str, prescription: str, form: FormInput
) -> tuple[str, Done]:
    """Records whether the service may get name and contact."""
    agreed = form.choice("agreed", v.Agreed, "Choose yes or no")
    agreed = form.required(agreed)
    done = await features(request).casework.sharing(
        by, referral, SharingAnswer(v.Agreement.SERVICE, agreed, prescription)
    )
    return "sharing", done


@service_form("ended")
async def ended(
    request: Request, by: RequestContext, _: str, prescription: str, form: FormInput
) -> tuple[str, Done]:
    """Records that the person no longer goes there."""
    reason = form.choice("ended", v.EndReason, "Choose why it ended")
    step = read_next_step(form, today(request), needed=False, prefix="after")
    reason = form.required(reason)
    return "ended", await features(request).prescribing.ended(by, prescription, Ending(reason, step))


@service_form("link")
async def link(
    request: Request, by: RequestContext, _: str, prescription: str, form: FormInput
) -> tuple[str, None]:
    """Ends the one-tap link, sends a new one, or leaves it ended."""
    match form.raw("link"):
        case "end":
            await features(request).links.end_link(by, prescription)
            return "link-ended", None
        case "send":
            await features(request).links.send_link(by, prescription)
            return "link-sent", None
        case "leave":
            await features(request).links.leave_link(by, prescription)
            return "link-settled", None
    raise FormErrors(form_error("link", "Press one of the buttons"))


async def _page(
    request: Request,
    caller: Principal,
    referral: str,
    prescription: str,
    errors: Sequence[FieldError] = (),
    typed: Mapping[str, Any] | None = None,
    opened: str = "",
) -> Response:
    asks, typed = queries(request), typed or {}
    case = await asks.referrals.case(caller, referral)
    one = next((each for each in case.prescriptions if each.prescription_id == prescription), None)
    if one is None:
        raise Problem(404, code="unknown_prescription")
    people = await asks.referrals.people(caller, [case.line], NAME_AND_TELEPHONE, "caseload")
    entry = (await asks.catalogues.listed(case.line.locality, [one.service_id])).get(one.service_id)
    listing: ServiceInWords | None = None
    if entry is not None:
        listing = in_words(entry.service, today(request), entry.availability)
    ring_first = entry is not None and not one.signposted and not entry.mailable
    return render(
        request,
        "prescription.html",
        status=422 if errors else 200,
        one=one,
        line=case.line,
        person=person_contact(people, referral),
        listing=listing,
        link=await asks.provider.link_state(case, prescription),
        ring_first=ring_first,
        directory_owner=asks.referrals.owners.elsewhere("directory", case.line.locality),
        where=f"/matching/cases/{referral}/services/{prescription}",
        case_at=f"/matching/cases/{referral}",
        typed=typed,
        visited_on=day_fields(typed, "visited_on"),
        visit_days=visit_days(Sessions(), london_day(case.line.created_at), today(request)).offered,
        step_form=next_step_form(today(request), typed),
        after_form=next_step_form(today(request), typed, "after"),
        errors=list(errors),
        opened=opened,
    )
