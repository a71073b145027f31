"""Forgets what was said in a sandbox a week ago, as its topics do. Nothing is decided on it.

What remains is a function of the facts and the clock, so that a rebuild from the log comes to the same.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from pymongo import DeleteOne, UpdateOne
from pymongo.errors import PyMongoError

from shared.contract.events.topics import SANDBOX_DAYS
from shared.delivery.model.errors import Transient
from shared.delivery.model.service_definition import R, ServiceDefinition, V
from shared.delivery.mongo.database import Row, Transaction
from shared.delivery.unit_of_work.aggregate import ReferralAggregate
from shared.delivery.unit_of_work.context import ServiceContext
from shared.delivery.unit_of_work.unit_of_work import REFERRALS, TASKS

KEPT: Final = timedelta(days=SANDBOX_DAYS)
# A source's clock may be ahead. Beyond that, a fact would be kept for longer than any other.
_AHEAD: Final = timedelta(days=1)
_EVERY_SECONDS: Final = 600.0
_PAGE: Final = 100
_log = logging.getLogger(__name__)


def is_forgotten(recorded: datetime, now: datetime) -> bool:
    """True if a sandbox no longer keeps what was said at this time."""
    return not now - KEPT <= recorded <= now + _AHEAD


async def keep_forgetting(context: ServiceContext[V, R], localities: Sequence[str]) -> None:
    """Forgets in all sandboxes among these localities, every ten minutes, until cancelled."""
    while True:
        for locality in localities:
            if context.definition.is_sandbox(locality):
                await _try_to_forget(context, locality)
        await asyncio.sleep(_EVERY_SECONDS)


async def forget(context: ServiceContext[V, R], locality: str) -> int:
    """Forgets in one sandbox. Returns the number of referrals of which nothing remains.

    Raises:
        ValueError: the locality is no sandbox.
        PyMongoError, Transient: the database is away, or another write came first.
    """
    if not context.definition.is_sandbox(locality):
        raise ValueError(f"{locality} is no sandbox")
    now, last, gone = context.clock(), f"{locality}/", 0
    outside = {"$or": [{"facts.r": {"$lt": now - KEPT}}, {"facts.r": {"$gt": now + _AHEAD}}]}
    while True:
        which = {"_id": {"$gt": last, "$lt": f"{locality}0"}, **outside}  # "0" comes after "/".
        found = context.mongo[REFERRALS].find(which, {"_id": 1}).sort("_id", 1).limit(_PAGE)
        page = [row["_id"] for row in await found.to_list(None)]
        if not page:
            return gone
        work = partial(_forget_page, context.definition, locality, page, now)
        gone += await context.mongo.transact(work)
        last = page[-1]


async def _try_to_forget(context: ServiceContext[V, R], locality: str) -> None:
    try:
        await forget(context, locality)
    except (PyMongoError, Transient) as error:
        _log.warning("forgetting waits: %s", type(error).__name__, extra={"locality": locality})
    except Exception:
        _log.exception("forgetting failed", extra={"locality": locality})


async def _forget_page(
    definition: ServiceDefinition[V, R], locality: str, page: Sequence[str], now: datetime, tx: Transaction
) -> int:
    writes: list[DeleteOne | UpdateOne] = []
    gone: list[str] = []
    async for stored in tx[REFERRALS].find({"_id": {"$in": list(page)}}, session=tx.session):
        kept = [fact for fact in stored["facts"] if not is_forgotten(_utc(fact["r"]), now)]
        if kept:
            writes += _remaining(definition, stored, kept)
        else:
            writes.append(DeleteOne({"_id": stored["_id"]}))
            gone.append(stored["referral"])
    if writes:
        await tx[REFERRALS].bulk_write(writes, session=tx.session, ordered=False)
    if gone:
        tasks = {"locality": locality, "referral": {"$in": gone}}
        await tx[TASKS].delete_many(tasks, session=tx.session)
        await definition.forget(tx, locality, gone)
    return len(gone)


def _remaining(definition: ServiceDefinition[V, R], stored: Row, kept: list[Any]) -> list[UpdateOne]:
    """The write of the facts that remain, and of their view; none if the service cannot fold them."""
    try:
        document = ReferralAggregate.from_document(definition, {**stored, "facts": kept}).document
    except Exception:  # One referral must not hold up the others.
        _log.exception("what remains of a referral cannot be folded", extra={"case": stored["_id"]})
        return []
    rules = definition.fold_rules_version(stored["locality"])
    changed = {"facts": kept, "view": document, "fold": definition.fold_version, "rules": rules}
    return [UpdateOne({"_id": stored["_id"]}, {"$set": changed, "$inc": {"v": 1}})]


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
