"""The diary: a day or a week of a link worker, a practice, a room or a locality.

GET /matching/diary. `show` says whose, `on` the day, `view` day or week: nothing of a person.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from services.matching.booking.agenda_queries import Whose
from services.matching.booking.pages.diary_columns import columns_of_days, columns_of_workers
from services.matching.web.banner import banner
from services.matching.web.features import queries
from services.matching.web.templating import localities, render, today
from shared.platform.web.auth import require_page
from shared.platform.web.principal import Principal

DiaryReader = Annotated[Principal, Depends(require_page("link_worker", "manager", "programme_admin"))]

router = APIRouter(include_in_schema=False)

PATH = "/matching/diary"
_NAME = ("name",)
_MINE = "mine"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The view that a reader wants: whose diaries (`show`), which day, and whether the whole week."""

    show: str
    on: date
    week: bool

    def href(self, *, on: date | None = None, week: bool | None = None) -> str:
        """The address of this page on another day, or in the other view."""
        return diary_at(self.show, on or self.on, self.week if week is None else week)

    @property
    def first(self) -> date:
        """The day, or the Monday of its week."""
        return self.on - timedelta(days=self.on.weekday()) if self.week else self.on

    @property
    def last(self) -> date:
        """The day, or the Sunday of its week."""
        return self.first + timedelta(days=6) if self.week else self.on

    @property
    def step(self) -> timedelta:
        """The distance to the next page."""
        return timedelta(days=7 if self.week else 1)


def diary_at(show: str, on: date, week: bool) -> str:
    """The address of a diary."""
    return f"{PATH}?{urlencode({'show': show, 'view': 'week' if week else 'day', 'on': on.isoformat()})}"


@router.get(PATH)
async def diary(request: Request, caller: DiaryReader) -> Response:
    """Serves the diary."""
    asks, day = queries(request), today(request)
    choices = await _choices(request, caller)
    wanted = _wanted(request, day, [code for code, _ in choices])
    found = await asks.agenda.agenda(caller, wanted.first, wanted.last, _whose(caller, wanted.show))
    people = await asks.referrals.people(caller, found.seen, _NAME, "caseload") if found.seen else {}
    names = sorted({each.link_worker for each in found.days})
    columns = (
        columns_of_days(found.days, people, day, several=len(names) > 1, own=caller.link_worker)
        if wanted.week
        else columns_of_workers(found.days, people, several=len(names) > 1, own=caller.link_worker)
    )
    return render(
        request,
        "diary.html",
        wanted=wanted,
        today=day,
        title=dict(choices)[wanted.show],
        choices=choices,
        columns=columns,
        is_mine=caller.role == "link_worker" and wanted.show == _MINE,
        names_missing=bool(found.seen) and not people,
        booking=await asks.booking.offer(found.locality),
        done=banner(request),
    )


def _wanted(request: Request, day: date, choices: list[str]) -> Wanted:
    """The reader's wish as the address has it. Without one that is understood: their own diary, today."""
    given = request.query_params
    try:
        on = date.fromisoformat(given.get("on", ""))
    except ValueError:
        on = day
    near = timedelta(days=3660)
    show = given.get("show", "")
    return Wanted(
        show=show if show in choices else choices[0],
        on=on if day - near <= on <= day + near else day,
        week=given.get("view") == "week",
    )


async def _choices(request: Request, caller: Principal) -> list[tuple[str, str]]:
    """The diaries that the reader may open: code and label. Their own comes first."""
    asks, known = queries(request), localities(request)
    slugs = [slug for slug in known.by_slug if caller.may_locality(slug)]
    if caller.role == "link_worker":
        slugs = [(await asks.roster.link_worker(caller)).locality]
    mine: list[tuple[str, str]] = [(_MINE, "My diary")] if caller.role == "link_worker" else []
    found: list[tuple[str, str]] = []
    for slug in slugs:
        locality = known.by_slug[slug]
        workers = await asks.agenda.workers(caller, Whose(locality=slug))
        found.append((f"all:{slug}", f"Everybody in {locality.name}"))
        found += [(f"lw:{each.id}", each.name) for each in workers if each.id != caller.link_worker]
        served = {code for worker in workers for code in worker.practices}
        found += [
            (f"practice:{each.ods}", each.display_name) for each in locality.practices if each.ods in served
        ]
        found += [
            (f"place:{place}", place)
            for place in sorted({hours.place for worker in workers for hours in worker.hours})
        ]
    return mine + found


def _whose(caller: Principal, show: str) -> Whose:
    kind, _, name = show.partition(":")
    match kind:
        case "lw":
            return Whose(link_worker=name)
        case "practice":
            return Whose(practice=name)
        case "place":
            return Whose(place=name)
        case "all":
            return Whose(locality=name)
        case _:
            return Whose(link_worker=caller.link_worker or "")
