"""Sweeps for unaccounted referrals: open, with neither a meeting nor a stated reason for none.

The policy leaves none. The sweeper guards against unknown faults.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from pymongo.errors import PyMongoError

from services.matching.booking.diary import Diaries
from services.matching.booking.policy import BOOKING_TASK, CATCH_UP_DELAY, reconcile_now
from services.matching.referral_state.state import ReferralState
from shared.delivery.kernel import Kernel
from shared.delivery.model.errors import NotOwner, Transient
from shared.delivery.mongo.server_time import server_now_plus
from shared.delivery.unit_of_work.aggregate import aggregate_id
from shared.delivery.unit_of_work.unit_of_work import DECIDE_LATER, REFERRALS, TASKS

EVERY_SECONDS: Final = 30.0
_MAX_REFERRALS: Final = 200
_SOON: Final = CATCH_UP_DELAY + timedelta(seconds=10)
_log = logging.getLogger(__name__)


async def keep_sweeping(kernel: Kernel[ReferralState, Diaries]) -> None:
    """Sweeps for ever. Continues after a failure of the database."""
    before: frozenset[str] = frozenset()
    while True:
        await asyncio.sleep(EVERY_SECONDS)
        try:
            before = await sweep(kernel, before)
        except (PyMongoError, Transient) as error:
            _log.warning("not swept for unaccounted referrals: %s", type(error).__name__)


async def sweep(kernel: Kernel[ReferralState, Diaries], before: frozenset[str]) -> frozenset[str]:
    """Decides again for referrals that were unaccounted `before` and have no retry soon.

    Returns all referrals that were unaccounted when it began.

    Raises:
        PyMongoError, Transient: the database is away.
    """
    owned = [name for name in kernel.localities if kernel.decides(name, "booking")]
    # A look decides about all of them, and this would hold it up.
    ours = [name for name in owned if not kernel.is_looking(name)]
    wanted = {"view.unaccounted": True, "locality": {"$in": ours}}
    found = kernel.mongo[REFERRALS].find(wanted, {"locality": 1, "referral": 1}).limit(_MAX_REFERRALS)
    unaccounted = {row["_id"]: row async for row in found}
    again = [row for identity, row in unaccounted.items() if identity in before]
    soon = await _looked_at_soon(kernel, [row["_id"] for row in again])
    for row in again:
        if row["_id"] not in soon:
            _log.warning("a referral had neither a meeting nor a reason", extra={"case": row["_id"]})
            try:
                await kernel.command(row["locality"], row["referral"], reconcile_now)
            except (PyMongoError, Transient):
                raise
            except NotOwner:  # by now, and its new owner looks at every referral
                continue
            except Exception:  # a failure of one referral must not stop the others
                _log.exception("deciding again on a referral failed", extra={"case": row["_id"]})
    return frozenset(unaccounted)


async def _looked_at_soon(kernel: Kernel[ReferralState, Diaries], cases: Sequence[str]) -> set[str]:
    what, about = BOOKING_TASK
    of = {f"{what}|{case}|{about}": case for case in cases}
    rested_soon = {"$expr": {"$lt": ["$not_before", server_now_plus(_SOON)]}}
    due = {"_id": {"$in": list(of)}, "at": {"$lt": kernel.clock() + _SOON}, **rested_soon}
    looked_at = {of[row["_id"]] async for row in kernel.mongo[TASKS].find(due, {"_id": 1})}
    asked = {"what": DECIDE_LATER, **rested_soon}  # of the consumers here, which may have a backlog
    decided = {
        aggregate_id(row["locality"], row["referral"])
        async for row in kernel.mongo[TASKS].find(asked, {"locality": 1, "referral": 1})
    }
    return looked_at | decided.intersection(cases)
