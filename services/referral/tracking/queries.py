"""Which referrals a caller may see, and lists of them."""

import base64
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.contract.events.models import AFTER, FIRST
from shared.contract.history import Stage
from shared.delivery.mongo.database import Mongo, Row
from shared.platform.web.caller import Principal
from shared.platform.web.problem import Problem
from shared.platform.web.validation import FieldError

_EPOCH = datetime.fromtimestamp(0, UTC)

BEFORE_FIRST_VISIT = (Stage.WAITING, Stage.BOOKED, Stage.MISSED, Stage.MET, Stage.PRESCRIBED)
ENDED = (Stage.DECLINED, Stage.RETURNED, Stage.WITHDRAWN, Stage.CLOSED, Stage.ERASED)


@dataclass(frozen=True, slots=True)
class ListFilter:
    """What a list is asked for; `since`: changed at that time or later."""

    practices: Collection[str] = ()
    stages: Collection[Stage] = ()
    since: datetime | None = None
    newest_first: bool = False
    only: Collection[str] | None = None
    """None of the others; None: all."""
    but_not: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class ListPage:
    """A page of a list: stored documents, and where the next page starts."""

    rows: list[Row]
    next_cursor: str | None


def visible(caller: Principal) -> dict[str, Any]:
    """The referrals that this caller may see, as a filter."""
    inside: dict[str, Any] = {"locality": {"$in": sorted(caller.localities)}, "view.created": {"$ne": None}}
    if caller.role == "referrer":
        return inside | {"view.practice": {"$in": sorted(caller.practices)}}
    if caller.role == "link_worker":
        return inside | {"view.link_worker": caller.link_worker or "nobody"}
    if caller.role == "programme_admin":
        return inside
    return {"_id": None}


async def find_visible(mongo: Mongo, caller: Principal, referral_id: str) -> Row:
    """The stored document of a referral. Raises a 404 Problem where there is none that the caller may see."""
    found: Row | None = await mongo["referrals"].find_one({"referral": referral_id} | visible(caller))
    if found is None:
        raise Problem(404, code="no_such_referral")
    return found


async def list_page(
    mongo: Mongo, caller: Principal, asked: ListFilter, limit: int, cursor: str | None
) -> ListPage:
    """A page of the caller's referrals, longest waiting first. Raises a 422 Problem for a made-up cursor."""
    wanted: list[Mapping[str, Any]] = [visible(caller)]
    if asked.practices:
        wanted.append({"view.practice": {"$in": sorted(asked.practices)}})
    if asked.stages:
        wanted.append({"view.stage": {"$in": sorted(stage.value for stage in asked.stages)}})
    if asked.since is not None:
        wanted.append({"view.changed": {"$gte": asked.since}})
    if asked.only is not None:
        wanted.append({"referral": {"$in": sorted(asked.only)}})
    if asked.but_not:
        wanted.append({"referral": {"$nin": sorted(asked.but_not)}})
    if cursor is not None:
        wanted.append(_after(cursor, "$lt" if asked.newest_first else "$gt"))
    order = -1 if asked.newest_first else 1
    found = mongo["referrals"].find({"$and": wanted}, {"facts": 0})
    rows = await found.sort([("view.created", order), ("referral", order)]).to_list(limit + 1)
    return ListPage(rows[:limit], _cursor(rows[limit - 1]) if len(rows) > limit else None)


async def counts(mongo: Mongo, caller: Principal) -> list[dict[str, Any]]:
    """How many referrals stand at each stage, by locality and practice: exact, and without names."""
    groups = {"locality": "$locality", "practice": "$view.practice", "stage": "$view.stage"}
    steps: list[Mapping[str, Any]] = [
        {"$match": visible(caller)},
        {"$group": {"_id": groups, "referrals": {"$sum": 1}, "oldest": {"$min": "$view.created"}}},
        {"$sort": {"_id": 1}},
    ]
    found = await mongo["referrals"].aggregate(steps).to_list(None)
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
