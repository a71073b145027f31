"""Pages of the table: what a change changes, when it is to hold, its versions, and the way back."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, time
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from services.referral.administration.pages.forms import Wrong, day_in, error, moment_of, typed_in
from services.referral.administration.use_cases import Administration, TableAdministration
from services.referral.web.templating import render
from shared.delivery.control.requests import TableRequest
from shared.platform.localities.changes import TableChange, read_change
from shared.platform.web.auth import require_page
from shared.platform.web.csrf import CheckedForm
from shared.platform.web.forms import text_field
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem
from shared.platform.web.validation import FieldError

router = APIRouter(include_in_schema=False)

Administrator = Annotated[Principal, Depends(require_page("programme_admin"))]
HOME: Final = "/referral/administration/table"
# A page waits so long for the keeper.
_WAIT_SECONDS: Final = 8.0
_MOST_CHARACTERS: Final = 20_000


async def ask_when(
    request: Request,
    table: TableAdministration,
    caller: Principal,
    change: TableChange,
    back: str,
    errors: Sequence[FieldError] = (),
    typed: Mapping[str, Any] | None = None,
) -> Response:
    """The page that shows what a change changes, and asks from when it is to hold.

    Raises:
        Problem: 422 with the reason, if the change makes no sense.
    """
    return render(
        request,
        "administration/when.html",
        422 if errors else 200,
        changes=await table.preview(caller, change),
        change=json.dumps(change.model_dump(mode="json")),
        back=back,
        errors=list(errors),
        typed=typed or {"when": "now"},
    )


@router.get(HOME)
async def versions(request: Request, caller: Administrator, table: Administration) -> Response:
    """Serves the versions and the requests."""
    asked = request.query_params.get("request", "")
    found = await table.settled(asked, _WAIT_SECONDS) if len(asked) == 36 else None
    history = await table.history()
    return render(
        request,
        "administration/table.html",
        history=history,
        requests=[each for each in await table.requests.latest() if each.state != "published"],
        asked=found,
        whole=_may_all(table, caller),
    )


@router.post(HOME)
async def ask(request: Request, caller: Administrator, table: Administration, form: CheckedForm) -> Response:
    """Asks for a change, and waits a few seconds for it."""
    written, back = text_field(form, "change", _MOST_CHARACTERS), text_field(form, "back", 200)
    try:
        change = read_change(json.loads(written))
    except ValueError:
        raise Problem(422, code="invalid", detail="Go back and fill in the form again.") from None
    try:
        begins = _begins(form)
    except Wrong as wrong:
        return await ask_when(request, table, caller, change, _safe(back), wrong.errors, typed_in(form))
    try:
        done = await table.ask(caller, change, begins)
    except Problem as problem:
        if problem.status_code != 422:
            raise
        errors = [error("when", problem.explanation or problem.title)]
        return await ask_when(request, table, caller, change, _safe(back), errors, typed_in(form))
    return _see(done)


@router.post(HOME + "/back")
async def back(caller: Administrator, table: Administration, form: CheckedForm) -> Response:
    """Asks for the table of an earlier version."""
    number = text_field(form, "version", 7)
    if not number.isdigit():
        raise Problem(422, code="invalid", detail="Choose a version.")
    return _see(await table.back_to(caller, int(number)))


def _see(request: TableRequest) -> Response:
    return RedirectResponse(f"{HOME}?request={request.id}", 303)


def _begins(form: CheckedForm) -> datetime | None:
    """The time from which the change is to hold; None for at once. Raises Wrong."""
    when = text_field(form, "when", 10)
    if when == "now":
        return None
    if when != "later":
        raise Wrong(error("when", "Choose from when it is to hold"))
    day = day_in(form, "begins", "Enter the day from which it is to hold")
    typed = text_field(form, "at", 5) or "00:00"
    try:
        return moment_of(day, time.fromisoformat(typed.replace(".", ":").zfill(5)))
    except ValueError:
        raise Wrong(error("at", "Enter a time like 08:00")) from None


def _safe(path: str) -> str:
    return path if path.startswith("/referral/administration") else HOME


def _may_all(table: TableAdministration, caller: Principal) -> bool:
    try:
        table.check_may(caller, None)
    except Problem:
        return False
    return True
