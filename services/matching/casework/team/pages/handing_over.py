"""The pages that hand over several cases: choose, see what happens, hand over, and take back.

Link workers choose among their own cases; managers come from the desk with a link worker's cases.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from services.matching.casework.inputs import HandingOver
from services.matching.casework.team.pages.words import REFUSED, becomes
from services.matching.referral_state.pages.person_header import NAME_AND_TELEPHONE, person_contact
from services.matching.referral_state.views import CaseLine
from services.matching.web.features import features, queries
from services.matching.web.forms import FormInput
from services.matching.web.grammar import plural
from services.matching.web.templating import SignedInLinkWorker, render, request_context
from shared.contract import labels
from shared.platform.web.auth import require_page
from shared.platform.web.csrf import CheckedForm
from shared.platform.web.principal import Principal
from shared.platform.web.references import short_reference
from shared.platform.web.validation import FieldError

router = APIRouter(include_in_schema=False)

HandsOver = Annotated[Principal, Depends(require_page("link_worker", "manager", "programme_admin"))]
PATH = "/matching/hand-over"


@router.get(PATH)
async def choose(request: Request, caller: SignedInLinkWorker) -> Response:
    """Serves the page to choose among the reader's own cases."""
    return await _choose(request, caller, {})


@router.post(PATH)
async def hand_over(request: Request, caller: HandsOver, form: CheckedForm) -> Response:
    """Shows what would happen, or does it once the reader has seen it."""
    given = FormInput(form)
    referrals, to = given.all("referral"), given.raw("link_worker")
    note = given.text("note", most=1000)
    if not referrals:
        given.add_error("referral", "Choose at least one case")
    if referrals and not to and given.raw("step") != "choose":
        given.add_error("link_worker", "Choose who takes them")
    if given.errors or not to:
        return await _choose(request, caller, given.as_submitted(), given.errors, referrals)
    keeps_time = given.raw("keep_time") == "yes"
    if given.raw("step") != "confirm":
        return await _preview(request, caller, referrals, to, note, keeps_time=keeps_time)
    batch, refused = await features(request).team.hand_over(
        request_context(caller, form), referrals, to, HandingOver(note, keeps_time)
    )
    if len(refused) == len(set(referrals)):
        stay = [
            f"Case {short_reference(name)}: {REFUSED.get(why, 'It could not be handed over.')}"
            for name, why in refused.items()
        ]
        errors = [FieldError("/referral", "refused", sentence) for sentence in stay]
        return await _choose(request, caller, given.as_submitted(), errors, referrals)
    return RedirectResponse(f"/matching/handed-over/{batch}?stayed={len(refused)}", 303)


@router.get("/matching/handed-over/{batch}")
async def shown(request: Request, batch: str, caller: HandsOver) -> Response:
    """Serves the outcome, with Undo for a day."""
    return await _outcome(request, caller, batch)


@router.post("/matching/handed-over/{batch}/undo")
async def undo(request: Request, batch: str, caller: HandsOver, form: CheckedForm) -> Response:
    """Takes the cases back."""
    refused = await features(request).team.undo(request_context(caller, form), batch)
    return await _outcome(request, caller, batch, refused)


async def _choose(
    request: Request,
    caller: Principal,
    typed: Mapping[str, Any],
    errors: Sequence[FieldError] = (),
    referrals: Sequence[str] = (),
) -> Response:
    asks = queries(request)
    own = caller.role == "link_worker"
    cases = await asks.casework.caseload(caller) if own else await _named(request, caller, referrals)
    people = await _people(request, caller, cases) if own else {}
    choices = [
        (
            case.referral_id,
            f"{person_contact(people, case.referral_id).name}, {labels.STAGES[case.stage.value].lower()}",
        )
        for case in cases
    ]
    if own:
        takers = [(each.id, each.name) for each in await asks.team.colleagues(caller)]
    else:
        takers = (
            [(each.id, each.name) for each in await asks.team.takers(caller, referrals)] if referrals else []
        )
    return render(
        request,
        "hand-over-many.html",
        status=422 if errors else 200,
        choices=choices,
        chosen=list(referrals),
        takers=takers,
        typed=typed,
        keep=typed.get("keep_time", "yes") == "yes" or typed.get("step") == "choose",
        errors=list(errors),
        own=own,
    )


async def _preview(
    request: Request,
    caller: Principal,
    referrals: Sequence[str],
    to: str,
    note: str,
    *,
    keeps_time: bool,
) -> Response:
    asks = queries(request)
    found = await asks.team.preview(caller, referrals, to, keeps_time=keeps_time)
    people = await _people(request, caller, [each.case for each in found])
    rows = [
        {
            "referral": each.case.referral_id,
            "name": person_contact(people, each.case.referral_id).name,
            "meeting": each.meeting,
            "becomes": REFUSED.get(each.refusal, each.refusal)
            if each.refusal
            else becomes(each.becomes, each.at),
            "goes": each.refusal is None,
        }
        for each in found
    ]
    going = [each for each in rows if each["goes"]]
    return render(
        request,
        "hand-over-preview.html",
        rows=rows,
        going=[each["referral"] for each in going],
        button_text=f"Hand over {plural(len(going), 'case')}",
        to=to,
        to_name=await asks.team.name_of(to),
        note=note,
        keep_time=keeps_time,
        home="/matching/" if caller.role == "link_worker" else "/matching/desk",
        errors=[],
    )


async def _outcome(
    request: Request, caller: Principal, batch: str, refused: Mapping[str, str] | None = None
) -> Response:
    found = await queries(request).team.hand_over(caller, batch)
    stayed = request.query_params.get("stayed", "0")
    return render(
        request,
        "handed-over.html",
        found=found,
        mine=caller.link_worker == found.to,
        rows=[(each, becomes(each.became, each.meeting)) for each in found.cases],
        kept=[
            (name, REFUSED.get(why, "It stays with the colleague.")) for name, why in (refused or {}).items()
        ],
        stayed=int(stayed) if stayed.isdecimal() and len(stayed) < 4 else 0,
        undone=all(each.undone for each in found.cases),
        home="/matching/" if caller.role == "link_worker" else "/matching/desk",
    )


async def _people(
    request: Request, caller: Principal, cases: Sequence[CaseLine]
) -> Mapping[str, Mapping[str, Any]]:
    """Names for link workers alone: others hand cases over by reference."""
    if caller.role != "link_worker":
        return {}
    return await queries(request).referrals.people(caller, cases, NAME_AND_TELEPHONE, "caseload")


async def _named(request: Request, caller: Principal, referrals: Sequence[str]) -> list[CaseLine]:
    found = await queries(request).team.to_hand_over(caller, referrals)
    return sorted(found, key=lambda case: case.created_at)
