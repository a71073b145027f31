"""The programme page: exact counts by locality without names, unmet needs, and directory feeds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from services.matching.directory.offered import Feed
from services.matching.programme.views import OverviewCase
from services.matching.web.features import features, queries
from services.matching.web.grammar import listed
from services.matching.web.templating import localities, render, today
from shared.contract.history import Stage
from shared.platform.clock import LONDON
from shared.platform.localities import Localities
from shared.platform.web.auth import require_page
from shared.platform.web.csrf import CheckedForm
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem

Reader = Annotated[Principal, Depends(require_page("programme_admin"))]

router = APIRouter(include_in_schema=False)


STAGES = (Stage.WAITING, Stage.BOOKED, Stage.MISSED, Stage.MET, Stage.PRESCRIBED, Stage.STARTED)
# This many unmet needs are shown. The others are folded away.
MOST_AT_FIRST = 10


@dataclass(frozen=True, slots=True)
class FeedRow:
    """A feed in words. `offered` and `not_offered` are the caller's localities: (slug, name)."""

    name: str
    owners: str
    offered_in: str
    offered: tuple[tuple[str, str], ...]
    not_offered: tuple[tuple[str, str], ...]


def _feeds(feeds: Sequence[Feed], caller: Principal, places: Localities) -> list[FeedRow]:
    mine = [(slug, places.by_slug[slug].name) for slug in places.slugs if caller.may_locality(slug)]
    return [
        FeedRow(
            name=each.name,
            owners=_localities(each.owners, places),
            offered_in=_localities(each.offered, places),
            offered=tuple(one for one in mine if one[0] in each.offered),
            not_offered=tuple(one for one in mine if one[0] not in each.offered),
        )
        for each in feeds
    ]


def _localities(slugs: Sequence[str], places: Localities) -> str:
    if "*" in slugs or set(places.slugs) <= set(slugs):
        return "all localities"
    return listed([places.by_slug[slug].name for slug in slugs if slug in places.by_slug]) or "no locality"


def _why(case: OverviewCase) -> str:
    """Why no link worker here has the case on their list."""
    if case.owner is not None:
        return f"{case.owner.name} has it"
    if case.link_worker is not None:
        return "Its link worker has left, or is not entered here"
    return "Its practice has no link worker"


@router.get("/matching/programme")
async def programme(request: Request, caller: Reader) -> Response:
    """Serves the page."""
    places, day = localities(request), today(request)
    now = await queries(request).programme.programme(caller)
    rows = [
        {
            "name": places.by_slug[each.locality].name,
            "counts": [each.by_stage.get(stage, 0) for stage in STAGES],
            "open": sum(each.by_stage.values()),
            "waits": (day - each.waiting_since.astimezone(LONDON).date()).days
            if each.waiting_since
            else None,
            "needs_link_worker": each.needs_link_worker,
        }
        for each in now
    ]
    unmet = sorted(
        ((places.by_slug[each.locality].name, line) for each in now for line in each.unmet),
        key=lambda pair: -pair[1].count,
    )
    off_lists = await queries(request).programme.overview(caller)
    return render(
        request,
        "programme.html",
        parts_elsewhere=[
            (places.by_slug[each.locality].name, part) for each in now for part in each.elsewhere
        ],
        off_lists=off_lists,
        off_rows=[(each, places.by_slug[each.locality].name, _why(each)) for each in off_lists.cases],
        stages=[s.value for s in STAGES],
        rows=rows,
        unmet=unmet,
        at_first=MOST_AT_FIRST,
        today=day,
        feeds=_feeds(await queries(request).directory.feeds(caller), caller, places),
    )


@router.post("/matching/programme/feeds/{feed}")
async def offer(request: Request, feed: str, caller: Reader, form: CheckedForm) -> Response:
    """Offers a feed in a locality, or ends the offer."""
    do = next((name for name in ("offer", "withdraw") if form.get(name)), None)
    if do is None:
        raise Problem(422, code="invalid", detail="Press one of the buttons.")
    await features(request).directory.offer_feed(caller, feed, [str(form[do])], offer=do == "offer")
    return RedirectResponse("/matching/programme#feeds-title", 303)
