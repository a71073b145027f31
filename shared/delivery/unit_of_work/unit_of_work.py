"""The work of one transaction: read, append, fold, load resources, decide, write.

Batches, commands and scheduled tasks all use it, so a rule that holds for one holds for all.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Generic

from pymongo import DeleteOne, UpdateOne

from shared.contract.events.topics import locality_of_source, our_parts
from shared.delivery.chunks import in_chunks
from shared.delivery.model.decision import DecisionContext, ScheduledTask
from shared.delivery.model.errors import Conflict, NotOwner
from shared.delivery.model.service_definition import Loaded, R, ServiceDefinition, V
from shared.delivery.mongo.database import Document, Transaction
from shared.delivery.mongo.server_time import NEXT_VERSION, server_now_plus
from shared.delivery.outbox.rows import Message, OutboxRow, rows_of
from shared.delivery.ownership.fence import Fence, unfenced
from shared.delivery.unit_of_work.aggregate import ReferralAggregate, aggregate_id
from shared.platform.ids import NewId

REFERRALS = "referrals"
TASKS = "scheduled_tasks"
OUTBOX = "outbox"
DECIDE_LATER = "kernel.decide"


@dataclass
class UnitOfWork(Generic[V, R]):
    """All reads and writes of one transaction. Each attempt needs a new one, because it remembers its reads.

    Attributes:
        lane: the outbox lane of this process.
        fence: the standings of parts on which the transaction rests.
        messages: dead letters and events to publish.
        first_task_at: the earliest time of the tasks written, without delayed ones.
    """

    definition: ServiceDefinition[V, R]
    tx: Transaction
    now: datetime
    new_id: NewId
    lane: str
    fence: Fence = field(default_factory=unfenced)
    aggregates: dict[str, ReferralAggregate[V, R]] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    outbox_rows: list[OutboxRow] = field(default_factory=list)
    resources: R | None = None
    first_task_at: datetime | None = None

    async def read(self, keys: Iterable[tuple[str, str]]) -> None:
        """Reads the documents of these (locality, referral) pairs. An unknown referral starts empty."""
        missing = {identity: key for key in keys if (identity := aggregate_id(*key)) not in self.aggregates}
        if not missing:
            return
        found = self.tx[REFERRALS].find({"_id": {"$in": list(missing)}}, session=self.tx.session)
        async for stored in found:
            self.aggregates[stored["_id"]] = ReferralAggregate.from_document(self.definition, stored)
        for identity, (locality, referral_id) in missing.items():
            if identity not in self.aggregates:
                self.aggregates[identity] = ReferralAggregate(self.definition, locality, referral_id)

    def aggregate(self, locality: str, referral_id: str) -> ReferralAggregate[V, R]:
        """The referral, which `read` has read."""
        return self.aggregates[aggregate_id(locality, referral_id)]

    async def fold(self, aggregates: Sequence[ReferralAggregate[V, R]]) -> None:
        """Folds the facts of these referrals to their views."""
        async for chunk in in_chunks(aggregates):
            for aggregate in chunk:
                aggregate.fold()

    async def load_resources(self, aggregates: Sequence[ReferralAggregate[V, R]]) -> R:
        """Loads the resources that decisions about these referrals rest on."""
        loaded = [Loaded(each.locality, each.referral_id, each.view) for each in aggregates]
        self.resources = await self.definition.repository.load(self.tx, loaded, self.now)
        return self.resources

    async def decide(self, may_decide: Callable[[str], bool]) -> None:
        """Makes the decisions that the new facts call for, each referral's after all of its facts.

        If another process decides for a locality, a task asks that process. If the part is another owner's,
        the facts are folded and nothing else.
        """
        calls = [
            (aggregate, kinds)
            for aggregate in self.aggregates.values()
            if (kinds := [k for e in aggregate.added if (k := e.fact.kind) in self.definition.decisions])
        ]
        owned = {name for name in {aggregate.locality for aggregate, _ in calls} if self.owns(name)}
        # Check the lease once, so that losing it halfway cannot leave a referral undecided.
        ours = {name for name in owned if may_decide(name)}
        to_decide = [aggregate for aggregate, _ in calls if aggregate.locality in ours]
        await self.fold(to_decide)
        resources = await self.load_resources(to_decide)
        async for chunk in in_chunks(calls):
            for aggregate, kinds in chunk:
                if aggregate.locality in ours:
                    aggregate.decide(kinds, resources, self.decision_context(aggregate))
                elif aggregate.locality in owned:
                    aggregate.tasks.append(self._decide_later(kinds))

    def owns(self, locality: str) -> bool:
        """True if automatic decisions are made here. The transaction rests on the answer."""
        return self.fence.owns(locality, self.definition.decides_as)

    def epoch(self, locality: str) -> int:
        """The epoch of automatic decisions. The transaction rests on it."""
        return self.fence.standing(locality, self.definition.decides_as).epoch

    def decide_after(
        self,
        aggregate: ReferralAggregate[V, R],
        kinds: Sequence[str],
        resources: R,
        context: DecisionContext,
        *,
        is_looking: Callable[[str], bool] = lambda _: False,
    ) -> None:
        """Makes the automatic decisions that these kinds of facts call for, if their part is ours.

        `is_looking`: tells for a locality that its open referrals are still looked at. A task decides then.
        """
        calling = [kind for kind in kinds if kind in self.definition.decisions]
        if not calling or not self.owns(aggregate.locality):
            return
        if is_looking(aggregate.locality):
            aggregate.tasks.append(self._decide_later(calling))
        else:
            aggregate.decide(kinds, resources, context)

    def decision_context(self, aggregate: ReferralAggregate[V, R]) -> DecisionContext:
        """The context of a decision about this referral, now."""
        since = self.fence.known(aggregate.locality, self.definition.decides_as).since
        return replace(aggregate.decision_context(self.now, self.new_id), ours_since=since)

    def _decide_later(self, kinds: Sequence[str]) -> ScheduledTask:
        payload = dict.fromkeys(kinds, True)
        return ScheduledTask(DECIDE_LATER, "-".join(sorted(payload)), self.now, payload=payload)

    async def write(self) -> None:
        """Writes referrals, tasks, outbox and the repository's documents.

        Raises:
            Conflict: another write changed a document since it was read.
            NotOwner: an event or a task is of a part that another owner has.
        """
        self.require_owned()
        changed = [aggregate for aggregate in self.aggregates.values() if aggregate.changed]
        await self.fold(changed)
        await self._write_aggregates(changed)
        await self._write_tasks()
        for aggregate in changed:
            self.messages += [Message.of(envelope) for envelope in aggregate.emitted]
        self.outbox_rows = rows_of(self.messages, self.new_id, self._epoch_of)
        if self.outbox_rows:
            stored = [row.stored(self.lane, self.now) for row in self.outbox_rows]
            await self.tx[OUTBOX].insert_many(stored, session=self.tx.session, ordered=False)
        if changed:
            if self.resources is None:
                await self.load_resources([])
            await self.definition.repository.save(
                self.tx,
                [aggregate.as_changed() for aggregate in changed],
                self.resources,  # type: ignore[arg-type]  # R may itself be None
            )
        # Last, so that a flip is held up for the commit alone.
        await self.fence.write(self.tx)

    def require_owned(self) -> None:
        """Raises NotOwner if an event or a task is of a part that another owner has."""
        for aggregate in self.aggregates.values():
            locality = aggregate.locality
            parts = {part for each in aggregate.emitted for part in our_parts(each.source)}
            if aggregate.tasks or aggregate.cancelled_tasks:
                parts.add(self.definition.decides_as)
            for part in sorted(parts):
                if not self.fence.owns(locality, part):
                    raise NotOwner(locality, part)

    def _epoch_of(self, source: str) -> int:
        locality = locality_of_source(source) or ""
        return max(self.fence.standing(locality, part).epoch for part in our_parts(source))

    async def _write_aggregates(self, changed: Sequence[ReferralAggregate[V, R]]) -> None:
        writes = [aggregate.to_write() async for chunk in in_chunks(changed) for aggregate in chunk]
        inserts = [write for write in writes if isinstance(write, dict)]
        updates = [write for write in writes if isinstance(write, UpdateOne)]
        if inserts:
            await self.tx[REFERRALS].insert_many(inserts, session=self.tx.session, ordered=False)
        if updates:
            done = await self.tx[REFERRALS].bulk_write(updates, session=self.tx.session, ordered=False)
            if done.matched_count != len(updates):
                raise Conflict("another write changed a referral")

    async def _write_tasks(self) -> None:
        writes: list[DeleteOne | UpdateOne] = []
        for aggregate in self.aggregates.values():
            cancelled = aggregate.cancelled_tasks
            writes += [DeleteOne({"_id": task_id(aggregate, what, about)}) for what, about in cancelled]
            for task in aggregate.tasks:
                writes.append(_upsert(aggregate, task, self.epoch(aggregate.locality)))
                if not task.delay and (self.first_task_at is None or task.at < self.first_task_at):
                    self.first_task_at = task.at
        if writes:
            await self.tx[TASKS].bulk_write(writes, session=self.tx.session, ordered=True)


def task_id(aggregate: ReferralAggregate[V, R], what: str, about: str) -> str:
    """The key of a referral's task."""
    return f"{what}|{aggregate.id}|{about}"


def _upsert(aggregate: ReferralAggregate[V, R], task: ScheduledTask, epoch: int) -> UpdateOne:
    row: Document = {
        "what": task.what,
        "locality": aggregate.locality,
        "referral": aggregate.referral_id,
        "about": task.about,
        "payload": dict(task.payload),
        "attempt": 0,
        "at": task.at,
        "not_after": task.not_after,
        "epoch": epoch,
    }
    not_before = server_now_plus(task.delay) if task.delay else None
    fresh: list[Document] = [{"$literal": row}, {"not_before": not_before}]
    kept = [] if task.replace else ["$$ROOT"]
    # Always a write, even if the task stays as it is. A process that is deleting the task at this moment
    # would otherwise not notice that it was scheduled again.
    merged = ["$$ROOT", *fresh, *kept, NEXT_VERSION]
    key = {"_id": task_id(aggregate, task.what, task.about)}
    return UpdateOne(key, [{"$replaceWith": {"$mergeObjects": merged}}], upsert=True)
