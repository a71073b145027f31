"""Referrals returned to a practice: those that wait for an answer, and those filed without one."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from services.referral.collections import FILED
from services.referral.identity.context import ReferralContext
from services.referral.identity.vault.entries import entry_id
from services.referral.referral_state.queries import find_visible, visible
from shared.contract.history import Stage
from shared.delivery.mongo.database import Mongo, Row, Transaction
from shared.delivery.unit_of_work.unit_of_work import REFERRALS
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem


async def unanswered(mongo: Mongo, caller: Principal) -> frozenset[str]:
    """Ids of returned referrals that the caller's practices neither sent again nor filed.

    A later referral of the same person is an answer too, even without a reference to the returned one.
    """
    seen, fields = visible(caller), {"locality": 1, "referral": 1, "view.person": 1, "view.created": 1}
    returned: list[Row] = (
        await mongo[REFERRALS].find(seen | {"view.stage": Stage.RETURNED}, fields).to_list(None)
    )
    if not returned:
        return frozenset()
    ids = [row["referral"] for row in returned]
    people = sorted({row["view"]["person"] for row in returned})
    later = {"$or": [{"view.resends": {"$in": ids}}, {"view.person": {"$in": people}}]}
    others = await mongo[REFERRALS].find(seen | later, fields | {"view.resends": 1}).to_list(None)
    sent_again = {row["view"]["resends"] for row in others}
    latest = {row["view"]["person"]: row["view"]["created"] for row in sorted(others, key=_created)}
    entry_ids = [entry_id(row["locality"], row["referral"]) for row in returned]
    filed = {row["_id"] async for row in mongo[FILED].find({"_id": {"$in": entry_ids}}, {"_id": 1})}
    return frozenset(
        row["referral"]
        for row, entry in zip(returned, entry_ids, strict=True)
        if row["referral"] not in sent_again
        and entry not in filed
        and latest.get(row["view"]["person"], row["view"]["created"]) <= row["view"]["created"]
    )


async def is_sent_again(mongo: Mongo, caller: Principal, referral_id: str) -> bool:
    """True if another referral replaces this one."""
    wanted = visible(caller) | {"view.resends": referral_id}
    return await mongo[REFERRALS].find_one(wanted, {"_id": 1}) is not None


async def file_returned(context: ReferralContext, caller: Principal, referral_id: str) -> None:
    """Files a returned referral that is not sent again. Safe to repeat. 404 and 409 Problems; NotOwner."""
    row = await find_returned(context.mongo, caller, referral_id)
    context.require_ours(row["locality"])
    filed = {"$setOnInsert": {"by": caller.subject, "at": context.kernel.clock()}}
    entry = entry_id(row["locality"], referral_id)

    async def work(tx: Transaction) -> None:
        await tx[FILED].update_one({"_id": entry}, filed, upsert=True, session=tx.session)

    change = replace(context.change(caller, "file_returned", row["locality"]), subject_ref=referral_id)
    await context.kernel.transact(work, change=change)


async def forget_filed(tx: Transaction, locality: str, referrals: Sequence[str]) -> None:
    """Deletes what was filed of referrals that a sandbox forgets."""
    filed = [entry_id(locality, referral) for referral in referrals]
    await tx[FILED].delete_many({"_id": {"$in": filed}}, session=tx.session)


async def find_returned(mongo: Mongo, caller: Principal, referral_id: str) -> Row:
    """The document of a returned referral. Raises a 404 Problem, or a 409 if it was not returned."""
    row = await find_visible(mongo, caller, referral_id)
    if row["view"]["stage"] != Stage.RETURNED:
        raise Problem(409, code="not_sent_back", detail="This referral was not sent back, or is open again.")
    return row


def _created(row: Row) -> datetime:
    created: datetime = row["view"]["created"]
    return created
