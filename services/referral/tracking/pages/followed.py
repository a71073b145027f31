"""One referral: its appointment, a slip to print, what happened so far, and withdrawing it."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response

from services.referral.api import ReferralId, settled
from services.referral.clients.matching import LinkWorker
from services.referral.settings import ReferralSettings
from services.referral.tracking import queries as cases
from services.referral.tracking import returned as sent_back
from services.referral.tracking.pages.home import in_touch, line
from services.referral.tracking.pages.record import goal_line, service_line
from services.referral.tracking.plans import read_plans
from services.referral.tracking.status import read_referral
from services.referral.web import words
from services.referral.web.templating import desk, matching, named, shown
from shared.contract.events import vocabulary as v
from shared.contract.history import Stage
from shared.delivery.mongo.database import Row
from shared.delivery.unit_of_work.commands import Idempotency
from shared.platform.web.auth import require_page
from shared.platform.web.caller import Principal
from shared.platform.web.csrf import CheckedForm
from shared.platform.web.forms import idempotency_key, text_field
from shared.platform.web.problem import Problem
from shared.platform.web.validation import FieldError

Referrer = Annotated[Principal, Depends(require_page("referrer"))]


def routes() -> APIRouter:
    """/referral/referrals/{id}"""
    router = APIRouter(include_in_schema=False)

    @router.get("/referral/referrals/{referral_id}")
    async def show(
        request: Request,
        referral_id: ReferralId,
        caller: Referrer,
        made: Annotated[bool, Query()] = False,
        moved: Annotated[bool, Query()] = False,
        withdrawn: Annotated[bool, Query()] = False,
        contact_changed: Annotated[bool, Query()] = False,
    ) -> Response:
        if made:
            await _wait(request, caller, referral_id)
        found = await read_referral(desk(request), caller, referral_id)
        plan = (await read_plans(desk(request), matching(request), caller, [found.row]))[referral_id]
        waits = bool(found.returned) and referral_id in await sent_back.waiting(
            desk(request).kernel.mongo, caller
        )
        return shown(
            request,
            "followed.html",
            line=line(request, found.row, plan),
            plan=plan,
            goals=[goal_line(goal) for goal in plan.goals],
            services=[service_line(service) for service in plan.services],
            returned=found.returned,
            waits_for_you=waits,
            sent_again=bool(found.returned)
            and await sent_back.sent_again(desk(request), caller, referral_id),
            view=found.row["view"],
            person=found.person,
            needs=[words.NEEDS[need] for need in found.needs],
            history=[
                (happening.on, words.happened(happening.kind, happening.detail))
                for happening in found.history
            ],
            made=made,
            moved=moved,
            contact_changed=contact_changed,
            withdrawn=withdrawn and found.row["view"]["stage"] == Stage.WITHDRAWN,
            **await appointment(request, found.row),
        )

    @router.get("/referral/referrals/{referral_id}/slip")
    async def slip(request: Request, referral_id: ReferralId, caller: Referrer) -> Response:
        row = await cases.find_visible(desk(request).kernel.mongo, caller, referral_id)
        if row["view"]["meeting"] is None:
            raise Problem(404, code="no_meeting", detail="There is no appointment to print.")
        return shown(request, "slip.html", id=referral_id, **await appointment(request, row))

    @router.get("/referral/referrals/{referral_id}/withdraw")
    async def ask_why(request: Request, referral_id: ReferralId, caller: Referrer) -> Response:
        return await _why(request, caller, referral_id)

    @router.post("/referral/referrals/{referral_id}/withdraw")
    async def withdraw(
        request: Request, referral_id: ReferralId, caller: Referrer, form: CheckedForm
    ) -> Response:
        given = text_field(form, "reason")
        if given not in set(v.WithdrawReason):
            errors = [FieldError("/reason", "missing", "Choose why the referral is withdrawn")]
            return await _why(request, caller, referral_id, errors)
        key = idempotency_key(form)
        route = f"referral/withdraw-form/{referral_id}"
        idempotency = Idempotency(caller.subject, route, key, given.encode()) if key else None
        await desk(request).withdraw(caller, referral_id, v.WithdrawReason(given), idempotency)
        return RedirectResponse(f"/referral/referrals/{referral_id}?withdrawn=1", 303)

    return router


async def _why(
    request: Request, caller: Principal, referral_id: str, errors: Sequence[FieldError] = ()
) -> Response:
    row = await cases.find_visible(desk(request).kernel.mongo, caller, referral_id)
    return shown(
        request,
        "withdraw.html",
        422 if errors else 200,
        id=referral_id,
        name=await named(request, caller, row),
        open=row["view"]["open"],
        errors=list(errors),
    )


async def appointment(request: Request, row: Row) -> dict[str, Any]:
    """Day, time, room and link worker of a referral's meeting, or by when the person hears from us."""
    meeting = row["view"]["meeting"]
    if meeting is None:
        return {"meeting": None, "in_touch": in_touch(request, row["view"])}
    who: LinkWorker | None = await matching(request).link_worker(meeting["link_worker"])
    return {
        "meeting": meeting,
        "link_worker": who,
        "room": (who.place(meeting["practice"], meeting["starts_at"]) if who else None)
        or _site(request, meeting["practice"]),
    }


async def _wait(request: Request, caller: Principal, referral_id: str) -> None:
    row = await cases.find_visible(desk(request).kernel.mongo, caller, referral_id)
    settings: ReferralSettings = request.app.state.settings
    await settled(desk(request), row["locality"], referral_id, settings.booking_wait_seconds)


def _site(request: Request, code: str) -> str:
    """The building of a practice, as a visitor knows it."""
    practice = desk(request).localities.practice(code)
    return practice.site if practice else code
