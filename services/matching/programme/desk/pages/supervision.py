"""The pages of supervision: choose the cases, say what was said of each, and read a session again."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.matching.programme.desk.pages.desk import Manager
from services.matching.programme.desk.views import DeskRow
from services.matching.web.banner import back_to
from services.matching.web.features import features, queries
from services.matching.web.forms import FormInput, day_fields, day_parts, form_error
from services.matching.web.templating import render, request_context, today
from shared.contract import labels
from shared.platform.web.csrf import CheckedForm
from shared.platform.web.dates import day, example_day
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem
from shared.platform.web.references import short_reference
from shared.platform.web.validation import FieldError

router = APIRouter(include_in_schema=False)

PATH = "/matching/desk/link-workers/{link_worker}/session"
USUAL_WEEKS = (4, 6, 8)


@router.get(PATH)
async def new(request: Request, link_worker: str, caller: Manager) -> Response:
    """Serves the form: the day, the cases, and the next day."""
    return await _form(request, caller, link_worker)


@router.post(PATH)
async def record(request: Request, link_worker: str, caller: Manager, form: CheckedForm) -> Response:
    """Asks what was said of the chosen cases, then records the session."""
    given, now = FormInput(form), today(request)
    held_on = given.day(
        "held_on",
        f"Enter the day, such as {example_day(now)}",
        first=now - timedelta(days=366),
        last=now,
        outside="The session was on a day of the last year, today at the latest",
    )
    next_on = _next(given, now)
    cases = given.all("case")
    if given.errors or held_on is None:
        return await _form(request, caller, link_worker, given.errors, given.as_submitted())
    if cases and given.raw("step") != "save":
        return await _said(request, caller, link_worker, given.as_submitted(), cases)
    try:
        await features(request).supervision.record(
            request_context(caller, form),
            link_worker,
            held_on,
            next_on,
            {case: given.text(f"said-{case}", most=2000) for case in cases},
        )
    except Problem as problem:
        if problem.code not in ("next_session_day", "session_day", "vault_away", "not_in_vault"):
            raise
        field = "next" if problem.code == "next_session_day" else "held_on"
        wrong = form_error(field, problem.explanation or problem.title)
        return await _form(request, caller, link_worker, [wrong], given.as_submitted())
    return back_to(f"/matching/desk/link-workers/{link_worker}", "supervised")


@router.get("/matching/desk/sessions/{session}")
async def session(request: Request, session: str, caller: Manager) -> Response:
    """Serves a session without what was said."""
    return await _session(request, caller, session, with_notes=False)


@router.post("/matching/desk/sessions/{session}")
async def session_notes(request: Request, session: str, caller: Manager, form: CheckedForm) -> Response:
    """Serves the session with what was said, or withdraws it."""
    if form.get("withdraw") != "yes":
        return await _session(request, caller, session, with_notes=True)
    found, _ = await features(request).supervision.read(caller, session)
    await features(request).supervision.withdraw(request_context(caller, form), session)
    return back_to(f"/matching/desk/link-workers/{found.link_worker}", "session-withdrawn")


async def _form(
    request: Request,
    caller: Principal,
    link_worker: str,
    errors: Sequence[FieldError] = (),
    typed: Mapping[str, Any] | None = None,
) -> Response:
    found = await queries(request).desk.link_worker(caller, link_worker)
    now = today(request)
    chosen = (typed or {}).get("case", [])
    return render(
        request,
        "supervision.html",
        status=422 if errors else 200,
        found=found,
        choices=await _choices(request, caller, found),
        chosen=[chosen] if isinstance(chosen, str) else list(chosen),
        held_on=day_fields(typed, "held_on") if typed else day_parts(now),
        nexts=[
            *(
                ((now + timedelta(weeks=n)).isoformat(), f"In {n} weeks, {_plain(now, n)}")
                for n in USUAL_WEEKS
            ),
            ("day", "Another day"),
            ("none", "Not agreed yet"),
        ],
        typed=typed or {},
        next_day=day_fields(typed or {}, "next_day"),
        errors=list(errors),
    )


async def _said(
    request: Request, caller: Principal, link_worker: str, typed: Mapping[str, Any], cases: Sequence[str]
) -> Response:
    found = await queries(request).desk.link_worker(caller, link_worker)
    words = dict(await _choices(request, caller, found))
    kept = {name: value for name, value in typed.items() if name.startswith(("held_on", "next"))}
    return render(
        request,
        "supervision-said.html",
        found=found,
        cases=[(case, words.get(case, f"Case {short_reference(case)}")) for case in cases],
        kept=kept,
        errors=[],
    )


async def _session(request: Request, caller: Principal, session: str, *, with_notes: bool) -> Response:
    if with_notes:
        found, said = await features(request).supervision.read(caller, session)
    else:
        found, said = await queries(request).desk.session(caller, session), {}
    return render(
        request,
        "supervision-session.html",
        found=found,
        name=await queries(request).team.name_of(found.link_worker),
        said=said,
        with_notes=with_notes,
    )


async def _choices(request: Request, caller: Principal, found: DeskRow) -> list[tuple[str, str]]:
    """The link worker's open cases, as references."""
    cases = await queries(request).desk.open_cases(caller, found.locality, found.link_worker or "")
    return [
        (
            each.referral_id,
            f"Case {short_reference(each.referral_id)}, {labels.STAGES[each.stage.value].lower()}",
        )
        for each in cases
    ]


def _next(given: FormInput, now: date) -> date | None:
    chosen = given.raw("next")
    if chosen == "none":
        return None
    if chosen == "day":
        return given.day(
            "next_day",
            f"Enter the day, such as {example_day(now + timedelta(weeks=6))}",
            first=now,
            last=now + timedelta(days=366),
            outside="The next session is within a year from now",
        )
    try:
        return date.fromisoformat(chosen)
    except ValueError:
        given.add_error("next", "Choose when you meet next")
        return None


def _plain(now: date, weeks: int) -> str:
    return day(now + timedelta(weeks=weeks)).rsplit(" ", 1)[0]
