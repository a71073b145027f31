"""Our referrals: longest waiting first, each with its stage, the next date and a copy for the record."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from services.referral.settings import ReferralSettings
from services.referral.tracking import queries as cases
from services.referral.tracking import returned as sent_back
from services.referral.tracking.pages.record import copy_for_the_record, next_line
from services.referral.tracking.pages.working_days import working_days_later
from services.referral.tracking.plans import Plan, read_plans
from services.referral.tracking.status import details_location, read_names
from services.referral.web import words
from services.referral.web.templating import desk, matching, practice_name, shown
from shared.contract.history import Stage
from shared.delivery.mongo.database import Row
from shared.platform.clock import LONDON
from shared.platform.web import dates
from shared.platform.web.auth import require_page
from shared.platform.web.caller import Principal

_PAGE = 25


@dataclass(frozen=True, slots=True)
class Group:
    """One of the lists that staff may look at."""

    key: str
    title: str
    stages: tuple[Stage, ...]
    newest_first: bool = False


GROUPS = (
    Group("back", "Sent back to you", (Stage.RETURNED,)),
    Group("waiting", "Waiting for a first visit", cases.BEFORE_FIRST_VISIT),
    Group("started", "First visit made", (Stage.STARTED,), newest_first=True),
    Group("ended", "Ended", cases.ENDED, newest_first=True),
)


def routes() -> APIRouter:
    """/referral/"""
    router = APIRouter(include_in_schema=False)

    @router.get("/referral/")
    async def home(
        request: Request,
        caller: Annotated[Principal, Depends(require_page("referrer"))],
        group: Annotated[str, Query(max_length=20)] = "waiting",
        filed: Annotated[bool, Query()] = False,
        cursor: Annotated[str | None, Query(max_length=200)] = None,
    ) -> Response:
        chosen = next((each for each in GROUPS if each.key == group), GROUPS[1])
        mongo = desk(request).kernel.mongo
        back = await sent_back.waiting(mongo, caller)
        asked = cases.ListFilter(
            stages=chosen.stages,
            newest_first=chosen.newest_first,
            only=back if chosen.key == "back" else None,
            but_not=back if chosen.key == "ended" else (),
        )
        found = await cases.list_page(mongo, caller, asked, _PAGE, cursor)
        people = await read_names(desk(request), caller, found.rows, "list")
        planned = await read_plans(desk(request), matching(request), caller, found.rows)
        lines = []
        for row in found.rows:
            person = people.get(row["referral"])
            name = person.name if person else None
            lines.append(line(request, row, planned[row["referral"]]) | {"name": name})
        return shown(
            request,
            "home.html",
            groups=GROUPS,
            chosen=chosen,
            sent_back=len(back),
            filed=filed,
            lines=lines,
            by_partner=any(each["kept"] == "by_partner" for each in lines),
            next_cursor=found.next_cursor,
            several=len(caller.practices) > 1,
        )

    return router


def line(request: Request, row: Row, plan: Plan | None = None) -> dict[str, Any]:
    """One referral of a list; `plan` as the practice may see it."""
    view = row["view"]
    practice, today = practice_name(request, view["practice"]), desk(request).today()
    return {
        "id": row["referral"],
        "stage": Stage(view["stage"]),
        "made": view["created"],
        "days": (desk(request).kernel.clock() - view["created"]).days,
        "next": next_line(view, today) or _promised(request, view),
        "practice": practice,
        "kept": details_location(desk(request), row),
        "urgent": view["urgency"] == "soon",
        "returned": view["returned"]["reason"] if view["returned"] else None,
        "record": copy_for_the_record(row, practice, today, plan),
        "plan_away": plan is not None and plan.state == "away",
    }


def in_touch(request: Request, view: Mapping[str, Any]) -> date:
    """By when somebody without an appointment hears from us: what matching said, or what we promise."""
    if view["waiting"] is not None:
        return date.fromisoformat(view["waiting"]["expected_by"])
    settings: ReferralSettings = request.app.state.settings
    return working_days_later(view["created"].astimezone(LONDON).date(), settings.in_touch_days)


def _promised(request: Request, view: Mapping[str, Any]) -> str:
    if view["stage"] != Stage.WAITING:
        return ""
    return f"{words.NEXT['in_touch']} {dates.short_day(in_touch(request, view))}"
