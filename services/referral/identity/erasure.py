"""Erasing a person: their key is deleted, with everything that could lead to them."""

import asyncio
import logging
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Final

from pymongo.errors import PyMongoError

from services.referral.collections import (
    ENTRIES,
    ERASED,
    KEYS,
    LOOKUPS,
    NOTES,
    PEOPLE,
    TERMS,
    Source,
    session_of,
)
from services.referral.identity import commands
from services.referral.identity.context import ReferralContext
from services.referral.identity.vault.entries import entries, entries_of_person, entry_id
from services.referral.referral_state.queries import find_visible
from services.referral.referral_state.state import ReferralState
from shared.contract.events.outcomes import PersonErased
from shared.contract.events.topics import partner_source
from shared.contract.history import Stage
from shared.delivery.model.decision import Decision, DecisionContext
from shared.delivery.model.errors import NotOwner, Transient
from shared.delivery.mongo.database import Mongo, Row, Transaction
from shared.delivery.unit_of_work.commands import IDEMPOTENCY
from shared.delivery.unit_of_work.unit_of_work import REFERRALS
from shared.platform.web.principal import Principal
from shared.platform.web.problem import Problem

_EVERY_SECONDS: Final = 30.0
# The tombstone's name for another owner of referral.
_OWNER: Final = "owner"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Tombstone:
    """An erased person, as random references only. No event about the `untold` referrals says so yet."""

    person: str
    locality: str
    referrals: tuple[str, ...]
    untold: tuple[str, ...]
    actor: str = ""


async def erase_person(context: ReferralContext, caller: Principal, referral_id: str) -> None:
    """Erases the person behind a referral whose details are in our vault. Safe to repeat.

    One transaction deletes the key and everything that leads to the person. Then an event about each of
    their referrals says so. After a crash, `finish_erasures` publishes the rest at the next start.

    Raises:
        Problem: 404, or 409 if a partner keeps the details.
        NotOwner: another owner of referral erases in this locality.
    """
    row = await find_visible(context.mongo, caller, referral_id)
    locality = row["locality"]
    context.require_ours(locality)
    entry = (await entries(context.mongo, locality, [referral_id])).get(referral_id)
    if entry is not None:
        now = context.kernel.clock()
        change = replace(context.change(caller, "erase_person", locality), subject_ref=referral_id)
        deleting = partial(
            delete_person,
            locality=locality,
            person=entry.person,
            now=now,
            by=caller.subject,
            actor=change.actor,
        )
        await context.kernel.transact(deleting, change=change)
    elif not await erased_among(context.mongo, locality, [referral_id]):
        raise Problem(409, code="kept_by_partner", detail="The details are kept by the partner.")
    await finish_erasures(context)


async def finish_erasures(context: ReferralContext) -> None:
    """Publishes person_erased about every referral of an erased person that lacks it.

    Those of a locality that is another owner's wait until it is ours again. While the vault is closed, all
    wait: a restored tombstone does not know what was said since the back-up.
    """
    if not context.vault.is_open:
        return
    for stone in await unfinished_erasures(context.mongo):
        try:
            for referral in stone.untold if context.speaks(stone.locality) else ():
                await _publish_erased(context, stone, referral)
        except NotOwner:
            _log.warning("an erasure was not said before a hand-over", extra={"locality": stone.locality})


async def follow_owners_erasures(context: ReferralContext, locality: str) -> int:
    """Deletes what our vault holds of people whom another owner of referral erased. Returns their number.

    The owner has said it of each of their referrals. Safe to repeat.
    """
    return await erase_people_of(context, locality, await _erased_by_owner(context, locality), _OWNER)


async def erase_people_of(
    context: ReferralContext, locality: str, referrals: Collection[str], by: str, told: Collection[str] = ()
) -> int:
    """Erases the people behind these referrals who are still in our vault. Returns their number.

    `told`: referrals about which the log says so already.
    """
    held = await entries(context.mongo, locality, referrals)
    persons = sorted({entry.person for entry in held.values()})
    for person in persons:
        now = context.kernel.clock()
        deleting = partial(delete_person, locality=locality, person=person, now=now, by=by, told=told)
        await context.kernel.transact(deleting)
    return len(persons)


