"""Lists and counts of the referrals that a caller may see."""

import base64
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from services.referral.identity.context import ReferralContext
from services.referral.referral_state.queries import visible
from shared.contract.events.models import AFTER, FIRST
from shared.contract.history import Stage
from shared.delivery.mongo.database import Mongo, Row
from shared.delivery.unit_of_work.unit_of_work import REFERRALS
from shared.platform.web.lists import PAGE_SIZE, ListChoice, ListPart
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem
from shared.platform.web.validation import FieldError

_EPOCH = datetime.fromtimestamp(0, UTC)

BEFORE_FIRST_VISIT = (Stage.WAITING, Stage.BOOKED, Stage.MISSED, Stage.MET, Stage.PRESCRIBED)
ENDED = (Stage.DECLINED, Stage.RETURNED, Stage.WITHDRAWN, Stage.CLOSED, Stage.ERASED)

# The columns by which a page of a list is sorted, and the field of each.
MADE, NEXT, STAGE = "made", "next", "stage"
COLUMNS: Mapping[str, str] = {MADE: "view.created", NEXT: "view.next.on", STAGE: "rank"}
_STAGES = [stage.value for stage in Stage]


@dataclass(frozen=True, slots=True)
class ListFilter:
    """The filter of a list.

    `since`: changed at that time or later. `made_before`: made before that time. `only`: None lists all
    referrals.
    """

    practices: Collection[str] = ()
    stages: Collection[Stage] = ()
    link_worker: str | None = None
    since: datetime | None = None
    made_before: datetime | None = None
    newest_first: bool = False
    only: Collection[str] | None = None
    except_for: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class ListPage:
    """A page of a list: stored documents, and the cursor of the next page."""

    rows: list[Row]
    next_cursor: str | None


async def list_page(
    mongo: Mongo, caller: Principal, wanted: ListFilter, limit: int, cursor: str | None
) -> ListPage:
    """A page of the caller's referrals, longest waiting first. Raises a 422 Problem for an unknown cursor."""
    filters = _filters(caller, wanted)
    if cursor is not None:
        filters.append(_after(cursor, "$lt" if wanted.newest_first else "$gt"))
    order = -1 if wanted.newest_first else 1
    found = mongo[REFERRALS].find({"$and": filters}, {"facts": 0})
    rows = await found.sort([("view.created", order), ("referral", order)]).to_list(limit + 1)
    return ListPage(rows[:limit], _cursor(rows[limit - 1]) if len(rows) > limit else None)


async def list_part(mongo: Mongo, caller: Principal, wanted: ListFilter, choice: ListChoice) -> ListPart[Row]:
    """The chosen page of the caller's referrals, in the chosen order. Beyond the end: the last page."""
    which = {"$and": _filters(caller, wanted)}
    total = await mongo[REFERRALS].count_documents(which)
    page = min(choice.page, max(1, -(-total // PAGE_SIZE)))
    newest_first = wanted.newest_first != choice.descending
    column, order = COLUMNS[choice.column], -1 if choice.descending else 1
    if choice.column == MADE:
        order = -1 if newest_first else 1
    steps: list[Mapping[str, Any]] = [{"$match": which}, {"$project": {"facts": 0}}]
    if choice.column == STAGE:
        steps.append({"$addFields": {column: {"$indexOfArray": [_STAGES, "$view.stage"]}}})
    ordered = {column: order, "view.created": order, "referral": order}
    steps += [{"$sort": ordered}, {"$skip": (page - 1) * PAGE_SIZE}, {"$limit": PAGE_SIZE}]
    rows = await mongo[REFERRALS].aggregate(steps).to_list(None)
    return ListPart(rows, total, page)


async def link_workers_listed(mongo: Mongo, caller: Principal, stages: Collection[Stage]) -> dict[str, str]:
    """The link workers of the caller's referrals at these stages, each with a locality of theirs."""
    which = [*_filters(caller, ListFilter(stages=stages)), {"view.link_worker": {"$ne": None}}]
    steps: list[Mapping[str, Any]] = [
        {"$match": {"$and": which}},
        {"$group": {"_id": "$view.link_worker", "locality": {"$min": "$locality"}}},
        {"$sort": {"_id": 1}},
    ]
    return {row["_id"]: row["locality"] async for row in mongo[REFERRALS].aggregate(steps)}


def _filters(caller: Principal, wanted: ListFilter) -> list[Mapping[str, Any]]:
    filters: list[Mapping[str, Any]] = [visible(caller)]
    if wanted.practices:
        filters.append({"view.practice": {"$in": sorted(wanted.practices)}})
    if wanted.stages:
        filters.append({"view.stage": {"$in": sorted(stage.value for stage in wanted.stages)}})
    if wanted.since is not None:
        filters.append({"view.changed": {"$gte": wanted.since}})
    if wanted.only is not None:
        filters.append({"referral": {"$in": sorted(wanted.only)}})
    if wanted.except_for:
        filters.append({"referral": {"$nin": sorted(wanted.except_for)}})
    if wanted.link_worker is not None:
        filters.append({"view.link_worker": wanted.link_worker})
    if wanted.made_before is not None:
        filters.append({"view.created": {"$lt": wanted.made_before}})
    return filters


async def counts(mongo: Mongo, caller: Principal) -> list[dict[str, Any]]:
    """Exact numbers of referrals at each stage, by locality and practice, without names."""
    groups = {"locality": "$locality", "practice": "$view.practice", "stage": "$view.stage"}
    steps: list[Mapping[str, Any]] = [
        {"$match": visible(caller)},
        {"$group": {"_id": groups, "referrals": {"$sum": 1}, "oldest": {"$min": "$view.created"}}},
        {"$sort": {"_id": 1}},
    ]
    found = await mongo[REFERRALS].aggregate(steps).to_list(None)
    return [row["_id"] | {"referrals": row["referrals"], "oldest": row["oldest"]} for row in found]


def _cursor(row: Row) -> str:
    milliseconds = (row["view"]["created"] - _EPOCH) // timedelta(milliseconds=1)
    place = json.dumps([milliseconds, row["referral"]], separators=(",", ":"))
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def _after(cursor: str, beyond: str) -> dict[str, Any]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        milliseconds, referral = json.loads(base64.urlsafe_b64decode(padded))
        created = _EPOCH + timedelta(milliseconds=int(milliseconds))
        if not isinstance(referral, str) or not FIRST <= created < AFTER:
            raise TypeError
    except (ValueError, TypeError, OverflowError, RecursionError):
        error = FieldError("/cursor", "cursor_unknown", "Use a cursor as it was given.")
        raise Problem(422, code="invalid", errors=[error]) from None
    return {
        "$or": [
            {"view.created": {beyond: created}},
            {"view.created": created, "referral": {beyond: referral}},
        ]
    }


async def wait_for_meeting(context: ReferralContext, locality: str, referral_id: str, seconds: float) -> Row:
    """The view of a referral once it has a meeting or a reason for none, or after `seconds`."""

    def is_settled(view: Row) -> bool:
        return view["meeting"] is not None or view["waiting"] is not None

    view = await context.kernel.wait_for(locality, referral_id, is_settled, seconds)
    if view is None:
        raise Problem(410, code="no_longer_there")
    return view
