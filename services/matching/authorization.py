"""The cases that a caller may read or change. Any other case gets the answer for a missing case."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

from services.matching.collections import LINK_WORKERS
from services.matching.errors import Refused
from services.matching.roster.covers import covers_case
from services.matching.roster.link_workers import LinkWorker
from services.matching.roster.repository import worker_of
from services.matching.web.refusals import problem_of
from shared.delivery.mongo.database import Mongo, Row
from shared.delivery.unit_of_work.unit_of_work import REFERRALS
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem

Filter = Mapping[str, Any]
LINK_WORKER: Final = ("link_worker",)
# Both may be present when a meeting is arranged.
AT_THE_DESK: Final = ("link_worker", "referrer")
# Roles of other parts: our own services, and partners that own a part.
OTHER_PARTS: Final = ("service", "partner")


def within_localities(caller: Principal) -> dict[str, Any]:
    """The filter that keeps a query inside the caller's localities."""
    if caller.role == "service" and "*" in caller.localities:
        return {}
    return {"locality": {"$in": sorted(caller.localities)}}


async def find_case(
    mongo: Mongo, caller: Principal, which: Filter, roles: Collection[str], now: datetime
) -> Row:
    """The stored referral that `which` names, if the caller has one of these roles and may touch it.

    A link worker may touch their own cases, and those that they cover `now`.

    Raises:
        Problem: 403 for another role, 404 for a missing case or a case of another caseload.
    """
    if caller.role not in roles:
        raise Problem(403, code="role", detail="Your role does not include this.")
    wanted = {"$and": [{**which, "view.created": {"$ne": None}}, within_localities(caller)]}
    found: list[Row] = await mongo[REFERRALS].find(wanted).limit(2).to_list(None)
    if len(found) != 1 or not await _may_touch(mongo, caller, found[0], which, now):
        raise problem_of(Refused("unknown_case"))
    return found[0]


async def _may_touch(mongo: Mongo, caller: Principal, row: Row, which: Filter, now: datetime) -> bool:
    practice, whose = row["view"]["created"]["practice"], row["view"]["link_worker"]
    if caller.role == "link_worker":
        if caller.link_worker is None:
            return False
        if whose == caller.link_worker:
            return True
        if whose is None:
            worker = await own_entry(mongo, caller)
            if worker is not None and practice in worker.practices:
                return True
        return await covers_case(mongo, row["locality"], row["referral"], caller.link_worker, now)
    if caller.role == "referrer":
        return caller.may_practice(practice)
    if caller.role == "provider":
        wanted = which.get("view.prescriptions.id")
        mine = {p["service"] for p in row["view"]["prescriptions"] if p["id"] == wanted}
        return any(f"service:{service}" in caller.scopes for service in mine)
    return True


async def own_entry(mongo: Mongo, caller: Principal) -> LinkWorker | None:
    """The caller's own entry among the link workers."""
    if caller.link_worker is None:
        return None
    row = await mongo[LINK_WORKERS].find_one({"_id": caller.link_worker, **within_localities(caller)})
    return worker_of(row) if row else None


async def link_worker_for(mongo: Mongo, caller: Principal, link_worker: str) -> LinkWorker:
    """The link worker for whom the caller acts: themselves, or for the programme any of its localities.

    Raises:
        Problem: 404 otherwise.
    """
    own = caller.role == "link_worker" and caller.link_worker == link_worker
    if own or caller.role in ("programme_admin", *OTHER_PARTS):
        row = await mongo[LINK_WORKERS].find_one({"_id": link_worker, **within_localities(caller)})
        if row is not None:
            return worker_of(row)
    raise problem_of(Refused("unknown_link_worker"))
