"""Telephone number and "safe to text" of an open referral, changed by its practice or its link worker."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from services.referral.api import ReferralId
from services.referral.identity import contacts
from services.referral.intake.pages.forms import FormInput
from services.referral.intake.validation import ValidationFailed
from services.referral.web.templating import desk, shown
from shared.contract.events import vocabulary as v
from shared.delivery.unit_of_work.commands import Idempotency
from shared.platform.people.telephone import as_dialled
from shared.platform.web.auth import require_page
from shared.platform.web.caller import Principal
from shared.platform.web.csrf import CheckedForm
from shared.platform.web.forms import idempotency_key, text_field
from shared.platform.web.validation import FieldError

Reader = Annotated[Principal, Depends(require_page("referrer", "link_worker"))]


def routes() -> APIRouter:
    """/referral/referrals/{id}/contact"""
    router = APIRouter(include_in_schema=False)

    @router.get("/referral/referrals/{referral_id}/contact")
    async def show(request: Request, referral_id: ReferralId, caller: Reader) -> Response:
        before = await contacts.read_contact(desk(request), caller, referral_id)
        number = before.contact.telephone
        typed = {
            "telephone": as_dialled(number) if number else "",
            "safe_to_text": before.contact.safe_to_text.value,
        }
        return _page(request, caller, before, typed)

    @router.post("/referral/referrals/{referral_id}/contact")
    async def save(request: Request, referral_id: ReferralId, caller: Reader, form: CheckedForm) -> Response:
        before = await contacts.read_contact(desk(request), caller, referral_id)
        telephone = text_field(form, "telephone", 200)
        safe, unsafe = text_field(form, "safe_to_text"), bool(form.get("old_is_unsafe"))
        given = v.SafeToText(safe) if safe in set(v.SafeToText) else None
        try:
            now = contacts.validate_contact(before, telephone or None, given)
        except ValidationFailed as refused:
            typed = {"telephone": telephone, "safe_to_text": safe}
            return _page(request, caller, before, typed, refused.errors, unsafe=unsafe)
        key = idempotency_key(form)
        digest = desk(request).digest(before.row["locality"], f"{telephone}|{safe}|{unsafe}")
        route = f"referral/contact-form/{referral_id}"
        idempotency = Idempotency(caller.subject, route, key, digest) if key else None
        await contacts.change_contact(
            desk(request), caller, before, now, old_is_unsafe=unsafe, idempotency=idempotency
        )
        return RedirectResponse(f"{_back(caller, referral_id)}?contact_changed=1", 303)

    return router


def _back(caller: Principal, referral_id: str) -> str:
    """Where the reader came from: the practice's page of the referral, or the link worker's case."""
    if caller.role == "link_worker":
        return f"/matching/cases/{referral_id}"
    return f"/referral/referrals/{referral_id}"


def _page(
    request: Request,
    caller: Principal,
    before: contacts.ContactDetails,
    typed: Mapping[str, str],
    errors: Sequence[FieldError] = (),
    *,
    unsafe: bool = False,
) -> Response:
    referral_id = before.row["referral"]
    return shown(
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
