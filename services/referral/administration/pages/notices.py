"""The page of notices that pages show for a time."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.referral.administration.pages.forms import Wrong, checked, day_in, error, moment_of, typed_in
from services.referral.administration.pages.table import Administrator, ask_when
from services.referral.administration.use_cases import Administration
from services.referral.identity.context import Context
from services.referral.web.templating import render
from shared.platform.localities.changes import SetNotices
from shared.platform.localities.notices import Notice
from shared.platform.web.csrf import CheckedForm
from shared.platform.web.forms import text_field
from shared.platform.web.problem import Problem
from shared.platform.web.validation import FieldError

router = APIRouter(include_in_schema=False)

HOME: Final = "/referral/administration/notices"


@router.get(HOME)
async def show(request: Request, caller: Administrator, table: Administration, context: Context) -> Response:
    """Serves the notices, and the form for another one."""
    table.check_may(caller, None)
    return await _page(request, table, context, {})


@router.post(HOME)
async def add(
    request: Request, caller: Administrator, table: Administration, context: Context, form: CheckedForm
) -> Response:
    """Shows what another notice changes."""
    try:
        begins = day_in(form, "begins", "Enter the day from which it is shown")
        ends = day_in(form, "ends", "Enter the last day on which it is shown")
        if ends < begins:
            raise Wrong(error("ends", "The last day is not before the first"))
        values = {
            "text": text_field(form, "text", 400),
            "begins": moment_of(begins),
            "ends": moment_of(ends + timedelta(days=1)),
            "localities": [slug for slug in form.getlist("localities") if slug in context.localities.by_slug],
        }
        new = checked(Notice, values)
        kept = await _coming(table, context)
        return await ask_when(request, table, caller, SetNotices(notices=(*kept, new)), HOME)
    except Wrong as wrong:
        return await _page(request, table, context, typed_in(form), wrong.errors)
    except Problem as problem:
        if problem.status_code != 422:
            raise
        errors = [error("text", problem.explanation or problem.title)]
        return await _page(request, table, context, typed_in(form), errors)


@router.post(HOME + "/remove")
async def remove(
    request: Request, caller: Administrator, table: Administration, context: Context, form: CheckedForm
) -> Response:
    """Shows what the end of a notice changes."""
    number, kept = text_field(form, "number", 3), await _coming(table, context)
    if not number.isdigit() or int(number) >= len(kept):
        raise Problem(409, code="changed_since", detail="This notice has ended. Load the page again.")
    left = tuple(each for place, each in enumerate(kept) if place != int(number))
    return await ask_when(request, table, caller, SetNotices(notices=left), HOME)


async def _coming(table: Administration, context: Context) -> list[Notice]:
    """The notices of the newest version that have not ended."""
    rows = (await table.document())["programme"].get("notices", [])
    now = context.kernel.clock()
    return [each for row in rows if (each := Notice.model_validate(row)).ends > now]


async def _page(
    request: Request,
    table: Administration,
    context: Context,
    typed: Mapping[str, Any],
    errors: Sequence[FieldError] = (),
) -> Response:
    names = {each.slug: each.name for each in context.localities}
    return render(
        request,
        "administration/notices.html",
        422 if errors else 200,
        action=HOME,
        notices=await _coming(table, context),
        names=names,
        typed=typed,
        errors=list(errors),
    )
