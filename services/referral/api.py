"""HTTP for practices, hubs and the programme: make a referral, follow it, withdraw it; erase a person."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response

from services.referral.identity.matching import SamePersonQuestion
from services.referral.intake.address import distance_warning
from services.referral.intake.schemas import ReferralRequest
from services.referral.intake.service import ReferralService
from services.referral.intake.validation import ValidationFailed, validate
from services.referral.tracking import queries as cases
from services.referral.tracking import schemas as answers
from services.referral.tracking.plans import read_plans
from services.referral.tracking.status import read_referral
from shared.contract.events import vocabulary as v
from shared.contract.history import Stage
from shared.delivery.mongo.database import Row
from shared.delivery.unit_of_work.commands import Idempotency
from shared.platform.web.auth import require
from shared.platform.web.bodies import JsonBody, MomentSent
from shared.platform.web.caller import Principal
from shared.platform.web.problem import Problem

BASE = "/api/referral/v1"
LONGEST_WAIT = 10.0
WRITES_REFERRALS = "referrals:write"
"""What a hub's token must hold."""

ReferralId = Annotated[str, Path(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
Key = Annotated[str | None, Header(alias="Idempotency-Key", pattern=r"^[\x21-\x7e]{1,200}$")]
Reader = Annotated[Principal, Depends(require("referrer", "link_worker", "programme_admin"))]
Referrer = Annotated[Principal, Depends(require("referrer"))]
Admin = Annotated[Principal, Depends(require("programme_admin"))]


Making = Annotated[Principal, Depends(require("referrer", "service", scope=WRITES_REFERRALS))]


class Withdrawal(JsonBody):
    """Why a practice withdraws a referral."""

    reason: v.WithdrawReason


def api_routes(desk: ReferralService) -> APIRouter:
    """The routes under /api/referral/v1."""
    router = APIRouter(prefix=BASE, tags=["referrals"])

    @router.post("/referrals", status_code=201)
    async def make(
        request: ReferralRequest,
        caller: Making,
        response: Response,
        key: Key = None,
        wait: Annotated[float, Query(ge=0, le=LONGEST_WAIT)] = 0,
        prefer: Annotated[str | None, Header(max_length=200)] = None,
    ) -> answers.ReferralMade:
        """Make a referral. `wait`, or `Prefer: wait=2`: seconds to wait for the meeting."""
        try:
            practice, locality = desk.practice(caller, request.practice)
            accepted = validate(request, practice, locality, desk.today())
            idempotency = idempotency_of(desk, caller, "make", key, locality.slug, request.model_dump_json())
            done = await desk.refer(caller, accepted, idempotency)
        except ValidationFailed as refused:
            raise Problem(422, code="not_taken", errors=refused.errors) from None
        except SamePersonQuestion as question:
            raise question.problem() from None
        made = str(done.reply["id"])
        view = await settled(desk, locality.slug, made, max(wait, _preferred(prefer)))
        response.headers["location"] = f"{BASE}/referrals/{made}"
        far = distance_warning(practice, accepted.person.postcode)
        warnings = [answers.WarningAnswer(code=far.code, detail=far.detail)] if far else []
        return answers.ReferralMade(id=made, stage=view["stage"], meeting=view["meeting"], warnings=warnings)

    @router.get("/referrals")
    async def list_referrals(
        caller: Reader,
        practice: Annotated[list[str], Query(max_length=50)] = [],  # noqa: B006 - FastAPI copies it
        stage: Annotated[list[Stage], Query(max_length=20)] = [],  # noqa: B006 - FastAPI copies it
        since: MomentSent | None = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        cursor: Annotated[str | None, Query(max_length=200)] = None,
    ) -> answers.ReferralPage:
        """The caller's referrals, longest waiting first. `since`: changed at that time or later."""
        asked = cases.ListFilter([_own(desk, caller, code) for code in practice], stage, since)
        found = await cases.list_page(desk.kernel.mongo, caller, asked, limit, cursor)
        lines = [answers.ReferralListed(**answers.listed(row)) for row in found.rows]
        return answers.ReferralPage(referrals=lines, next_cursor=found.next_cursor)

    @router.get("/referrals/counts")
    async def count(caller: Admin) -> answers.Counts:
        """How many referrals stand where, by practice."""
        counted = await cases.counts(desk.kernel.mongo, caller)
        return answers.Counts(counts=[answers.StageCount(**each) for each in counted])

    @router.get("/referrals/{referral_id}")
    async def show(request: Request, referral_id: ReferralId, caller: Reader) -> answers.ReferralShown:
        """The story so far. Audited where it tells who it is about, and of details of the plan."""
        shown = await read_referral(desk, caller, referral_id)
        plan = (await read_plans(desk, request.app.state.matching, caller, [shown.row]))[referral_id]
        person: dict[str, Any] | None = None
        if shown.person is not None:
            person = {"name": shown.person.name, "date_of_birth": shown.person.date_of_birth}
        return answers.ReferralShown(
            **answers.listed(shown.row),
            needs=list(shown.needs),
            details_kept=shown.kept,
            person=answers.PersonAnswer(**person) if person else None,
            history=answers.happened(shown.history),
            details_to_gp=shown.details_to_gp,
            plan=answers.planned(plan),
            returned=answers.sent_back(shown.returned),
        )

    @router.post("/referrals/{referral_id}/withdraw")
    async def withdraw(
        referral_id: ReferralId, withdrawal: Withdrawal, caller: Referrer, key: Key = None
    ) -> answers.ReferralListed:
        """Withdraw a referral of one's own practice."""
        row = await cases.find_visible(desk.kernel.mongo, caller, referral_id)
        route = f"withdraw/{referral_id}"
        idempotency = idempotency_of(desk, caller, route, key, row["locality"], withdrawal.model_dump_json())
        row = await desk.withdraw(caller, referral_id, withdrawal.reason, idempotency)
        return answers.ReferralListed(**answers.listed(row))

    @router.post("/referrals/{referral_id}/erase", status_code=204)
    async def erase(referral_id: ReferralId, caller: Admin) -> None:
        """Erase the person behind a referral, and all that is kept of them."""
        await desk.erase(caller, referral_id)

    return router


async def settled(desk: ReferralService, locality: str, referral_id: str, seconds: float) -> Row:
    """A referral's view document once it has a meeting or a stated reason for none, or after so long."""

    def test(view: Row) -> bool:
        return view["meeting"] is not None or view["waiting"] is not None

    view = await desk.kernel.wait_for(locality, referral_id, test, seconds)
    if view is None:
        raise Problem(410, code="no_longer_there")
    return view


def _own(desk: ReferralService, caller: Principal, code: str) -> str:
    """A practice that the caller may ask about; another's looks as if it did not exist."""
    practice = desk.localities.practice(code)
    theirs = (
        practice is not None
        and practice.locality is not None
        and caller.may_locality(practice.locality)
        and (caller.role != "referrer" or caller.may_practice(practice.ods))
    )
    if practice is None or not theirs:
        raise Problem(404, code="no_such_practice")
    return practice.ods


def idempotency_of(
    desk: ReferralService, caller: Principal, route: str, key: str | None, locality: str, body: str
) -> Idempotency | None:
    if key is None:
        return None
    return Idempotency(caller.subject, f"referral/{route}", key, desk.digest(locality, body))


def _preferred(prefer: str | None) -> float:
    """The seconds of `Prefer: wait=2`; a preference that cannot be read is none."""
    for preference in (prefer or "").split(","):
        name, _, value = preference.strip().partition("=")
        if name.lower() == "wait" and value.isascii() and value.isdigit():
            return min(float(value), LONGEST_WAIT)
    return 0.0
