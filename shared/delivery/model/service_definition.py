"""What the author of a service writes; offsets, transactions and headers are the kernel's.

fold(facts) -> view                              pure, of the set: order and repetition cannot matter
decide(view, resources, occasion) -> Decision    made once, recorded as facts of our own
decisions = {kind of fact: decide, ...}          which new fact calls for which decision
due = {name: decide_when_due, ...}               what is looked at again later
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from shared.contract.events.fact import Fact
from shared.contract.events.topics import Part as PartName
from shared.delivery.model.decision import Decision, DecisionContext, TaskRow
from shared.delivery.mongo.database import Transaction

V = TypeVar("V")
"""The view that a part folds."""
R = TypeVar("R")
"""What its decisions rest on beside the view: diaries, caseloads."""

Document = dict[str, Any]


Decide = Callable[[V, R, DecisionContext], Decision]
DecideTask = Callable[[V, R, DecisionContext, TaskRow], Decision]


@dataclass(frozen=True, slots=True)
class Loaded(Generic[V]):
    """A referral that a decision is about to be made for."""

    locality: str
    referral_id: str
    view: V


@dataclass(frozen=True, slots=True)
class Changed(Generic[V]):
    """A referral whose facts grew in this transaction. `before` is the stored view document, if any."""

    locality: str
    referral_id: str
    before: Document | None
    after: V
    document: Document
    """The new view document, as it is stored under `view`."""
    new_facts: tuple[Fact, ...]
    """The facts added by this transaction, ours among them."""


Project = Callable[[Transaction, Sequence[Changed[V]]], Awaitable[None]]


class Repository(Protocol[V, R]):
    """What a part keeps beside the referrals' documents. Both calls run inside the kernel's transaction
    and may run several times: no side effects but through `tx`."""

    async def load(self, tx: Transaction, referrals: Sequence[Loaded[V]], now: datetime) -> R:
        """Reads what decisions about these referrals rest on."""
        ...

    async def save(self, tx: Transaction, changes: Sequence[Changed[V]], resources: R) -> None:
        """Writes what changed, bumping the version of every document that a decision rested on.

        Raises `Conflict` where one of them was written by somebody else since it was read.
        """
        ...


@dataclass(frozen=True, slots=True)
class Effect(Generic[V]):
    """An external effect (a message), made of three steps so that it is never sent unwanted or forgotten.

    `wanted` is pure and is asked inside a transaction just before; `send` does the I/O with `key` as its
    permanent reference and returns the gateway's own, raises `NotNow` to be asked again later or `Never`
    with a code to give up; the outcome is written to `sent` in the transaction that removes the row.
    """

    is_still_needed: Callable[[V, DecisionContext, TaskRow], bool]
    send: Callable[[str, "Loaded[V]", TaskRow], Awaitable[str]]


@dataclass(frozen=True)
class ServiceDefinition(Generic[V, R]):
    """One of the four parts, as the kernel drives it.

    `document` turns a view into the document that is stored, queried and indexed; `view_of` the reverse is
    not needed: a view is always folded from the facts. Raise `fold_version` when fold or document change:
    stored referrals are folded again without touching Kafka.
    """

    name: PartName
    fold: Callable[[Sequence[Fact]], V]
    fold_version: int
    to_document: Callable[[V], Document]
    repository: Repository[V, R]
    decisions: Mapping[str, Decide[V, R]] = field(default_factory=dict)
    tasks: Mapping[str, DecideTask[V, R]] = field(default_factory=dict)
    effects: Mapping[str, Effect[V]] = field(default_factory=dict)
    derived: tuple[str, ...] = ()
    """Collections beside the referrals that hold nothing but what follows from the views: a rebuild makes
    them anew."""
    project: Project[V] | None = None
    """What `Repository.save` does to the derived collections, and nothing else: a rebuild decides nothing. It
    may be called outside a transaction, on collections that nobody else writes."""
    exclusive: str | None = None
    """Name of a lease under which this part's decisions of a locality are made, one process at a time."""


class NoRepository:
    """The store of a part whose decisions rest on the view alone."""

    async def load(self, tx: Transaction, referrals: Sequence[Loaded[Any]], now: datetime) -> None:
        return None

    async def save(self, tx: Transaction, changes: Sequence[Changed[Any]], resources: None) -> None:
        return None
