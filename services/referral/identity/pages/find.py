"""The page that finds a person. What is typed goes by POST, and is in no address and no log."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from services.referral.identity.context import Context, ReferralContext
from services.referral.identity.find.inputs import query_of, read_box
from services.referral.identity.find.queries import SEARCHERS, FoundPerson, find_people
from services.referral.web.errors import ValidationFailed, contact_sentence
from services.referral.web.forms import DATE_PARTS, FormInput, date_of_birth
from services.referral.web.templating import render
from shared.contract.history import Stage
from shared.platform.web.auth import require_page
from shared.platform.web.csrf import CheckedForm
from shared.platform.web.forms import text_field
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem
from shared.platform.web.validation import FieldError

router = APIRouter(include_in_schema=False)

Searcher = Annotated[Principal, Depends(require_page(*SEARCHERS))]
_FIELDS = ("who", *(f"date_of_birth-{part}" for part in DATE_PARTS))
# The box holds each field that it stands for.
_IN_BOX = frozenset({"name", "nhs_number", "telephone", "postcode", "reference"})


@router.get("/referral/find")
async def blank(request: Request, caller: Searcher) -> Response:
    """The empty form."""
    return _page(request, caller, FormInput())


@router.post("/referral/find")
async def find(request: Request, caller: Searcher, form: CheckedForm, context: Context) -> Response:
    """The people who fit, or the form again with its errors."""
    typed = FormInput({name: text for name in _FIELDS if (text := text_field(form, name, 200))})
    born, errors = date_of_birth(typed)
    if errors:
        return _page(request, caller, typed, 422, errors=errors)
    try:
        found = await find_people(context, caller, query_of(read_box(typed.text("who"), born)))
    except ValidationFailed as refused:
        return _page(request, caller, typed, 422, errors=[_in_box(error) for error in refused.errors])
    except Problem as problem:
        if problem.status_code not in (429, 503):
            raise
        page = _page(request, caller, typed, problem.status_code, refusal=problem.explanation)
        page.headers.update(problem.headers or {})
        return page
    people = [_line(context, caller, each) for each in found.people]
    return _page(request, caller, typed, searched=True, people=people, too_many=found.too_many)


def _in_box(error: FieldError) -> FieldError:
    """The error at the box."""
    return FieldError("/who", error.code, error.detail) if error.field in _IN_BOX else error


def _line(context: ReferralContext, caller: Principal, found: FoundPerson) -> dict[str, Any]:
    view, referral = found.row["view"], found.row["referral"]
    born, ours = found.details.get("date_of_birth"), context.speaks(found.row["locality"])
    return {
        "id": referral,
        "name": found.name,
        "called": found.preferred_name,
        "kept": found.kept,
        "born": date.fromisoformat(born) if born else None,
        "practice": context.practice_name(view["practice"]),
        "stage": Stage(view["stage"]),
        "open": view["open"],
        "made": view["created"],
        "died": found.died,
        "href": _href(caller, referral),
        "may_refer": caller.role == "referrer"
        and not view["open"]
        and not found.died
        and ours
        and found.name,
    }


def _href(caller: Principal, referral: str) -> str:
    """The page of the case for its link worker, of the referral for its practice, or of the erasure."""
    if caller.role == "link_worker":
        return f"/matching/cases/{referral}"
    if caller.role == "programme_admin":
        return f"/referral/programme/{referral}/erase"
    return f"/referral/referrals/{referral}"


def _page(
    request: Request,
    caller: Principal,
    typed: FormInput,
    status: int = 200,
    *,
    errors: Sequence[FieldError] = (),
    **shown: Any,
) -> Response:
    context: ReferralContext = request.app.state.context
    return render(
        request,
        "find.html",
        status,
        typed=typed,
        errors=list(errors),
        places={"date_of_birth": "date_of_birth-day"},
        hub=contact_sentence(context.localities.hub),
        searched_at_practice=caller.role == "referrer",
        searched_own_list=caller.role == "link_worker",
        **shown,
    )
