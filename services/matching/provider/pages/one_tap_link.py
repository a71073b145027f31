"""The pages of a one-tap link, with which a service answers without signing in: /s/{token}.

A GET changes nothing, because mail scanners open links. The address is a secret. Logs hold the template of
the route, the pages send no referrer, and robots are told not to index them.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from services.matching.prescribing.inputs import FirstVisit, NoVisit, ServiceReply
from services.matching.prescribing.pages.visits import visit_day, visit_days
from services.matching.provider.views import ServiceAsk
from services.matching.referral_state.pages.person_header import dialled, language_name
from services.matching.web.features import features, queries
from services.matching.web.forms import FormErrors, FormInput, day_fields, error_of, form_error
from services.matching.web.templating import localities, render, today
from shared.contract.events import vocabulary as v
from shared.platform.web.csrf import CheckedForm
from shared.platform.web.dates import day_and_time
from shared.platform.web.problem import Problem
from shared.platform.web.validation import FieldError

router = APIRouter(include_in_schema=False)


# In the address of the page after an answer that went to directory's owner.
PASSED_ON: Final = "passed"
# Problems of the link itself. All others are about the input or pass with time.
LINK_IS_OVER: Final = frozenset(
    {"link_altered", "link_expired", "link_ended", "no_longer_asked", "case_ended", "case_erased"}
)


@router.get("/s/{token}")
async def ask(request: Request, token: str) -> Response:
    """Serves the first page of a link."""
    return await _ask_page(request, token)


@router.get("/s/{token}/answer")
@router.get("/s/{token}/visit")
@router.get("/s/{token}/places")
@router.get("/s/{token}/name")
async def again(token: str) -> Response:
    """Redirects to the first page."""
    # A page with an error has the address of its form. Loading it again leads back to the first page.
    return private(RedirectResponse(f"/s/{token}", 303))


@router.post("/s/{token}/answer")
async def answer(request: Request, token: str, form: CheckedForm) -> Response:
    """Records the service's answer."""
    typed = FormInput(form)
    try:
        reply = typed.choice("reply", v.Reply, "Press one of the buttons")
        weeks, reason = None, None
        if reply is v.Reply.WAITING_LIST:
            weeks = typed.weeks()
        if reply is v.Reply.NOT_SUITABLE:
            reason = typed.choice("reason", v.NotSuitableReason, "Choose why it is not suitable")
        reply = typed.required(reply)
        done = await features(request).provider.answer_link(
            token, ServiceReply(reply, weeks, reason), typed.idempotency_key
        )
    except FormErrors as mistakes:
        return await _ask_page(request, token, mistakes.errors, typed.as_submitted())
    except Problem as problem:
        return await _not_taken(request, token, problem, typed)
    return RedirectResponse(f"/s/{token}" if done else f"/s/{token}?done={PASSED_ON}", 303)


@router.post("/s/{token}/visit")
async def visit(request: Request, token: str, form: CheckedForm) -> Response:
    """Records the first visit, or the barrier to it."""
    typed = FormInput(form)
    try:
        recorded = await _record_visit(request, token, typed)
    except FormErrors as mistakes:
        return await _ask_page(request, token, mistakes.errors, typed.as_submitted())
    except Problem as problem:
        return await _not_taken(request, token, problem, typed)
    return RedirectResponse(f"/s/{token}?done={'visit' if recorded else PASSED_ON}", 303)


@router.post("/s/{token}/places")
async def places(request: Request, token: str, form: CheckedForm) -> Response:
    """Records that the service has places again."""
    try:
        recorded = await features(request).provider.places_link(token)
    except Problem as problem:
        return await _not_taken(request, token, problem, FormInput(form))
    return RedirectResponse(f"/s/{token}?done={'places' if recorded else PASSED_ON}", 303)


@router.post("/s/{token}/code")
async def code(request: Request, token: str, _: CheckedForm) -> Response:
    """Sends a one-time code to the service's mailbox."""
    try:
        await features(request).provider.send_code(token)
    except Problem as problem:
        return await _refused(request, problem, token)
    return RedirectResponse(f"/s/{token}/code", 303)


@router.get("/s/{token}/code")
async def enter_code(request: Request, token: str) -> Response:
    """Serves the page that asks for the code."""
    return await _code_page(request, token)


@router.post("/s/{token}/name")
async def name(request: Request, token: str, form: CheckedForm) -> Response:
    """Serves the page with the person's name and telephone, if the code is right."""
    typed = FormInput(form)
    try:
        given = "".join(typed.raw("code").split())
        if not (given.isascii() and given.isdigit() and len(given) == 6):
            raise FormErrors(form_error("code", "Enter the 6-digit code from the email"))
        ask = await queries(request).provider.ask(token)
        introduced = await features(request).provider.reveal(token, given)
    except FormErrors as mistakes:
        return await _code_page(request, token, mistakes.errors)
    except Problem as problem:
        if problem.code in _CODE_REFUSED:
            return await _code_page(request, token, [form_error("code", _CODE_REFUSED[problem.code])])
        return await _refused(request, problem, token)
    return private(
        render(
            request,
            "ask-name.html",
            ask=ask,
            token=token,
            name=introduced.name,
            telephone=dialled(introduced.telephone),
        )
    )


