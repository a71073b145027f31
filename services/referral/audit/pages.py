"""Pages of the Caldicott guardian: who looked at or changed a record, and its export."""

from datetime import UTC, datetime
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response

from services.referral.audit import words
from services.referral.audit.export import as_csv
from services.referral.audit.queries import find_by_text, find_record, read_all, read_page
from services.referral.clients.audit import OtherAudits
from services.referral.identity.context import Context
from services.referral.web.parameters import ReferralId
from services.referral.web.templating import render
from shared.platform.web.auth import require_page
from shared.platform.web.csrf import CheckedForm
from shared.platform.web.forms import text_field
from shared.platform.web.principal import Principal
from shared.platform.web.validation import FieldError

router = APIRouter(include_in_schema=False)

Guardian = Annotated[Principal, Depends(require_page("guardian"))]
Purpose = Annotated[str, Query(max_length=40)]
Of = Annotated[str, Query(pattern="^(referral|person)$")]
_HOME: Final = "/referral/audit"


@router.get(_HOME)
async def ask(request: Request, caller: Guardian, context: Context) -> Response:
    """Asks for a record and the purpose."""
    return _form(request, context.settings.audit_days)


@router.post(_HOME)
async def find(request: Request, caller: Guardian, context: Context, form: CheckedForm) -> Response:
    """Finds the record by the reference of a referral, or by an NHS number, which no address repeats."""
    text, purpose = text_field(form, "record", 80), text_field(form, "purpose", 40)
    errors = []
    if purpose not in words.PURPOSES:
        errors.append(FieldError("/purpose", "missing", "Choose why you look"))
    found = await find_by_text(context, caller, text, purpose) if text and not errors else None
    if not text:
        errors.insert(0, FieldError("/record", "missing", "Enter a reference or an NHS number"))
    elif not errors and found is None:
        sentence = "There is no referral with this reference or NHS number in your localities"
        errors.append(FieldError("/record", "no_such_referral", sentence))
    if found is None:
        # An NHS number is not sent back into the page.
        kept = text if "-" in text else ""
        return _form(request, context.settings.audit_days, 422, errors=errors, record=kept, purpose=purpose)
    referral, is_person = found
    return RedirectResponse(_address(referral, purpose, "person" if is_person else "referral"), 303)


@router.get(_HOME + "/{referral_id}")
async def show(
    request: Request,
    referral_id: ReferralId,
    caller: Guardian,
    context: Context,
    others: OtherAudits,
    purpose: Purpose = "",
    of: Of = "referral",
    before: Annotated[datetime | None, Query()] = None,
) -> Response:
    """A page of entries, the latest first."""
    record = await find_record(context, caller, referral_id, whole_person=of == "person")
    if purpose not in words.PURPOSES:
        return RedirectResponse(_HOME, 303)
    moment = before if before is None or before.tzinfo else before.replace(tzinfo=UTC)
    found = await read_page(context, others, caller, record, purpose, moment)
    next_page = _address(referral_id, purpose, of, found.before) if found.before else None
    return render(
        request,
        "audit-record.html",
        record=record,
        referral_id=referral_id,
        locality=context.localities.by_slug[record.locality].name,
        purpose=purpose,
        of=of,
        found=found,
        audit_words=words,
        next_page=next_page,
        other_view=_address(referral_id, purpose, "referral" if of == "person" else "person"),
        earlier=moment is not None,
    )


@router.post(_HOME + "/{referral_id}/export")
async def export(
    request: Request,
    referral_id: ReferralId,
    caller: Guardian,
    context: Context,
    others: OtherAudits,
    form: CheckedForm,
) -> Response:
    """The whole list as comma-separated values. 503 if a service does not answer."""
    purpose, of = text_field(form, "purpose", 40), text_field(form, "of", 10)
    if purpose not in words.PURPOSES:
        return RedirectResponse(_HOME, 303)
    record = await find_record(context, caller, referral_id, whole_person=of == "person")
    lines = await read_all(context, others, caller, record, purpose)
    name = f'attachment; filename="audit-{referral_id}.csv"'
    return Response(
        as_csv(lines), media_type="text/csv; charset=utf-8", headers={"content-disposition": name}
    )


def _address(referral: str, purpose: str, of: str, before: datetime | None = None) -> str:
    query = {"purpose": purpose, "of": of} | ({"before": before.isoformat()} if before else {})
    return f"{_HOME}/{referral}?{urlencode(query)}"


def _form(request: Request, days: int, status: int = 200, **shown: object) -> Response:
    years = round(days / 365.25, 1)
    kept = f"{years:g} years"
    return render(request, "audit.html", status, purposes=words.PURPOSES, kept=kept, **shown)
