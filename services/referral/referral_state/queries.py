"""Access to stored referrals: a caller sees those of their role, practices and localities."""

from typing import Any

from shared.delivery.mongo.database import Mongo, Row
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem


def visible(caller: Principal) -> dict[str, Any]:
    """A filter on the referrals that this caller may see."""
    inside: dict[str, Any] = {"locality": {"$in": sorted(caller.localities)}, "view.created": {"$ne": None}}
    if caller.role == "referrer":
        return inside | {"view.practice": {"$in": sorted(caller.practices)}}
    if caller.role == "link_worker":
        return inside | {"view.link_worker": caller.link_worker or "nobody"}
    if caller.role in ("programme_admin", "guardian"):
        return inside
    return {"_id": None}


async def find_visible(mongo: Mongo, caller: Principal, referral_id: str) -> Row:
    """The stored document of a referral. Raises a 404 Problem unless the caller may see it."""
    found: Row | None = await mongo["referrals"].find_one({"referral": referral_id} | visible(caller))
    if found is None:
        raise Problem(404, code="no_such_referral")
    return found
