"""Access to stored referrals: a caller sees those of their role, practices and localities."""

from typing import Any

from shared.delivery.mongo.database import Mongo, Row
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem


def in_localities(caller: Principal) -> dict[str, Any]:
    """A filter on the referrals of the caller's localities."""
    return {"locality": {"$in": sorted(caller.localities)}, "view.created": {"$ne": None}}


def visible(caller: Principal) -> dict[str, Any]:
    """A filter on the referrals that this caller may see."""
    inside = in_localities(caller)
    if caller.role == "referrer":
        return inside | {"view.practice": {"$in": sorted(caller.practices)}}
    if caller.role == "link_worker":
        return inside | {"view.link_worker": caller.link_worker or "nobody"}
    if caller.role in ("programme_admin", "guardian"):
        return inside
    return {"_id": None}


async def find_visible(mongo: Mongo, caller: Principal, referral_id: str) -> Row:
    """The stored document of a referral. Raises a 404 Problem unless the caller may see it."""
    return await _find_one(mongo, {"referral": referral_id} | visible(caller))


async def find_in_localities(mongo: Mongo, caller: Principal, referral_id: str) -> Row:
    """The stored document of a referral of the caller's localities, for callers that casework is asked about.

    Raises a 404 Problem without one.
    """
    return await _find_one(mongo, {"referral": referral_id} | in_localities(caller))


async def _find_one(mongo: Mongo, which: dict[str, Any]) -> Row:
    found: Row | None = await mongo["referrals"].find_one(which)
    if found is None:
        raise Problem(404, code="no_such_referral")
    return found
