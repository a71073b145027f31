"""The page to hand a case over to another link worker of the same practice."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from services.matching.casework.inputs import HandingOver
from services.matching.casework.team.pages.words import REFUSED
from services.matching.errors import Refused
from services.matching.referral_state.pages.person_header import (
    NAME_AND_TELEPHONE,
    language_name,
    person_contact,
    practice_name,
)
from services.matching.roster.colleagues import Colleague
from services.matching.web.features import features, queries
from services.matching.web.forms import FormInput, form_error
from services.matching.web.grammar import listed, plural
from services.matching.web.refusals import problem_of
from services.matching.web.templating import (
    SignedInLinkWorker,
    localities,
    london_now,
    render,
    request_context,
)
from shared.platform.web.csrf import CheckedForm
from shared.platform.web.principal import Principal
from shared.platform.web.validation import FieldError

router = APIRouter(include_in_schema=False)


PATH = "/matching/cases/{referral}/hand-over"


@router.get(PATH)
async def choose(request: Request, referral: str, caller: SignedInLinkWorker) -> Response:
    """Serves the page with the colleagues to choose from."""
    return await _page(request, caller, referral)


@router.post(PATH)
async def hand_over(
    request: Request, referral: str, caller: SignedInLinkWorker, form: CheckedForm
) -> Response:
    """Hands the case over. A refusal that another choice mends is shown on the page."""
    given = FormInput(form)
    to, note = given.raw("link_worker"), given.text("note", most=1000)
    if not to:
        given.add_error("link_worker", "Choose a link worker")
    if given.errors:
        return await _page(request, caller, referral, given.errors, given.as_submitted())
    how = HandingOver(note, given.raw("keep_time") == "yes")
    batch, refused = await features(request).team.hand_over(
        request_context(caller, form), [referral], to, how
    )
    if why := refused.get(referral):
        # The case may have left this link worker by now. Only refusals that another choice mends are shown.
        if why not in REFUSED or why == "unknown_case":
            raise problem_of(Refused("unknown_case"))
        wrong = form_error("link_worker", REFUSED[why])
        return await _page(request, caller, referral, [wrong], given.as_submitted())
    # To Today: the case now belongs to another link worker.
    return RedirectResponse(f"/matching/?done=handed-over&batch={batch}", 303)


async def _page(
    request: Request,
    caller: Principal,
    referral: str,
    errors: Sequence[FieldError] = (),
    typed: Mapping[str, Any] | None = None,
) -> Response:
    asks = queries(request)
    case = await asks.referrals.case(caller, referral)
    people = await asks.referrals.people(caller, [case.line], NAME_AND_TELEPHONE, "caseload")
    active = case.line.active
    return render(
        request,
        "hand-over.html",
        status=422 if errors else 200,
        where=f"/matching/cases/{referral}",
        line=case.line,
        person=person_contact(people, referral),
        practice=practice_name(localities(request), case.line.practice),
        choices=[
            (each.worker.id, _said_of(each)) for each in await asks.casework.colleagues(caller, referral)
        ],
        booking=await asks.booking.offer(case.line.locality),
        moves=active if active and active.starts_at > london_now(request) else None,
        typed=typed or {},
        keep=typed is None or typed.get("keep_time") == "yes",
        errors=list(errors),
    )


def _said_of(colleague: Colleague) -> str:
    worker, limit = colleague.worker, colleague.worker.caseload_limit
    parts = [worker.name, plural(colleague.open_cases, "open case")]
    if colleague.open_cases >= limit:
        parts.append("caseload full")
    if others := [language_name(code) for code in worker.languages if code != "en"]:
        parts.append(f"also speaks {listed(others)}")
    if colleague.away:
        parts.append("away today")
    return ", ".join(parts)
