"""What a service sees through its one-tap link: no sign-in, no name, one answer at one tap.

A GET changes nothing, because mail scanners open links. The address is a secret: it is in no log (routes are
logged by their template), in no referrer, and search engines are told to keep away.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from services.matching.pages.known import dialled, language_name
from services.matching.pages.site import actions, localities, queries, shown, today
from services.matching.pages.typed import Mistakes, Typed, day_typed, mistake
from services.matching.shown import ServiceAsk
from shared.events import vocabulary as v
from shared.web.csrf import IDEMPOTENCY_FIELD, CheckedForm
from shared.web.dates import day_and_time
from shared.web.problem import Problem
from shared.web.validation import FieldError

LONGEST_AGO = timedelta(days=730)


def ask_routes() -> APIRouter:
    """/s/{token} and what is POSTed under it."""
    router = APIRouter(include_in_schema=False)

    @router.get("/s/{token}")
    async def ask(request: Request, token: str) -> Response:
        return await _ask_page(request, token)

    @router.post("/s/{token}/answer")
    async def answer(request: Request, token: str, form: CheckedForm) -> Response:
        typed = Typed(form)
        try:
            reply = typed.choice("reply", v.Reply, "Press one of the buttons")
            weeks, reason = None, None
            if reply is v.Reply.WAITING_LIST:
                weeks = typed.weeks()
            if reply is v.Reply.NOT_SUITABLE:
                reason = typed.choice("reason", v.NotSuitableReason, "Choose why it is not suitable")
            reply = typed.given(reply)
            await actions(request).answer_link(token, reply, weeks, reason, _key(typed))
        except Mistakes as mistakes:
            return await _ask_page(request, token, mistakes.errors, typed.shown())
        except Problem as problem:
            return _refused(request, problem)
        return RedirectResponse(f"/s/{token}", 303)

    @router.post("/s/{token}/visit")
    async def visit(request: Request, token: str, form: CheckedForm) -> Response:
        typed = Typed(form)
        try:
            await _record_visit(request, token, typed)
        except Mistakes as mistakes:
            return await _ask_page(request, token, mistakes.errors, typed.shown())
        except Problem as problem:
            return _refused(request, problem)
        return RedirectResponse(f"/s/{token}?done=visit", 303)

    @router.post("/s/{token}/code")
    async def code(request: Request, token: str, _: CheckedForm) -> Response:
        try:
            await actions(request).send_code(token)
        except Problem as problem:
            return _refused(request, problem, token)
        return RedirectResponse(f"/s/{token}/code", 303)

    @router.get("/s/{token}/code")
    async def enter_code(request: Request, token: str) -> Response:
        try:
            ask = await queries(request).ask(token)
        except Problem as problem:
            return _refused(request, problem)
        return _private(shown(request, "ask-code.html", ask=ask, token=token, errors=[]))

    @router.post("/s/{token}/name")
    async def name(request: Request, token: str, form: CheckedForm) -> Response:
        typed = Typed(form)
        try:
            given = typed.raw("code").replace(" ", "")
            if not (given.isascii() and given.isdigit() and len(given) == 6):
                raise Mistakes(mistake("code", "Enter the 6-digit code from the email"))
            ask = await queries(request).ask(token)
            introduced = await actions(request).reveal(token, given)
        except Mistakes as mistakes:
            return await _code_page(request, token, mistakes.errors)
        except Problem as problem:
            if problem.code in ("wrong_code", "code_expired"):
                return await _code_page(request, token, [mistake("code", _CODE_REFUSED[problem.code])])
            return _refused(request, problem, token)
        return _private(
            shown(
                request,
                "ask-name.html",
                ask=ask,
                token=token,
                name=introduced.name,
                telephone=dialled(introduced.telephone),
            )
        )

    return router


_CODE_REFUSED = {
    "wrong_code": "This is not the code in the latest email. Check it and try again",
    "code_expired": "This code is no longer valid. Ask for a new one",
}


async def _record_visit(request: Request, token: str, typed: Typed) -> None:
    now, do = today(request), typed.raw("happened")
    if do == "yes":
        on = typed.day(
            "visited_on",
            "Enter the day of the first visit, such as 24 11 2026",
            first=now - LONGEST_AGO,
            last=now,
            outside="The day of the first visit must be today or earlier",
        )
        typed.check()
        await actions(request).visited_link(token, on=on, key=_key(typed))
        return
    barrier = typed.choice("barrier", v.Barrier, "Choose what stopped it")
    typed.check()
    await actions(request).visited_link(token, barrier=barrier, key=_key(typed))


def _key(typed: Typed) -> str | None:
    return typed.raw(IDEMPOTENCY_FIELD)[:80] or None


async def _ask_page(
    request: Request,
    token: str,
    errors: Sequence[FieldError] = (),
    typed: Mapping[str, Any] | None = None,
) -> Response:
    try:
        ask = await queries(request).ask(token)
    except Problem as problem:
        return _refused(request, problem)
    typed = typed or {}
    change = request.query_params.get("change") == "1" or any(
        each.field in ("reply", "weeks", "reason") for each in errors
    )
    page = shown(
        request,
        "ask.html",
        status=422 if errors else 200,
        ask=ask,
        token=token,
        locality=localities(request).by_slug[ask.locality],
        language=language_name(ask.language) if ask.interpreter or ask.language != "en" else "",
        change=change,
        next=_next(ask),
        visit_done=request.query_params.get("done") == "visit",
        visited_on=day_typed(typed, "visited_on"),
        typed=typed,
        errors=list(errors),
    )
    return _private(page)


def _next(ask: ServiceAsk) -> str:
    """What happens after the answer that was given."""
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


async def _code_page(request: Request, token: str, errors: Sequence[FieldError]) -> Response:
    try:
        ask = await queries(request).ask(token)
    except Problem as problem:
        return _refused(request, problem)
    return _private(shown(request, "ask-code.html", status=422, ask=ask, token=token, errors=list(errors)))


def _refused(request: Request, problem: Problem, token: str | None = None) -> Response:
    """A friendly page for a link or request that cannot be used, with whom to ring."""
    page = shown(
        request,
        "ask-refused.html",
        status=problem.status_code,
        code=problem.code,
        problem=problem,
        hub=localities(request).hub,
        back_to_ask=f"/s/{token}" if token else "",
    )
    return _private(page)


def _private(response: Response) -> Response:
    response.headers["x-robots-tag"] = "noindex, nofollow"
    response.headers["referrer-policy"] = "no-referrer"
    response.headers["cache-control"] = "no-store"
    return response
