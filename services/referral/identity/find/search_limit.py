"""Limits the searches of one caller in an hour. All replicas share the count."""

from datetime import datetime, timedelta
from typing import Final

from services.referral.collections import SEARCHES
from services.referral.identity.context import ReferralContext
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem

_WINDOW: Final = timedelta(hours=1)


async def count_search(context: ReferralContext, caller: Principal) -> None:
    """Counts a search before it is done. Raises a 429 Problem with Retry-After beyond the limit."""
    now, most = context.kernel.clock(), context.settings.searches_an_hour
    await context.mongo[SEARCHES].insert_one({"caller": caller.subject, "at": now})
    wanted = {"caller": caller.subject, "at": {"$gt": now - _WINDOW}}
    if await context.mongo[SEARCHES].count_documents(wanted, limit=most + 1) <= most:
        return
    latest = await context.mongo[SEARCHES].find(wanted).sort("at", -1).skip(most).limit(1).to_list(1)
    raise _too_many((latest[0]["at"] if latest else now) + _WINDOW, now)


def _too_many(until: datetime, now: datetime) -> Problem:
    seconds = max(1, round((until - now).total_seconds()))
    detail = f"You have searched very often in the last hour. Try again in {-(-seconds // 60)} minutes."
    return Problem(429, code="too_many_searches", detail=detail, headers={"retry-after": str(seconds)})
