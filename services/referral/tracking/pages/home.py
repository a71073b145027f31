"""The practice's list of referrals: longest waiting first, with stage and next date."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from services.referral.clients.matching import MatchingClient
from services.referral.identity.context import Context
from services.referral.identity.people import read_people
from services.referral.tracking import queries
from services.referral.tracking.elsewhere import referred_elsewhere, refers_here
from services.referral.tracking.plans import read_plans
from services.referral.tracking.returned import unanswered
from services.referral.tracking.views import referral_line
from services.referral.web.templating import render
from shared.contract.history import Stage
from shared.platform.web.auth import require_page
from shared.platform.web.principal import Principal

router = APIRouter(include_in_schema=False)

_PAGE_SIZE = 25


@dataclass(frozen=True, slots=True)
class Group:
    """A list that practice staff may open."""

    key: str
    title: str
    stages: tuple[Stage, ...]
    newest_first: bool = False


GROUPS = (
    Group("back", "Sent back to you", (Stage.RETURNED,)),
    Group("waiting", "Waiting for a first visit", queries.BEFORE_FIRST_VISIT),
    Group("started", "First visit made", (Stage.STARTED,), newest_first=True),
    Group("ended", "Ended", queries.ENDED, newest_first=True),
)


@router.get("/referral/")
async def home(
    request: Request,
    caller: Annotated[Principal, Depends(require_page("referrer"))],
    context: Context,
    matching: MatchingClient,
    group: Annotated[str, Query(max_length=20)] = "waiting",
    filed: Annotated[bool, Query()] = False,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Response:
    """A page of one of the lists."""
    chosen = next((each for each in GROUPS if each.key == group), GROUPS[1])
    returned = await unanswered(context.mongo, caller)
    wanted = queries.ListFilter(
        stages=chosen.stages,
        newest_first=chosen.newest_first,
        only=returned if chosen.key == "back" else None,
        except_for=returned if chosen.key == "ended" else (),
    )
    found = await queries.list_page(context.mongo, caller, wanted, _PAGE_SIZE, cursor)
    people = await read_people(context, caller, found.rows, "list")
    plans = await read_plans(context, matching, caller, found.rows)
    lines = []
    for row in found.rows:
        person = people.get(row["referral"])
        name = person.name if person else None
        lines.append(referral_line(context, row, plans[row["referral"]]) | {"name": name})
    return render(
        request,
        "home.html",
        groups=GROUPS,
        chosen=chosen,
        sent_back=len(returned),
        filed=filed,
        lines=lines,
        by_partner=any(each["kept"] == "by_partner" for each in lines),
        next_cursor=found.next_cursor,
        elsewhere=referred_elsewhere(context, caller),
        refers=refers_here(context, caller),
        several=len(caller.practices) > 1,
    )
