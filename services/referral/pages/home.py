"""Our referrals: longest waiting first, each with its stage, the next date and a copy for the record."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from services.referral import cases
from services.referral.pages.record import copy_for_the_record, next_line
from services.referral.pages.site import desk, practice_name, shown
from services.referral.reading import kept, names
from shared.delivery.mongo import Row
from shared.story import Stage
from shared.web.auth import require_page
from shared.web.caller import Caller

_PAGE = 25


@dataclass(frozen=True, slots=True)
class Group:
    """One of the lists that staff may look at."""

    key: str
    title: str
    stages: tuple[Stage, ...]
    newest_first: bool = False


GROUPS = (
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
        caller: Annotated[Caller, Depends(require_page("referrer"))],
        group: Annotated[str, Query(max_length=20)] = "waiting",
        cursor: Annotated[str | None, Query(max_length=200)] = None,
    ) -> Response:
        chosen = next((each for each in GROUPS if each.key == group), GROUPS[0])
        asked = cases.Asked(stages=chosen.stages, newest_first=chosen.newest_first)
        found = await cases.page(desk(request).kernel.mongo, caller, asked, _PAGE, cursor)
        people = await names(desk(request), caller, found.rows, "list")
        today = desk(request).today()
        lines = []
        for row in found.rows:
            person = people.get(row["referral"])
            lines.append(line(request, row) | {"name": person.name if person else None, "today": today})
        return shown(
            request,
            "home.html",
            groups=GROUPS,
            chosen=chosen,
            lines=lines,
            next_cursor=found.next_cursor,
            several=len(caller.practices) > 1,
        )

    return router


def line(request: Request, row: Row) -> dict[str, Any]:
    """One referral of a list."""
    view = row["view"]
    practice = practice_name(request, view["practice"])
    return {
        "id": row["referral"],
        "stage": Stage(view["stage"]),
        "made": view["created"],
        "days": (desk(request).kernel.clock() - view["created"]).days,
        "next": next_line(view),
        "practice": practice,
        "kept": kept(desk(request), row),
        "urgent": view["urgency"] == "soon",
        "record": copy_for_the_record(row, practice),
    }
