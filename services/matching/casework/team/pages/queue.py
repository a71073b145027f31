"""The team's page: cases that wait for somebody, cases that the reader covers, and colleagues."""

from collections.abc import Sequence

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from services.matching.casework.team.pages.words import COVER_REASONS, WAITS_FOR
from services.matching.referral_state.pages.person_header import (
    NAME_AND_TELEPHONE,
    flags_in_brief,
    person_contact,
    practice_name,
)
from services.matching.referral_state.views import CaseLine
from services.matching.roster.covers import CoverReason
from services.matching.web.banner import banner
from services.matching.web.features import features, queries
from services.matching.web.forms import FormInput
from services.matching.web.templating import (
    SignedInLinkWorker,
    localities,
    render,
    request_context,
    today,
)
from shared.contract import labels
from shared.platform.web.csrf import CheckedForm
from shared.platform.web.forms import text_field
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem
from shared.platform.web.validation import FieldError

router = APIRouter(include_in_schema=False)


@router.get("/matching/team")
async def team(request: Request, caller: SignedInLinkWorker) -> Response:
    """Serves the queue."""
    asks, day = queries(request), today(request)
    covered = await asks.team.covered(caller)
    people = await asks.referrals.people(
        caller, [each.case for each in covered], NAME_AND_TELEPHONE, "caseload"
    )
    return render(
        request,
        "team.html",
        today=day,
        queue=[
            (line, row(request, line.case), [WAITS_FOR[each] for each in line.waits_for])
            for line in await asks.team.queue(caller)
        ],
        covered=[
            (each, person_contact(people, each.case.referral_id), COVER_REASONS[each.reason])
            for each in covered
        ],
        colleagues=[(each, each.away(day)) for each in await asks.team.colleagues(caller)],
        gone=await asks.team.gone_lately(caller),
        supervision=next(iter(await asks.desk.sessions(caller, caller.link_worker or "")), None),
        done=banner(request),
    )


@router.post("/matching/team/take")
async def take(request: Request, caller: SignedInLinkWorker, form: CheckedForm) -> Response:
    """Takes a case of the queue."""
    batch = await features(request).team.take(request_context(caller, form), text_field(form, "referral", 80))
    return RedirectResponse(f"/matching/handed-over/{batch}", 303)


@router.get("/matching/team/{link_worker}")
async def colleague(request: Request, link_worker: str, caller: SignedInLinkWorker) -> Response:
    """Serves the open cases of a colleague, to cover one. No person is named."""
    return await _colleague(request, caller, link_worker)


@router.post("/matching/team/{link_worker}")
async def colleague_names(
    request: Request, link_worker: str, caller: SignedInLinkWorker, form: CheckedForm
) -> Response:
    """Serves them with the names, once the reason is given."""
    # A POST, so that going back does not show the names again.
    given = FormInput(form)
    reason = given.choice("reason", CoverReason, "Choose why you look for somebody")
    return await _colleague(request, caller, link_worker, reason, given.errors)


async def _colleague(
    request: Request,
    caller: Principal,
    link_worker: str,
    reason: CoverReason | None = None,
    errors: Sequence[FieldError] = (),
) -> Response:
    asks = queries(request)
    found = next((one for one in await asks.team.colleagues(caller) if one.id == link_worker), None)
    if found is None:
        raise Problem(404)
    cases = await asks.team.cases_of(caller, link_worker, reason)
    people = await asks.referrals.people(caller, cases, ("name",), "caseload") if reason else {}
    return render(
        request,
        "team-colleague.html",
        status=422 if errors else 200,
        colleague=found,
        cases=[
            (row(request, each), person_contact(people, each.referral_id).name if reason else None)
            for each in cases
        ],
        reasons=list(COVER_REASONS.items()),
        named=reason is not None,
        names_missing=reason is not None and bool(cases) and not people,
        today=today(request),
        errors=list(errors),
    )


def row(request: Request, case: CaseLine) -> dict[str, object]:
    """A case as a row without anything that names the person."""
    return {
        "referral": case.referral_id,
        "practice": practice_name(localities(request), case.practice),
        "stage": labels.STAGES[case.stage.value],
        "stage_colour": labels.STAGE_COLOURS.get(case.stage.value, "grey"),
        "flags": flags_in_brief(case),
        "step": labels.NEXT_STEPS[case.step.code.value] if case.step else "No next step yet",
        "on": case.step.on if case.step else None,
        "overdue": case.step is not None and case.step.on < today(request),
        "meets": case.active.starts_at if case.active else None,
        "open": case.open,
    }
