"""Commands: an HTTP request changes a referral in one transaction, with the same fold and decisions."""

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Generic

from shared.contract.events.fact import Fact
from shared.contract.events.topics import our_parts
from shared.delivery.audit.trail import AUDIT, codes_of, row_of
from shared.delivery.model.decision import Decision, DecisionContext
from shared.delivery.model.errors import Conflict, IdempotencyMismatch, StillLooking, Transient
from shared.delivery.model.service_definition import R, V
from shared.delivery.mongo.database import Document, Mongo, Row, Transaction
from shared.delivery.unit_of_work.aggregate import ReferralAggregate
from shared.delivery.unit_of_work.context import ServiceContext
from shared.delivery.unit_of_work.unit_of_work import UnitOfWork
from shared.platform.ids import NewId
from shared.platform.web.audit import Change

IDEMPOTENCY = "idempotency"
_MAX_CONFLICTS: Final = 60
_MAX_AWAY: Final = 3
# A look takes seconds. A person waits for its end for this long, then is asked to try again.
_MAX_LOOKING: Final = 12
_LOOKING_SECONDS: Final = 0.25

CommandHandler = Callable[[V, R, DecisionContext], Decision]
# Writes documents of the service's own in the command's transaction.
Within = Callable[[Transaction, DecisionContext], Awaitable[None]]
# Makes the reply that is stored for a repeated request.
Answer = Callable[[V, Sequence[Fact]], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Idempotency:
    """Identity of a request: its caller, route and key, and the digest of its content.

    `earlier` holds the digest under keys that are no longer the newest: a repeat may come after a new key.
    """

    caller: str
    route: str
    key: str
    digest: bytes
    earlier: tuple[bytes, ...] = ()

    @property
    def id(self) -> str:
        """The key of the request's row."""
        return f"{self.caller}|{self.route}|{self.key}"


@dataclass(frozen=True, slots=True)
class CommandResult(Generic[V]):
    """The view after a command, the facts that it added, and its reply, new or `replayed`."""

    view: V
    facts: tuple[Fact, ...]
    reply: Mapping[str, Any]
    replayed: bool = False


class _SameIds:
    """Gives the same ids on each attempt, so that a commit whose answer was lost is not done twice."""

    def __init__(self, new_id: NewId) -> None:
        self._new_id = new_id
        self._made: list[str] = []
        self._next = 0

    def again(self) -> NewId:
        self._next = 0
        return self._give

    def _give(self) -> str:
        if self._next == len(self._made):
            self._made.append(self._new_id())
        self._next += 1
        return self._made[self._next - 1]


async def command(
    context: ServiceContext[V, R],
    locality: str,
    referral_id: str,
    act: CommandHandler[V, R],
    *,
    within: Within | None = None,
    idempotency: Idempotency | None = None,
    answer: Answer[V] | None = None,
    actor: str | None = None,
    change: Change | None = None,
) -> CommandResult[V]:
    """Runs `act` on a referral's view in one transaction.

    `change`: a person's command, which writes one audit entry in the same transaction; events name its actor.
    `actor`: the person by whose earlier, audited command the events follow. Automatic commands have neither.
    An error of `act` is raised, and nothing is written. While open referrals are looked at after a hand-over,
    a command of the part that decides waits, and what follows from any other is decided after the look.

    Raises:
        IdempotencyMismatch: the key was used with another request.
        NotOwner: another owner has the part of one of its facts.
        StillLooking: the look takes longer than a person waits.
        Transient: the database stays away, or other writes keep coming first.
    """
    ids, entry_id = _SameIds(context.new_id), context.new_id()
    # Without a key of the caller's, the marker still tells a lost answer from a command not done.
    marker = idempotency or Idempotency("kernel", "command", context.new_id(), b"")
    now, actor = context.clock(), change.actor if change is not None else actor
    attempts = itertools.count()

    async def work(tx: Transaction) -> tuple[UnitOfWork[V, R], CommandResult[V]]:
        may_be_done = idempotency is not None or next(attempts) > 0
        unit_of_work = context.unit_of_work(tx, ids.again())
        await unit_of_work.read([(locality, referral_id)])
        aggregate = unit_of_work.aggregate(locality, referral_id)
        done = await _marker_of(tx, marker) if may_be_done else None
        view = aggregate.fold()
        if done is not None:
            return unit_of_work, _replayed(marker, done, view)
        resources = await unit_of_work.load_resources([aggregate])
        decision_context = replace(unit_of_work.decision_context(aggregate), now=now, actor=actor)
        kinds = aggregate.apply(act(view, resources, decision_context), decision_context)
        _require_looked(context, unit_of_work, aggregate)
        unit_of_work.decide_after(
            aggregate, kinds, resources, decision_context, is_looking=context.is_looking
        )
        if within is not None:
            await within(tx, decision_context)
        # Before the answer: a case looks incomplete where its decisions are left to another owner.
        unit_of_work.require_owned()
        facts = tuple(event.fact for event in aggregate.added)
        reply = dict(answer(aggregate.fold(), facts)) if answer else {}
        await _audit(tx, change, entry_id, aggregate, facts, now)
        await unit_of_work.write()
        row: Document = {"_id": marker.id, "digest": marker.digest, "at": now, "reply": reply}
        await tx[IDEMPOTENCY].insert_one(row | {"referral": aggregate.id}, session=tx.session)
        return unit_of_work, CommandResult(aggregate.fold(), facts, reply)

    conflicts = away = looking = 0
    while True:
        try:
            unit_of_work, result = await context.mongo.transact(work)
        except Conflict:
            conflicts += 1
            if conflicts >= _MAX_CONFLICTS:
                raise
            await asyncio.sleep(min(0.002 * conflicts, 0.05) * random.uniform(0.5, 1.5))
        except StillLooking:
            looking += 1
            if looking >= _MAX_LOOKING:
                raise
            await asyncio.sleep(_LOOKING_SECONDS)
        except Transient:
            away += 1
            if away >= _MAX_AWAY:
                raise
            await asyncio.sleep(0.2 * away)
        else:
            context.committed(unit_of_work)
            return result


async def _marker_of(tx: Transaction, marker: Idempotency) -> Row | None:
    row: Row | None = await tx[IDEMPOTENCY].find_one({"_id": marker.id}, session=tx.session)
    return row


async def _audit(
    tx: Transaction,
    change: Change | None,
    entry_id: str,
    aggregate: ReferralAggregate[V, R],
    facts: Sequence[Fact],
    now: datetime,
) -> None:
    """Writes the entry of a person's command."""
    if change is None:
        return
    entry = change.entry(now, codes_of(facts), locality=aggregate.locality, subject_ref=aggregate.referral_id)
    await tx[AUDIT].insert_one(row_of(entry_id, entry), session=tx.session)


def _require_looked(
    context: ServiceContext[V, R], unit_of_work: UnitOfWork[V, R], aggregate: ReferralAggregate[V, R]
) -> None:
    """Raises StillLooking if facts of the part that decides come before the end of its look.

    Until then, a time of the former owner's meeting may not be reserved yet.
    """
    said = {part for event in aggregate.emitted for part in our_parts(event.source)}
    # The standing first: the transaction rests on it, so that no later one is taken for it.
    owns = context.definition.decides_as in said and unit_of_work.owns(aggregate.locality)
    if owns and context.is_looking(aggregate.locality):
        raise StillLooking(aggregate.locality)


async def is_answered(mongo: Mongo, idempotency: Idempotency | None) -> bool:
    """True if a command with this key was done: it is answered again, whoever owns the part by now."""
    if idempotency is None:
        return False
    return await mongo[IDEMPOTENCY].find_one({"_id": idempotency.id}, {"_id": 1}) is not None


def _replayed(marker: Idempotency, stored: Row, view: V) -> CommandResult[V]:
    if bytes(stored["digest"]) not in (marker.digest, *marker.earlier):
        raise IdempotencyMismatch
    return CommandResult(view, (), stored["reply"], replayed=True)
