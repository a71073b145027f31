"""Folds stored referrals again after a change of the fold or of the table, without reading Kafka."""

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import Sequence
from functools import partial

from pymongo.errors import PyMongoError

from shared.delivery.model.errors import Transient
from shared.delivery.model.service_definition import R, V
from shared.delivery.mongo.database import Document, Transaction
from shared.delivery.unit_of_work.context import ServiceContext
from shared.delivery.unit_of_work.unit_of_work import REFERRALS, UnitOfWork

_PAGE = 200
_PAUSE_SECONDS = 0.02
_REST_SECONDS = 60.0
_log = logging.getLogger(__name__)
Key = tuple[str, str]


async def reproject(
    worker: ServiceContext[V, R], localities: Sequence[str], rules_changed: asyncio.Event
) -> None:
    """Folds every referral that an earlier version of the fold, or an earlier table, has made.

    It never decides. It searches again when the table changes, and every minute, as during a deployment
    processes of the old version still write.
    """
    while True:
        rules_changed.clear()
        try:
            for stale in _stale(worker, localities):
                await _reproject_all(worker, stale)
        except (PyMongoError, Transient) as error:
            _log.warning("reprojection waits: %s", type(error).__name__)
            await asyncio.sleep(1)
        else:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(rules_changed.wait(), _REST_SECONDS)


def _stale(worker: ServiceContext[V, R], localities: Sequence[str]) -> list[Document]:
    """Filters of the referrals to fold again."""
    fold = worker.definition.fold_version
    slugs: dict[int, list[str]] = defaultdict(list)
    for slug in localities:
        slugs[worker.definition.fold_rules_version(slug)].append(slug)
    # A document of before the control topic names no version, which the negation finds too.
    by_rules = [
        {"fold": fold, "locality": {"$in": named}, "rules": {"$not": {"$gte": version}}}
        for version, named in slugs.items()
        if version
    ]
    return [{"fold": {"$lt": fold}}, *by_rules]


async def _reproject_all(worker: ServiceContext[V, R], stale: Document) -> None:
    last = ""
    while True:
        found = worker.mongo[REFERRALS].find({**stale, "_id": {"$gt": last}}, {"locality": 1, "referral": 1})
        rows = await found.sort("_id", 1).limit(_PAGE).to_list(None)
        if not rows:
            return
        await _reproject(worker, [(row["locality"], row["referral"]) for row in rows])
        last = rows[-1]["_id"]
        await asyncio.sleep(_PAUSE_SECONDS)


async def _reproject(worker: ServiceContext[V, R], keys: Sequence[Key]) -> None:
    """Folds these referrals in one transaction, or in halves if one of them cannot be folded."""
    try:
        worker.committed(await worker.mongo.transact(partial(_fold, worker, keys)))
    except (PyMongoError, Transient):
        raise
    except Exception:
        if len(keys) > 1:
            await _reproject(worker, keys[: len(keys) // 2])
            await _reproject(worker, keys[len(keys) // 2 :])
        else:
            _log.exception("a referral could not be reprojected", extra={"locality": keys[0][0]})


async def _fold(worker: ServiceContext[V, R], keys: Sequence[Key], tx: Transaction) -> UnitOfWork[V, R]:
    unit_of_work = worker.unit_of_work(tx)
    await unit_of_work.read(keys)
    await unit_of_work.write()
    return unit_of_work
