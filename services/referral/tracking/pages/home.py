"""The practice's lists of referrals, filtered, sorted and by pages, with stage and next date."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response

from services.referral.clients.matching import Matching, MatchingClient
from services.referral.identity.context import Context
from services.referral.identity.people import read_people
from services.referral.tracking import queries
from services.referral.tracking.elsewhere import referred_elsewhere, refers_here
from services.referral.tracking.plans import read_plans
from services.referral.tracking.returned import unanswered
from services.referral.tracking.views import referral_line
from services.referral.web import words
from services.referral.web.templating import render
from shared.contract.history import Stage
from shared.delivery.mongo.kept_filters import KeptFilters
from shared.platform.web.auth import require_page
from shared.platform.web.csrf import CheckedForm
from shared.platform.web.forms import text_field
from shared.platform.web.lists import WAITING_DAYS, ListShape
from shared.platform.web.principal import Principal

router = APIRouter(include_in_schema=False)

PATH = "/referral/"
Referrer = Annotated[Principal, Depends(require_page("referrer"))]


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


@router.get(PATH)
async def home(
    request: Request,
    caller: Referrer,
    context: Context,
    matching: MatchingClient,
    group: Annotated[str, Query(max_length=20)] = "waiting",
    filed: Annotated[bool, Query()] = False,
) -> Response:
    """A page of one of the lists, with the kept filter if the address has none."""
    chosen = _group(group)
    workers = await queries.link_workers_listed(context.mongo, caller, chosen.stages)
    shape = _shape(chosen, workers)
    keeper = KeptFilters(context.mongo, context.kernel.clock)
    choice, kept = shape.read(request.query_params), await keeper.of(caller, shape)
    if kept is not None and not shape.chooses(request.query_params):
        choice = kept
    returned = await unanswered(context.mongo, caller)
    days, stage = choice.days("waiting"), choice.get("stage")
    wanted = queries.ListFilter(
        stages=(Stage(stage),) if stage else chosen.stages,
        link_worker=choice.get("link_worker"),
        made_before=context.kernel.clock() - timedelta(days=days) if days else None,
        newest_first=chosen.newest_first,
        only=returned if chosen.key == "back" else None,
        except_for=returned if chosen.key == "ended" else (),
    )
    found = await queries.list_part(context.mongo, caller, wanted, choice)
    people = await read_people(context, caller, found.items, "list")
    plans = await read_plans(context, matching, caller, found.items)
    lines = []
    for row in found.items:
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
        part=found,
        choice=choice,
        kept=kept.kept if kept else "",
        filters=await _filters(matching, shape, workers),
        by_partner=any(each["kept"] == "by_partner" for each in lines),
        elsewhere=referred_elsewhere(context, caller),
        refers=refers_here(context, caller),
        several=len(caller.practices) > 1,
    )


@router.post(f"{PATH}keep-filter")
async def keep(caller: Referrer, form: CheckedForm, context: Context) -> Response:
    """Keeps the filter of a list, or forgets it."""
    chosen = _group(text_field(form, "list", 40).partition(":")[2])
    shape = _shape(chosen, await queries.link_workers_listed(context.mongo, caller, chosen.stages))
    query = text_field(form, "query", 400)
    await KeptFilters(context.mongo, context.kernel.clock).keep(caller, shape, query)
    return RedirectResponse(f"{PATH}{shape.parse(query).query}#list", 303)


def _group(key: str) -> Group:
    return next((each for each in GROUPS if each.key == key), GROUPS[1])


def _shape(chosen: Group, workers: Collection[str]) -> ListShape:
    """The filters of a list: its stages, link workers of its referrals, and days since they were made."""
    filters: dict[str, Collection[str]] = {
        "stage": [stage.value for stage in chosen.stages] if len(chosen.stages) > 1 else [],
        "link_worker": workers,
        "waiting": [str(days) for days in WAITING_DAYS] if chosen.key == "waiting" else [],
    }
    columns = (queries.MADE, queries.NEXT, queries.STAGE) if chosen.key == "waiting" else (queries.MADE,)
    return ListShape(f"followed:{chosen.key}", filters, columns, {"group": chosen.key})


async def _filters(
    matching: Matching, shape: ListShape, workers: Mapping[str, str]
) -> list[tuple[str, str, str, Mapping[str, str]]]:
    """The filters that the page offers: name, label, the word for all, and the text of each value."""
    known = await asyncio.gather(*(matching.link_worker(place, each) for each, place in workers.items()))
    names = {each: found.name if found else each for each, found in zip(workers, known, strict=True)}
    stages = {stage: words.STAGES[Stage(stage)] for stage in shape.filters["stage"]}
    waiting = {
        days: f"Longer than {int(days) // 7} week{'' if days == '7' else 's'}"
        for days in shape.filters["waiting"]
    }
    offered: list[tuple[str, str, str, Mapping[str, str]]] = [
        ("stage", "How far", "Any stage", stages),
        ("link_worker", "Link worker", "Any link worker", names),
        ("waiting", "Waiting", "Any time", waiting),
    ]
    return [each for each in offered if each[3]]
