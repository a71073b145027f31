"""The page of the programme's rules."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.referral.administration.pages.forms import Wrong, checked, error, typed_in
from services.referral.administration.pages.table import Administrator, ask_when
from services.referral.administration.use_cases import Administration
from services.referral.identity.context import Context
from services.referral.web.templating import render
from shared.platform.localities.changes import SetRules
from shared.platform.localities.rules import ProgrammeRules
from shared.platform.web.csrf import CheckedForm
from shared.platform.web.forms import text_field
from shared.platform.web.problem import Problem
from shared.platform.web.validation import FieldError

router = APIRouter(include_in_schema=False)

HOME: Final = "/referral/administration/rules"
# Field, label, hint and unit, in the order of a case.
FIELDS: Final = (
    (
        "reminder_days",
        "Reminder before an appointment",
        "0 for none. It is sent at 10 in the morning",
        "days",
    ),
    (
        "misses",
        "Missed appointments after which nobody is booked again by itself",
        "Their link worker then rings them",
        "",
    ),
    (
        "travel_minutes",
        "Travel before and after a home visit",
        "Empty for the service’s setting",
        "minutes",
    ),
    ("nudge_days", "A service that has not answered is rung after", None, "days"),
    ("review_days", "A plan is reviewed after the first visit, in", None, "days"),
)


@router.get(HOME)
async def show(request: Request, caller: Administrator, table: Administration, context: Context) -> Response:
    """Serves the rules in force, to read or to change."""
    table.check_may(caller, None)
    return _page(request, _typed(context.localities.programme_rules))


@router.post(HOME)
async def change(
    request: Request, caller: Administrator, table: Administration, form: CheckedForm
) -> Response:
    """Shows what the change changes."""
    values = {name: text_field(form, name, 6) for name, *_ in FIELDS}
    try:
        rules = checked(
            ProgrammeRules,
            {name: int(text) if text.isdigit() else text for name, text in values.items() if text},
        )
        return await ask_when(request, table, caller, SetRules(rules=rules), HOME)
    except Wrong as wrong:
        return _page(request, typed_in(form), wrong.errors)
    except Problem as problem:
        if problem.status_code != 422:
            raise
        return _page(request, typed_in(form), [error("misses", problem.explanation or problem.title)])


def _typed(rules: ProgrammeRules) -> dict[str, Any]:
    return {name: "" if value is None else value for name, value in rules.model_dump().items()}


def _page(request: Request, typed: Mapping[str, Any], errors: Sequence[FieldError] = ()) -> Response:
    status = 422 if errors else 200
    return render(
        request,
        "administration/rules.html",
        status,
        action=HOME,
        fields=FIELDS,
        typed=typed,
        errors=list(errors),
    )
