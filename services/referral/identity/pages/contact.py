"""The page of an open referral's telephone number and whether messages to it are safe."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from services.referral.identity.contacts import (
    ContactDetails,
    change_contact,
    read_contact,
    validate_contact,
)
from services.referral.identity.context import Context
from services.referral.web.errors import ValidationFailed
from services.referral.web.forms import FormInput
from services.referral.web.parameters import ReferralId
from services.referral.web.templating import render
from shared.contract.events import vocabulary as v
from shared.platform.people.telephone import as_dialled
from shared.platform.web.auth import require_page
from shared.platform.web.csrf import CheckedForm
from shared.platform.web.forms import idempotency_key, text_field
from shared.platform.web.principal import Principal
from shared.platform.web.validation import FieldError

router = APIRouter(include_in_schema=False)

Reader = Annotated[Principal, Depends(require_page("referrer", "link_worker"))]


@router.get("/referral/referrals/{referral_id}/contact")
async def show(request: Request, referral_id: ReferralId, caller: Reader, context: Context) -> Response:
    """The form with the current values."""
    before = await read_contact(context, caller, referral_id)
    context.require_ours(before.row["locality"])
    number = before.contact.telephone
    typed = {
        "telephone": as_dialled(number) if number else "",
        "safe_to_text": before.contact.safe_to_text.value,
    }
    return _page(request, caller, before, typed)


@router.post("/referral/referrals/{referral_id}/contact")
async def save(
    request: Request, referral_id: ReferralId, caller: Reader, form: CheckedForm, context: Context
) -> Response:
    """Saves the form, or shows it again with its errors."""
    before = await read_contact(context, caller, referral_id)
    telephone = text_field(form, "telephone", 200)
    safe, unsafe = text_field(form, "safe_to_text"), bool(form.get("old_is_unsafe"))
    given = v.SafeToText(safe) if safe in set(v.SafeToText) else None
    try:
        choice = validate_contact(before, telephone or None, given)
    except ValidationFailed as refused:
        typed = {"telephone": telephone, "safe_to_text": safe}
        return _page(request, caller, before, typed, refused.errors, unsafe=unsafe)
    route, body = f"contact-form/{referral_id}", f"{telephone}|{safe}|{unsafe}"
    locality = before.row["locality"]
    idempotency = context.idempotency(caller, route, idempotency_key(form), locality, body)
    await change_contact(context, caller, before, choice, old_is_unsafe=unsafe, idempotency=idempotency)
    return RedirectResponse(f"{_back(caller, referral_id)}?contact_changed=1", 303)


def _back(caller: Principal, referral_id: str) -> str:
    """The page that the reader came from: the practice's page of the referral, or the link worker's case."""
    if caller.role == "link_worker":
        return f"/matching/cases/{referral_id}"
    return f"/referral/referrals/{referral_id}"


def _page(
    request: Request,
    caller: Principal,
    before: ContactDetails,
    typed: Mapping[str, str],
    errors: Sequence[FieldError] = (),
    *,
    unsafe: bool = False,
) -> Response:
    referral_id = before.row["referral"]
    return render(
        request,
        "contact.html",
        422 if errors else 200,
        id=referral_id,
        back=_back(caller, referral_id),
        name=before.name,
        open=before.row["view"]["open"],
        old=before.contact.telephone,
        earlier=before.earlier,
        typed=FormInput(typed, {}, frozenset({"old_is_unsafe"} if unsafe else ())),
        errors=list(errors),
    )