async def _erased_by_owner(context: ReferralContext, locality: str) -> list[str]:
    """Referrals of erased people.

    That the owner erased somebody whom we referred does not count in the fold (F15), but our vault obeys it.
    """
    wanted = {"locality": locality, "view.stage": Stage.ERASED.value}
    rows = await context.mongo[REFERRALS].find(wanted, {"referral": 1}).to_list(None)
    found = [str(row["referral"]) for row in rows]
    owner = context.owner(locality)
    if owner is not None:
        source = partner_source(locality, owner.name)
        said = {"view.uncounted.source": source, "locality": locality}
        async for row in context.mongo[REFERRALS].find(said):
            facts = context.kernel.facts_of(row)
            if any(fact.source == source and isinstance(fact.body, PersonErased) for fact in facts):
                found.append(str(row["referral"]))
    return found


async def keep_following(context: ReferralContext) -> None:
    """Obeys erasures of other owners, and says those that were not said, every 30 s, until cancelled."""
    while True:
        try:
            for locality in context.kernel.localities:
                if not context.speaks(locality):
                    await follow_owners_erasures(context, locality)
            await finish_erasures(context)
        except (PyMongoError, Transient) as error:
            _log.warning("erasures wait: %s", type(error).__name__)
        except Exception:
            _log.exception("erasures failed")
        await asyncio.sleep(_EVERY_SECONDS)


async def _publish_erased(context: ReferralContext, stone: Tombstone, referral: str) -> None:
    def act(state: ReferralState, _: None, decision_context: DecisionContext) -> Decision:
        return commands.erase(stone.person, state, decision_context)

    async def within(tx: Transaction, _: DecisionContext) -> None:
        await mark_published(tx, stone.person, referral)

    await context.kernel.command(stone.locality, referral, act, within=within, actor=stone.actor or None)


async def delete_person(
    tx: Transaction,
    locality: str,
    person: str,
    now: datetime,
    by: str,
    actor: str = "",
    told: Collection[str] = (),
) -> Tombstone:
    """Deletes everything stored of a person and leaves a tombstone. Safe to repeat.

    `actor`: the word by which the events name the person who erases. `told`: referrals about which the log
    says so already.
    """
    standing = await tx[ERASED].find_one({"_id": person}, session=tx.session)
    if standing is not None:
        return _tombstone(standing)
    referrals = sorted(entry.referral for entry in await entries_of_person(tx, person))
    row = {
        "_id": person,
        "locality": locality,
        "referrals": referrals,
        "untold": [each for each in referrals if each not in told],
        "at": now,
        "by": by,
        "actor": actor,
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
    wanted = [(KEYS, "_id"), (PEOPLE, "_id")]
    wanted += [(collection, "person") for collection in (LOOKUPS, TERMS, NOTES, ENTRIES)]
    found = [await mongo[collection].find_one({field: person}, {"_id": 1}) for collection, field in wanted]
    return any(row is not None for row in found)


async def _delete(tx: Transaction, stone: Tombstone) -> None:
    person = stone.person
    referrals = [entry_id(stone.locality, referral) for referral in stone.referrals]
    await tx[KEYS].delete_one({"_id": person}, session=tx.session)
    await tx[PEOPLE].delete_one({"_id": person}, session=tx.session)
    await tx[LOOKUPS].delete_many({"person": person}, session=tx.session)
    await tx[TERMS].delete_many({"person": person}, session=tx.session)
    await tx[NOTES].delete_many({"person": person}, session=tx.session)
    await tx[ENTRIES].delete_many({"person": person}, session=tx.session)
    # Stored replies hold a digest of the request.
    await tx[IDEMPOTENCY].delete_many({"referral": {"$in": referrals}}, session=tx.session)


def _tombstone(row: Row) -> Tombstone:
    return Tombstone(
        str(row["_id"]),
        str(row["locality"]),
        _texts(row["referrals"]),
        _texts(row["untold"]),
        str(row.get("actor", "")),
    )


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(each) for each in value) if isinstance(value, (list, tuple)) else ()
