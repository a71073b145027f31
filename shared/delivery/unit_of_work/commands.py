"""HTTP through the same transaction: a person's action becomes facts of ours, or nothing at all."""

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic

from shared.contract.events.fact import Fact
from shared.delivery.model.decision import Decision, DecisionContext
from shared.delivery.model.errors import Conflict, IdempotencyMismatch, Transient
from shared.delivery.model.service_definition import R, V
from shared.delivery.mongo.database import Document, Row, Transaction
from shared.delivery.unit_of_work.aggregate import decision_context
from shared.delivery.unit_of_work.context import ServiceContext
from shared.delivery.unit_of_work.unit_of_work import UnitOfWork
from shared.platform.ids import NewId

IDEMPOTENCY = "idempotency"
_MOST_CONFLICTS = 60
_MOST_AWAY = 3

CommandHandler = Callable[[V, R, DecisionContext], Decision]
Within = Callable[[Transaction, DecisionContext], Awaitable[None]]
Answer = Callable[[V, Sequence[Fact]], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Idempotency:
    """What makes a request the same request: who asks, of which route, under which key, with which digest."""

    caller: str
    route: str
    key: str
    digest: bytes

    @property
    def id(self) -> str:
        return f"{self.caller}|{self.route}|{self.key}"


@dataclass(frozen=True, slots=True)
class CommandResult(Generic[V]):
    """What came of a command: the view after it, the facts it said, and its reply, fresh or replayed."""

    view: V
    facts: tuple[Fact, ...]
    reply: Mapping[str, Any]
    replayed: bool = False


class _SameIds:
    """Gives the same ids again on each attempt, so that a commit whose answer was lost is not done twice."""

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
    worker: ServiceContext[V, R],
    locality: str,
    referral_id: str,
    act: CommandHandler[V, R],
    *,
    within: Within | None = None,
    idempotency: Idempotency | None = None,
    answer: Answer[V] | None = None,
) -> CommandResult[V]:
    """Runs `act` on a referral's view in one transaction; what it raises is raised and nothing is written.

    Raises:
        IdempotencyMismatch: the key was used with another request.
        Transient: the database stays away, or others keep writing first.
    """
    ids = _SameIds(worker.new_id)
    # Without a key of the caller's the marker still tells a lost answer from a command not done.
    marker = idempotency or Idempotency("kernel", "command", worker.new_id(), b"")
    now = worker.clock()
    attempts = itertools.count()

    async def work(tx: Transaction) -> tuple[UnitOfWork[V, R], CommandResult[V]]:
        may_be_done = idempotency is not None or next(attempts) > 0
        round_ = worker.unit_of_work(tx, ids.again())
        await round_.read([(locality, referral_id)])
        case = round_.aggregate(locality, referral_id)
        kept = None
        if may_be_done:
            kept = await tx[IDEMPOTENCY].find_one({"_id": marker.id}, session=tx.session)
        if kept is not None:
            return round_, _replayed(marker, kept, case.view)
        resources = await round_.load_resources([case])
        occasion = decision_context(case, now, round_.new_id)
        decision = act(case.view, resources, occasion)
        case.decide(case.apply(decision, occasion), resources, occasion)
        if within is not None:
            await within(tx, occasion)
        facts = tuple(heard.fact for heard in case.added)
        reply = dict(answer(case.view, facts)) if answer else {}
        await round_.write()
        row: Document = {"_id": marker.id, "digest": marker.digest, "at": now, "reply": reply}
        await tx[IDEMPOTENCY].insert_one(row | {"referral": case.id}, session=tx.session)
        return round_, CommandResult(case.view, facts, reply)

    conflicts = away = 0
    while True:
        try:
            round_, done = await worker.mongo.transact(work)
        except Conflict:
            conflicts += 1
            if conflicts >= _MOST_CONFLICTS:
                raise
            await asyncio.sleep(min(0.002 * conflicts, 0.05) * random.uniform(0.5, 1.5))
        except Transient:
            away += 1
            if away >= _MOST_AWAY:
                raise
            await asyncio.sleep(0.2 * away)
        else:
            worker.committed(round_)
            return done


def _replayed(marker: Idempotency, kept: Row, view: V) -> CommandResult[V]:
    if bytes(kept["digest"]) != marker.digest:
        raise IdempotencyMismatch
    return CommandResult(view, (), kept["reply"], replayed=True)
