"""The look at every open referral, once after a part has become ours.

Facts that came while another owner decided were folded only. One process looks at all referrals that may need
a decision, page by page, and notes how far it came: another goes on there.
"""

import logging
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import Final

from shared.delivery.chunks import in_chunks
from shared.delivery.model.errors import Conflict, Transient
from shared.delivery.model.service_definition import R, V
from shared.delivery.mongo.database import Document, Mongo, Transaction
from shared.delivery.ownership.standing import OWNERSHIP, Key, document_id
from shared.delivery.unit_of_work.context import ServiceContext
from shared.delivery.unit_of_work.unit_of_work import UnitOfWork

_PAGE: Final = 50
_Page = tuple[int, list[str]]
_MAX_CONFLICTS: Final = 30
_log = logging.getLogger(__name__)


async def look_at_all(context: ServiceContext[V, R], locality: str, epoch: int) -> None:
    """Looks at what is left to look at, for as long as this process may decide.

    Raises:
        PyMongoError, Transient: the database is away, or the part is another owner's by now.
    """
    key: Key = (locality, context.definition.decides_as)
    documents, ours = context.mongo[OWNERSHIP], _not_looked(key, epoch)
    row = await documents.find_one(ours)
    if row is None or not await _leads(context, locality):
        return
    rounds = await context.definition.look_at(context.mongo, locality, context.clock())
    left = _behind(rounds, row.get("looked_to", ""))
    _log.info("the part is ours: %d referrals are looked at", len(left), extra={"locality": locality})
    for number, page in _pages(left):
        if not await _leads(context, locality):
            return
        await _look_at(context, locality, (number, page))
        await documents.update_one(ours, {"$set": {"looked_to": _place(number, page[-1])}})
    await has_looked(context.mongo, key, epoch)


def _behind(rounds: Sequence[list[str]], looked_to: str) -> list[tuple[int, str]]:
    """The referrals that are left, each with its round. The look may move one to an earlier round."""
    named = [(number, referral) for number, each in enumerate(rounds) for referral in sorted(each)]
    return [each for each in named if _place(*each) > looked_to]


def _pages(left: Sequence[tuple[int, str]]) -> Iterator[_Page]:
    """Pages of one round each: what is reserved in one round is stored before the next begins."""
    for number, each in groupby(left, key=lambda named: named[0]):
        found = [referral for _, referral in each]
        yield from ((number, found[at : at + _PAGE]) for at in range(0, len(found), _PAGE))


def _place(number: int, referral: str) -> str:
    return f"{number}/{referral}"


async def has_looked(mongo: Mongo, key: Key, epoch: int) -> None:
    """Notes that everything was looked at.

    Raises:
        PyMongoError: the database is away.
    """
    change = {"$set": {"looked": True}, "$unset": {"looked_to": ""}}
    await mongo[OWNERSHIP].update_one(_not_looked(key, epoch), change)


def _not_looked(key: Key, epoch: int) -> Document:
    return {"_id": document_id(key), "epoch": epoch, "decides": True, "looked": False}


async def _leads(context: ServiceContext[V, R], locality: str) -> bool:
    """True if this process looks: the one that decides, or else the one with a lease for it."""
    if context.definition.exclusive is not None:
        return context.leads(locality)
    return await context.leases.take(f"look/{locality}")


async def _look_at(context: ServiceContext[V, R], locality: str, page: _Page) -> None:
    """Looks at these referrals in one transaction, or in halves if one of them cannot be decided."""
    conflicts = 0
    number, referrals = page
    while True:
        try:
            done = await context.mongo.transact(partial(_decide, context, locality, page))
        except Conflict:
            conflicts += 1
            if conflicts > _MAX_CONFLICTS:
                raise
            continue
        except Transient:
            raise
        except Exception:
            if len(referrals) == 1:
                _log.exception("a referral could not be looked at", extra={"locality": locality})
                return
            await _look_at(context, locality, (number, referrals[: len(referrals) // 2]))
            await _look_at(context, locality, (number, referrals[len(referrals) // 2 :]))
            return
        context.committed(done)
        return


async def _decide(
    context: ServiceContext[V, R], locality: str, page: _Page, tx: Transaction
) -> UnitOfWork[V, R]:
    number, referrals = page
    definition = context.definition
    look = (definition.look_first if number == 0 else None) or definition.look
    unit_of_work = context.unit_of_work(tx)
    if look is None or not unit_of_work.owns(locality):
        raise Conflict("the part has another owner")
    await unit_of_work.read([(locality, referral) for referral in referrals])
    # In the page's order: the database gives them in any.
    aggregates = [unit_of_work.aggregate(locality, referral) for referral in referrals]
    await unit_of_work.fold(aggregates)
    resources = await unit_of_work.load_resources(aggregates)
    async for chunk in in_chunks(aggregates):
        for aggregate in chunk:
            moment = unit_of_work.decision_context(aggregate)
            decision = look(aggregate.view, resources, moment)
            unit_of_work.decide_after(aggregate, aggregate.apply(decision, moment), resources, moment)
    await unit_of_work.write()
    return unit_of_work
