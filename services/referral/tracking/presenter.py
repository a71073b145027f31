"""Turns referrals and plans into the answers of the API."""

from typing import Any

from services.referral.tracking.plans import Plan
from services.referral.tracking.schemas import (
    GoalAnswer,
    HappeningAnswer,
    PersonAnswer,
    PlanAnswer,
    PlannedServiceAnswer,
    ReferralListed,
    ReferralShown,
    ReturnedAnswer,
)
from services.referral.tracking.status import ReturnDetails, VisibleReferral
from shared.delivery.mongo.database import Row


def list_line(row: Row) -> ReferralListed:
    """A stored referral as a line of a list."""
    return ReferralListed(**_line_fields(row))


def referral_answer(found: VisibleReferral, plan: Plan) -> ReferralShown:
    """One referral with its plan, as its reader may see them."""
    person = found.person
    return ReferralShown(
        **_line_fields(found.row),
        needs=list(found.needs),
        details_kept=found.kept,
        person=PersonAnswer(name=person.name, date_of_birth=person.date_of_birth) if person else None,
        history=[HappeningAnswer(**entry.as_dict()) for entry in found.history],
        details_to_gp=found.details_to_gp,
        plan=_plan_answer(plan),
        returned=_returned_answer(found.returned),
    )


def _line_fields(row: Row) -> dict[str, Any]:
    view = row["view"]
    return {
        "id": row["referral"],
        "locality": row["locality"],
        "practice": view["practice"],
        "stage": view["stage"],
        "open": view["open"],
        "urgency": view["urgency"],
        "created_at": view["created"],
        "changed_at": view["changed"],
        "next": view["next"],
        "meeting": view["meeting"],
        "waiting": view["waiting"] if view["meeting"] is None else None,
    }


def _plan_answer(plan: Plan) -> PlanAnswer:
    return PlanAnswer(
        state=plan.state,
        goals=[GoalAnswer(need=g.need, words=g.words, actions=list(g.actions)) for g in plan.goals],
        services=[
            PlannedServiceAnswer(name=s.name, need=s.need, status=s.status, since=s.since)
            for s in plan.services
        ],
    )


def _returned_answer(returned: ReturnDetails | None) -> ReturnedAnswer | None:
    if returned is None:
        return None
    return ReturnedAnswer(reason=returned.reason, at=returned.at, note=returned.note)
