"""After a change of a part's fold: stored referrals are folded anew, without touching Kafka."""

import asyncio
import logging
from collections.abc import Sequence
from functools import partial

from pymongo.errors import PyMongoError

from shared.delivery.model.errors import Transient
from shared.delivery.model.service_definition import R, V
from shared.delivery.mongo.database import Transaction
from shared.delivery.unit_of_work.context import ServiceContext
from shared.delivery.unit_of_work.unit_of_work import REFERRALS, UnitOfWork

_PAGE = 200
_PAUSE_SECONDS = 0.02
_REST_SECONDS = 60.0
_log = logging.getLogger(__name__)
Key = tuple[str, str]


async def reproject(worker: ServiceContext[V, R]) -> None:
    """Folds every referral that was folded by an earlier version; runs folds, never decisions.

    Looks again now and then: while versions are exchanged, a process of the old one still writes its fold.
    """
    while True:
        try:
            await _refold_all(worker)
        except (PyMongoError, Transient) as error:
            _log.warning("folding anew waits: %s", type(error).__name__)
            await asyncio.sleep(1)
        else:
            await asyncio.sleep(_REST_SECONDS)


async def _refold_all(worker: ServiceContext[V, R]) -> None:
    last = ""
    while True:
        stale = worker.mongo[REFERRALS].find(
            {"fold": {"$lt": worker.part.fold_version}, "_id": {"$gt": last}}, {"locality": 1, "referral": 1}
        )
        rows = await stale.sort("_id", 1).limit(_PAGE).to_list(None)
        if not rows:
            return
        await _refold(worker, [(row["locality"], row["referral"]) for row in rows])
        last = rows[-1]["_id"]
        await asyncio.sleep(_PAUSE_SECONDS)


async def _refold(worker: ServiceContext[V, R], keys: Sequence[Key]) -> None:
    """Folds these in one transaction, or each half in its own where one of them cannot be folded."""
    try:
        worker.done(await worker.mongo.transact(partial(_fold, worker, keys)))
    except (PyMongoError, Transient):
        raise
    except Exception:
        if len(keys) > 1:
            await _refold(worker, keys[: len(keys) // 2])
            await _refold(worker, keys[len(keys) // 2 :])
        else:
            _log.exception("a referral could not be folded anew", extra={"locality": keys[0][0]})


async def _fold(worker: ServiceContext[V, R], keys: Sequence[Key], tx: Transaction) -> UnitOfWork[V, R]:
    round_ = worker.round(tx)
    await round_.open(keys)
    await round_.write()
    return round_
