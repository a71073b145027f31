"""Erases a sandbox's referrals a day before they are forgotten, so that every part gives up what it holds.

Booking frees the times, casework the plans, the vault the details: what each does for an erasure anyway.
"""

import asyncio
import logging
from datetime import timedelta
from functools import partial
from typing import Final

from pymongo.errors import PyMongoError

from services.referral.identity import commands
from services.referral.identity.context import ReferralContext
from services.referral.identity.erasure import delete_person, finish_erasures
from services.referral.identity.vault.entries import entries
from services.referral.referral_state.state import ReferralState
from shared.contract.events.topics import SANDBOX_DAYS
from shared.contract.history import Stage
from shared.delivery.model.decision import Decision, DecisionContext
from shared.delivery.model.errors import Transient
from shared.delivery.unit_of_work.unit_of_work import REFERRALS

ERASED_AFTER: Final = timedelta(days=SANDBOX_DAYS - 1)
# The audit's name for the one who erases.
_BY: Final = "sandbox"
_AT_ONCE: Final = 200
_EVERY_SECONDS: Final = 600.0
_log = logging.getLogger(__name__)


async def erase_old_referrals(context: ReferralContext, locality: str) -> int:
    """Erases referrals of this sandbox that are six days old. Returns their number. Safe to repeat.

    Raises:
        ValueError: the locality is no sandbox.
        PyMongoError, Transient: the database is away.
    """
    if not context.localities.is_sandbox(locality):
        raise ValueError(f"{locality} is no sandbox")
    now = context.kernel.clock()
    which = {
        "_id": {"$gt": f"{locality}/", "$lt": f"{locality}0"},
        "facts.r": {"$lt": now - ERASED_AFTER},
        "view.stage": {"$nin": [Stage.ERASED.value, Stage.UNKNOWN.value]},
    }
    fields = {"referral": 1, "view.person": 1}
    rows = await context.mongo[REFERRALS].find(which, fields).limit(_AT_ONCE).to_list(None)
    ours = await entries(context.mongo, locality, [row["referral"] for row in rows])
    for person in sorted({entry.person for entry in ours.values()}):
        deleting = partial(delete_person, locality=locality, person=person, now=now, by=_BY)
        await context.kernel.transact(deleting)
    await finish_erasures(context)
    for row in rows:
        if row["referral"] not in ours:
            await _say_erased(context, locality, row["referral"], row["view"]["person"])
    return len(rows)


async def keep_erasing(context: ReferralContext) -> None:
    """Erases in the sandboxes that this process serves, every ten minutes, until cancelled."""
    while True:
        for locality in context.kernel.localities:
            if context.localities.is_sandbox(locality) and context.speaks(locality):
                try:
                    await erase_old_referrals(context, locality)
                except (PyMongoError, Transient) as error:
                    name = type(error).__name__
                    _log.warning("erasing a sandbox waits: %s", name, extra={"locality": locality})
                except Exception:
                    _log.exception("erasing a sandbox failed", extra={"locality": locality})
        await asyncio.sleep(_EVERY_SECONDS)


async def _say_erased(context: ReferralContext, locality: str, referral: str, person: str) -> None:
    """Says it of a referral whose person is in a partner's vault. The partner deletes the details."""

    def act(state: ReferralState, _: None, decision: DecisionContext) -> Decision:
        return commands.erase(person, state, decision)

    await context.kernel.command(locality, referral, act)