_SAID_TO_SERVICES: Final = {
    "already_started": "The first visit is recorded already. If that is wrong, ring the link worker",
    "signposted": "The person has your details and gets in touch themselves: no answer is needed",
}
_CODE_REFUSED: Final = {
    "wrong_code": "This is not the code in the latest email. Check it and try again, or send another code",
    "code_expired": "This code is no longer valid. Send another code",
}


async def _record_visit(request: Request, token: str, typed: FormInput) -> bool:
    """False if the visit was passed on."""
    ask, do = await queries(request).provider.ask(token), typed.raw("happened")
    if do == "yes":
        on = visit_day(typed, ask.referred_on, today(request))
        done = await features(request).provider.visited_link(
            token, FirstVisit(typed.required(on)), typed.idempotency_key
        )
        return done is not None
    barrier = typed.choice("barrier", v.Barrier, "Choose what stopped it")
    done = await features(request).provider.visited_link(
        token, NoVisit(typed.required(barrier)), typed.idempotency_key
    )
    return done is not None


async def _ask_page(
    request: Request,
    token: str,
    errors: Sequence[FieldError] = (),
    typed: Mapping[str, Any] | None = None,
    status: int = 422,
) -> Response:
    try:
        ask = await queries(request).provider.ask(token)
    except Problem as problem:
        return await _refused(request, problem, token)
    typed = typed or {}
    change = request.query_params.get("change") == "1" or any(
        each.field in ("reply", "weeks", "reason") for each in errors
    )
    page = render(
        request,
        "ask.html",
        status=status if errors else 200,
        ask=ask,
        token=token,
        locality=localities(request).by_slug[ask.locality],
        hub=localities(request).hub,
        language=language_name(ask.language) if ask.interpreter or ask.language != "en" else "",
        change=change,
        next=_next(ask),
        just=request.query_params.get("done", ""),
        visited_on=day_fields(typed, "visited_on"),
        days=visit_days(ask.sessions, ask.referred_on, today(request)),
        typed=typed,
        errors=list(errors),
    )
    return private(page)


def _next(ask: ServiceAsk) -> str:
    """The sentence about the time after the answer."""
    if ask.started:
        return "There is nothing more to do. The link worker stays in touch with them."
    match ask.answered:
        case v.Reply.ACCEPTED if ask.may_reveal and ask.seen_at is None:
            return (
                "You can see their name and telephone number now. We email a code to your registered address."
            )
        case v.Reply.ACCEPTED if ask.shared:
            when = f" on {day_and_time(ask.seen_at)}" if ask.seen_at else ""
            return f"You saw their name and telephone number{when}. Please get in touch with them."
        case v.Reply.ACCEPTED:
            return (
                "The link worker will introduce you: they get in touch with you to arrange the first visit."
            )
        case v.Reply.WAITING_LIST:
            return (
                "The link worker tells them how long it takes. Come back to this page when there is a place."
            )
        case v.Reply.FULL | v.Reply.NOT_SUITABLE:
            return "The link worker looks for something else. There is nothing more to do."
        case None:
            return ""


async def _code_page(request: Request, token: str, errors: Sequence[FieldError] = ()) -> Response:
    try:
        ask = await queries(request).provider.ask(token)
    except Problem as problem:
        return await _refused(request, problem, token)
    status = 422 if errors else 200
    return private(render(request, "ask-code.html", status=status, ask=ask, token=token, errors=list(errors)))


async def _not_taken(request: Request, token: str, problem: Problem, typed: FormInput) -> Response:
    """The page again with the error beside its field. Another page if the link is at fault."""
    if problem.code in LINK_IS_OVER or problem.status_code not in (409, 422):
        return await _refused(request, problem, token)
    error = error_of(problem, "maincontent")
    if problem.code in _SAID_TO_SERVICES:
        error = form_error("maincontent", _SAID_TO_SERVICES[problem.code])
    return await _ask_page(request, token, [error], typed.as_submitted(), problem.status_code)


async def _refused(request: Request, problem: Problem, token: str) -> Response:
    """A friendly page for a link that cannot be used, with telephone numbers to ring."""
    page = render(
        request,
        "ask-refused.html",
        status=problem.status_code,
        code=problem.code,
        why=problem.extensions.get("why"),
        problem=problem,
        hub=localities(request).hub,
        link_worker=await queries(request).provider.whom_to_ring(token),
        back_to_ask="" if problem.code in LINK_IS_OVER else f"/s/{token}",
    )
    return private(page)


def private(response: Response) -> Response:
    """The response with headers that keep its secret address out of caches, referrers and search engines."""
    response.headers["x-robots-tag"] = "noindex, nofollow"
    response.headers["referrer-policy"] = "no-referrer"
    response.headers["cache-control"] = "no-store"
    return response
