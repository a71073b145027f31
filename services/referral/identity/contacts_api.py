"""HTTP: how a person is reached, read and changed by their practice or their link worker."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import ConfigDict, Field

from services.referral.api import BASE, Key, ReferralId, idempotency_of
from services.referral.identity import contacts
from services.referral.intake.service import ReferralService
from services.referral.intake.validation import ValidationFailed
from services.referral.tracking import schemas as answers
from shared.contract.events import vocabulary as v
from shared.platform.web.auth import require
from shared.platform.web.bodies import JsonBody
from shared.platform.web.caller import Principal
from shared.platform.web.problem import Problem

Staff = Annotated[Principal, Depends(require("referrer", "link_worker"))]


class ContactChange(JsonBody):
    """How the person is reached from now on.

    `safe_to_text: ring` says that the number is not safe: it is never texted about this person again.
    `old_number_unsafe` says so of the number that stood before.
    """

    model_config = ConfigDict(extra="forbid")

    telephone: Annotated[str, Field(max_length=200)] | None = None
    safe_to_text: v.SafeToText
    old_number_unsafe: bool = False


def contact_routes(desk: ReferralService) -> APIRouter:
    """/api/referral/v1/referrals/{id}/contact"""
    router = APIRouter(prefix=BASE, tags=["referrals"])

    @router.get("/referrals/{referral_id}/contact")
    async def contact(referral_id: ReferralId, caller: Staff) -> answers.ContactAnswer:
        """The person's telephone and whether it is safe to text, with what stood before. Audited."""
        return answers.contacted(await contacts.read_contact(desk, caller, referral_id))

    @router.post("/referrals/{referral_id}/contact")
    async def change_contact(
        referral_id: ReferralId, change: ContactChange, caller: Staff, key: Key = None
    ) -> answers.ContactAnswer:
        """Change them while the referral is open; messages not yet sent obey at once."""
        before = await contacts.read_contact(desk, caller, referral_id)
        try:
            now = contacts.validate_contact(before, change.telephone, change.safe_to_text)
        except ValidationFailed as refused:
            raise Problem(422, code="not_taken", errors=refused.errors) from None
        route, locality = f"contact/{referral_id}", before.row["locality"]
        idempotency = idempotency_of(desk, caller, route, key, locality, change.model_dump_json())
        unsafe = change.old_number_unsafe
        await contacts.change_contact(
            desk, caller, before, now, old_is_unsafe=unsafe, idempotency=idempotency
        )
        return answers.contacted(await contacts.read_contact(desk, caller, referral_id))

    return router
