"""After a change of a part's fold: stored referrals are folded anew, without touching Kafka."""

import asyncio
import logging
from datetime import timedelta
from functools import partial

from pymongo.errors import PyMongoError

from shared.delivery.batch import Worker
from shared.delivery.errors import Transient
from shared.delivery.mongo import Transaction
from shared.delivery.part import R, V
from shared.delivery.round import REFERRALS, Round

_PAGE = 200
_PAUSE = timedelta(milliseconds=20)
_log = logging.getLogger(__name__)


async def refold(worker: Worker[V, R]) -> None:
    """Folds every referral that was folded by another version; runs folds, never decisions."""
    while True:
        try:
            stale = worker.mongo[REFERRALS].find(
                {"fold": {"$ne": worker.part.fold_version}}, {"locality": 1, "referral": 1}
            )
            keys = [(row["locality"], row["referral"]) for row in await stale.limit(_PAGE).to_list(None)]
            if not keys:
                return
            worker.done(await worker.mongo.transact(partial(_fold, worker, keys)))
        except (PyMongoError, Transient) as error:
            _log.warning("folding anew waits: %s", type(error).__name__)
            await asyncio.sleep(1)
        await asyncio.sleep(_PAUSE.total_seconds())


async def _fold(worker: Worker[V, R], keys: list[tuple[str, str]], tx: Transaction) -> Round[V, R]:
    round_ = worker.round(tx)
    await round_.open(keys)
    await round_.write()
    return round_
