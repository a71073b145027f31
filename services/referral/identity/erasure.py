"""Erasing a person: their key is deleted, with everything that could lead to them."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from services.referral.collections import (
    ENTRIES,
    ERASED,
    KEYS,
    LOOKUPS,
    NOTES,
    PEOPLE,
    Source,
    session_of,
)
from services.referral.identity import commands
from services.referral.identity.context import ReferralContext
from services.referral.identity.vault.entries import entries, entries_of_person, entry_id
from services.referral.referral_state.queries import find_visible
from services.referral.referral_state.state import ReferralState
from shared.delivery.model.decision import Decision, DecisionContext
from shared.delivery.mongo.database import Mongo, Row, Transaction
from shared.delivery.unit_of_work.commands import IDEMPOTENCY
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem


@dataclass(frozen=True, slots=True)
class Tombstone:
    """An erased person, as random references only. No event about the `untold` referrals says so yet."""

    person: str
    locality: str
    referrals: tuple[str, ...]
    untold: tuple[str, ...]


async def erase_person(context: ReferralContext, caller: Principal, referral_id: str) -> None:
    """Erases the person behind a referral whose details are in our vault. Safe to repeat.

    One transaction deletes the key and everything that leads to the person. Then an event about each of
    their referrals says so. After a crash, `finish_erasures` publishes the rest at the next start. Raises
    404 and 409 Problems.
    """
    row = await find_visible(context.mongo, caller, referral_id)
    locality = row["locality"]
    entry = (await entries(context.mongo, locality, [referral_id])).get(referral_id)
    if entry is not None:
        now = context.kernel.clock()
        await context.kernel.transact(
            partial(delete_person, locality=locality, person=entry.person, now=now, by=caller.subject)
        )
    elif not await erased_among(context.mongo, locality, [referral_id]):
        raise Problem(409, code="kept_by_partner", detail="The details are kept by the partner.")
    await finish_erasures(context)


async def finish_erasures(context: ReferralContext) -> None:
    """Publishes person_erased about every referral of an erased person that lacks it."""
    for stone in await unfinished_erasures(context.mongo):
        for referral in stone.untold:
            await _publish_erased(context, stone, referral)


async def _publish_erased(context: ReferralContext, stone: Tombstone, referral: str) -> None:
    def act(state: ReferralState, _: None, decision_context: DecisionContext) -> Decision:
        return commands.erase(stone.person, state, decision_context)

    async def within(tx: Transaction, _: DecisionContext) -> None:
        await mark_published(tx, stone.person, referral)

    await context.kernel.command(stone.locality, referral, act, within=within)


async def delete_person(tx: Transaction, locality: str, person: str, now: datetime, by: str) -> Tombstone:
    """Deletes everything stored of a person and leaves a tombstone. Safe to repeat."""
    standing = await tx[ERASED].find_one({"_id": person}, session=tx.session)
    if standing is not None:
        return _tombstone(standing)
    referrals = sorted(entry.referral for entry in await entries_of_person(tx, person))
    row = {
        "_id": person,
        "locality": locality,
        "referrals": referrals,
        "untold": referrals,
        "at": now,
        "by": by,
    }
    await tx[ERASED].insert_one(row, session=tx.session)
    stone = _tombstone(row)
    await _delete(tx, stone)
    return stone


async def mark_published(tx: Transaction, person: str, referral: str) -> None:
    """Records that an event about this referral says that the person was erased."""
    await tx[ERASED].update_one({"_id": person}, {"$pull": {"untold": referral}}, session=tx.session)


async def erased_among(source: Source, locality: str, referrals: list[str]) -> set[str]:
    """Those of these referrals that belong to an erased person."""
    wanted = {"locality": locality, "referrals": {"$in": referrals}}
    found = source[ERASED].find(wanted, session=session_of(source))
    return {referral async for row in found for referral in row["referrals"]} & set(referrals)


async def unfinished_erasures(mongo: Mongo) -> list[Tombstone]:
    """Tombstones with referrals that lack the event."""
    return [_tombstone(row) async for row in mongo[ERASED].find({"untold": {"$ne": []}})]


async def replay(mongo: Mongo) -> int:
    """Erases again after a restore, for every tombstone. Gives the number of people who had come back."""
    again = 0
    async for row in mongo[ERASED].find({}):
        stone = _tombstone(row)
        if await _came_back(mongo, stone.person):
            again += 1
            await mongo.transact(partial(_delete, stone=stone))
    return again


async def _came_back(mongo: Mongo, person: str) -> bool:
    wanted = [(KEYS, "_id"), (PEOPLE, "_id"), (LOOKUPS, "person"), (NOTES, "person"), (ENTRIES, "person")]
    found = [await mongo[collection].find_one({field: person}, {"_id": 1}) for collection, field in wanted]
    return any(row is not None for row in found)


async def _delete(tx: Transaction, stone: Tombstone) -> None:
    person = stone.person
    referrals = [entry_id(stone.locality, referral) for referral in stone.referrals]
    await tx[KEYS].delete_one({"_id": person}, session=tx.session)
    await tx[PEOPLE].delete_one({"_id": person}, session=tx.session)
    await tx[LOOKUPS].delete_many({"person": person}, session=tx.session)
    await tx[NOTES].delete_many({"person": person}, session=tx.session)
    await tx[ENTRIES].delete_many({"person": person}, session=tx.session)
    # Stored replies hold a digest of the request.
    await tx[IDEMPOTENCY].delete_many({"referral": {"$in": referrals}}, session=tx.session)


def _tombstone(row: Row) -> Tombstone:
    return Tombstone(str(row["_id"]), str(row["locality"]), _texts(row["referrals"]), _texts(row["untold"]))


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(each) for each in value) if isinstance(value, (list, tuple)) else ()
