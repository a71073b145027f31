"""A service as its author defines it. Offsets, transactions and headers are the kernel's.

fold(facts) -> view                            pure, of the set: order and repetition cannot matter
decide(view, resources, context) -> Decision   made once, recorded as facts of our own
decisions = {kind of fact: decide, ...}        the decision that each new fact calls for
tasks = {name: decide_task, ...}               the decision of each scheduled task
effects = {name: Effect, ...}                  the messages that tasks send to the outside
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from shared.contract.events.fact import Fact
from shared.contract.events.topics import Part as PartName
from shared.contract.events.topics import SourcePart
from shared.delivery.model.decision import Decision, DecisionContext, TaskRow
from shared.delivery.mongo.database import Mongo, Transaction

# The view that a service folds.
V = TypeVar("V")
# The resources of its decisions beside the view: diaries, caseloads.
R = TypeVar("R")

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
    """A referral that a transaction changes.

    Attributes:
        before: the stored view document, if there is one.
        document: the new view document, stored under `view`.
        new_facts: the facts that the transaction adds, our own among them.
        own_facts: those of them that a decision of this transaction made. A rebuild makes none.
    """

    locality: str
    referral_id: str
    before: Document | None
    after: V
    document: Document
    new_facts: tuple[Fact, ...]
    own_facts: tuple[Fact, ...] = ()


Project = Callable[[Transaction, Sequence[Changed[V]]], Awaitable[None]]


class Repository(Protocol[V, R]):
    """The collections of a service beside the referrals' documents.

    Both methods run inside the kernel's transaction and may run several times. They have no side effect but
    through `tx`.
    """

    async def load(self, tx: Transaction, referrals: Sequence[Loaded[V]], now: datetime) -> R:
        """Reads the resources of the decisions about these referrals."""
        ...

    async def save(self, tx: Transaction, changes: Sequence[Changed[V]], resources: R) -> None:
        """Writes the changes, and a new version of every document that a decision rested on.

        Raises:
            Conflict: another write changed one of them since it was read.
        """
        ...


def stays(_: TaskRow) -> bool:
    """The former owner of the part sends the message itself."""
    return False


@dataclass(frozen=True, slots=True)
class Effect(Generic[V]):
    """A message to the outside, in three steps, so that no message is sent in vain or forgotten.

    `is_still_needed` is pure and runs inside the transaction that claims the task. `send` does the I/O: it
    takes the permanent reference and returns the gateway's own. It raises `RetryLater` to be called again, or
    `PermanentFailure` with a code to give up. The transaction that removes the task records the outcome in
    `sent`.

    A message that was asked for before a hand-over is still sent, unless it `passes_over` to the new owner.
    """

    is_still_needed: Callable[[V, DecisionContext, TaskRow], bool]
    send: Callable[[str, "Loaded[V]", TaskRow], Awaitable[str]]
    passes_over: Callable[[TaskRow], bool] = stays


def no_fold_rules(_: str) -> int:
    """The fold depends on nothing but the facts."""
    return 0


def no_sandbox(_: str) -> bool:
    """No locality is a sandbox."""
    return False


class Forget(Protocol):
    """Deletes what a service's own collections hold of referrals that a sandbox forgets."""

    async def __call__(self, tx: Transaction, locality: str, referrals: Sequence[str]) -> None:
        """Runs in the transaction that deletes their documents, tasks and stored answers."""


async def nothing_to_forget(tx: Transaction, locality: str, referrals: Sequence[str]) -> None:
    """The service stores nothing of a referral beside its document."""


class NoteConflict(Protocol):
    """Notes a fact whose source said another body under the same id before. It is dead-lettered."""

    async def __call__(self, tx: Transaction, fact: Fact, now: datetime) -> None:
        """Runs in the transaction that writes the dead letter, and may run several times."""


async def nothing_to_note(tx: Transaction, fact: Fact, now: datetime) -> None:
    """The service tells nobody of conflicting facts."""


class LookAt(Protocol):
    """Names the referrals to look at when the part has become ours again."""

    async def __call__(self, mongo: Mongo, locality: str, now: datetime) -> Sequence[list[str]]:
        """The ids of all that may need a decision, in rounds: all of one are looked at before the next."""


async def every_referral(mongo: Mongo, locality: str, now: datetime) -> Sequence[list[str]]:
    """Every referral of the locality, in one round."""
    found: list[str] = await mongo["referrals"].distinct("referral", {"locality": locality})
    return [found]


@dataclass(frozen=True)
class ServiceDefinition(Generic[V, R]):
    """One of the four services, as the kernel drives it.

    Attributes:
        fold_version: raise it when `fold` or `to_document` changes; the kernel then folds stored referrals
            again, without Kafka.
        to_document: makes the document of a view that is stored, queried and indexed. A reverse function is
            not needed, because a view is always folded from the facts.
        derived: collections that hold only what follows from the views. A rebuild makes them anew.
        project: what `Repository.save` does to the derived collections, and nothing else. A rebuild calls it
            outside a transaction, on collections that no other process writes.
        fold_rules_version: by locality, the version of the table since which the fold depends on the same
            ranks. When it rises, the kernel folds the locality's referrals again.
        exclusive: the lease under which one process at a time makes the decisions of a locality.
        is_sandbox: by locality, whether its referrals are forgotten after a week and raise no alert.
        forget: deletes what the service stores of forgotten referrals beside their documents.
        note_conflict: stores that a fact has the id of another, with another body.
        look: the decision about each referral of `look_at`, once after a hand-over to us; None for a service
            that leaves what came before to the former owner.
        look_first: the decision of the look's first round, before any other: it reserves what is taken.
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
    project: Project[V] | None = None
    exclusive: str | None = None
    fold_rules_version: Callable[[str], int] = no_fold_rules
    is_sandbox: Callable[[str], bool] = no_sandbox
    forget: Forget = nothing_to_forget
    note_conflict: NoteConflict = nothing_to_note
    look: Decide[V, R] | None = None
    look_first: Decide[V, R] | None = None
    look_at: LookAt = every_referral

    @property
    def decides_as(self) -> SourcePart:
        """The part in whose name the service makes its automatic decisions and runs its tasks."""
        return "booking" if self.name == "matching" else self.name


class NoRepository:
    """The repository of a service whose decisions rest on the view alone."""

    async def load(self, tx: Transaction, referrals: Sequence[Loaded[Any]], now: datetime) -> None:
        """Reads nothing."""

    async def save(self, tx: Transaction, changes: Sequence[Changed[Any]], resources: None) -> None:
        """Writes nothing."""
