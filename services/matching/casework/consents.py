"""Consents that were recorded here, by a command of a link worker. They alone disclose a name or a plan.

The store is casework's own: nothing that arrives from the bus is written to it, whatever source it names. A
yes holds while the fold has it too, so that a no or a retraction ends it at once.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from pymongo import UpdateOne

from services.matching.booking.diary import Diaries
from services.matching.collections import CONSENTS
from services.matching.referral_state.state import MATCHING_PARTS, ReferralState
from shared.contract.events import outcomes as o
from shared.contract.events import vocabulary as v
from shared.contract.events.fact import Fact
from shared.contract.events.topics import our_parts
from shared.delivery.kernel import Kernel
from shared.delivery.model.service_definition import Changed
from shared.delivery.mongo.database import Mongo, Transaction
from shared.delivery.unit_of_work.aggregate import aggregate_id
from shared.delivery.unit_of_work.unit_of_work import REFERRALS

# The row that tells that the consents of before this store were entered.
_ENTERED: Final = "entered"


async def record_consents(tx: Transaction, changes: Sequence[Changed[ReferralState]]) -> None:
    """Records each yes that this transaction decided, and forgets those of erased people."""
    erased = [_id(each) for each in changes if each.after.story.erased]
    writes = [
        _write(_id(each), yeses)
        for each in changes
        if not each.after.story.erased and (yeses := _yeses(each.own_facts))
    ]
    if writes:
        await tx[CONSENTS].bulk_write(writes, session=tx.session, ordered=False)
    if erased:
        await drop_consents(tx, erased)


async def drop_consents(tx: Transaction, cases: Sequence[str]) -> None:
    """Deletes the consents of these cases."""
    await tx[CONSENTS].delete_many({"_id": {"$in": list(cases)}}, session=tx.session)


async def recorded_consents(mongo: Mongo, locality: str, referral: str) -> frozenset[str]:
    """The ids of the yeses about a referral that were recorded here."""
    row = await mongo[CONSENTS].find_one({"_id": aggregate_id(locality, referral)})
    return frozenset(row["yes"]) if row else frozenset()


def was_recorded(
    view: ReferralState, recorded: frozenset[str], agreement: v.Agreement, prescription: str | None = None
) -> bool:
    """True if a yes that stands was recorded here. The fold says beside it whether it holds."""
    return any(
        fact.id in recorded and fact.key not in view.retracted
        for fact in view.facts
        if isinstance(fact.body, o.SharingChanged)
        and _is_own_yes(fact)
        and (fact.body.agreement, fact.body.prescription_id) == (agreement, prescription)
    )


def sharing_recorded(view: ReferralState, recorded: frozenset[str], prescription: str) -> bool:
    """True if the person agreed to this service of the plan, and the yes was recorded here."""
    one = next((p for p in view.story.prescriptions if p.prescribed.prescription_id == prescription), None)
    if one is None or one.may_share is not v.Agreed.YES:
        return False
    return was_recorded(view, recorded, v.Agreement.SERVICE, prescription)


async def enter_earlier_consents(kernel: Kernel[ReferralState, Diaries]) -> None:
    """Records, once, the yeses that matching had said before there was this store.

    Raises:
        PyMongoError: the database is away.
    """
    consents = kernel.mongo[CONSENTS]
    if await consents.find_one({"_id": _ENTERED}) is not None:
        return
    said = {"facts.s": {"$regex": "^/[a-z-]+/matching$"}}
    async for row in kernel.mongo[REFERRALS].find(said):
        yeses = _yeses(kernel.facts_of(row))
        if yeses:
            await consents.bulk_write([_write(row["_id"], yeses)])
    await consents.update_one({"_id": _ENTERED}, {"$set": {"at": kernel.clock()}}, upsert=True)


def _id(change: Changed[ReferralState]) -> str:
    return aggregate_id(change.locality, change.referral_id)


def _yeses(facts: Iterable[Fact]) -> list[str]:
    return [fact.id for fact in facts if _is_own_yes(fact)]


def _is_own_yes(fact: Fact) -> bool:
    yes = isinstance(fact.body, o.SharingChanged) and fact.body.agreed is v.Agreed.YES
    return yes and not MATCHING_PARTS.isdisjoint(our_parts(fact.source))


def _write(identity: str, yeses: Sequence[str]) -> UpdateOne:
    return UpdateOne({"_id": identity}, {"$addToSet": {"yes": {"$each": list(yeses)}}}, upsert=True)
