"""One round of work in one transaction: facts in, views folded, decisions made, everything written at once.

The batch, an HTTP command and due work all go through here, so what holds for one holds for all.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic

from pymongo import DeleteOne, UpdateOne

from shared.delivery.chunks import in_chunks
from shared.delivery.model.decision import ScheduledTask
from shared.delivery.model.errors import Conflict
from shared.delivery.model.service_definition import Loaded, R, ServiceDefinition, V
from shared.delivery.mongo.database import Document, Transaction
from shared.delivery.mongo.server_time import NEXT_VERSION, server_now_plus
from shared.delivery.outbox.rows import Message, OutboxRow, rows_of
from shared.delivery.unit_of_work.aggregate import ReferralAggregate, aggregate_id, decision_context
from shared.platform.ids import NewId

REFERRALS = "referrals"
TASKS = "scheduled_tasks"
OUTBOX = "outbox"
DECIDE_LATER = "kernel.decide"


@dataclass
class UnitOfWork(Generic[V, R]):
    """What one transaction does. Make it anew for each attempt: it remembers what it read."""

    definition: ServiceDefinition[V, R]
    tx: Transaction
    now: datetime
    new_id: NewId
    lane: str
    aggregates: dict[str, ReferralAggregate[V, R]] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    outbox_rows: list[OutboxRow] = field(default_factory=list)
    resources: R | None = None
    first_task_at: datetime | None = None

    async def read(self, keys: Iterable[tuple[str, str]]) -> None:
        """Reads the documents of these (locality, referral) pairs; one not known yet starts empty."""
        wanted = {identity: key for key in keys if (identity := aggregate_id(*key)) not in self.aggregates}
        if not wanted:
            return
        found = self.tx[REFERRALS].find({"_id": {"$in": list(wanted)}}, session=self.tx.session)
        async for stored in found:
            self.aggregates[stored["_id"]] = ReferralAggregate.from_document(self.definition, stored)
        for identity, (locality, referral_id) in wanted.items():
            if identity not in self.aggregates:
                self.aggregates[identity] = ReferralAggregate(self.definition, locality, referral_id)

    def aggregate(self, locality: str, referral_id: str) -> ReferralAggregate[V, R]:
        return self.aggregates[aggregate_id(locality, referral_id)]

    async def load_resources(self, cases: Sequence[ReferralAggregate[V, R]]) -> R:
        """What decisions about these referrals rest on."""
        loaded = [Loaded(case.locality, case.referral_id, case.view) for case in cases]
        self.resources = await self.definition.repository.load(self.tx, loaded, self.now)
        return self.resources

    async def decide(self, may_decide: Callable[[str], bool]) -> None:
        """Makes the decisions that the facts heard call for, each referral's after all of its facts.

        Where this process is not the one that decides for a locality, a due row asks the one that is.
        """
        called = [
            (case, kinds)
            for case in self.aggregates.values()
            if (kinds := [kind for h in case.added if (kind := h.fact.kind) in self.definition.decisions])
        ]
        # Asked once: a lease that changed hands while resources are read must not leave a case to nobody.
        ours = {name for name in {case.locality for case, _ in called} if may_decide(name)}
        resources = await self.load_resources([case for case, _ in called if case.locality in ours])
        async for some in in_chunks(called):
            for case, kinds in some:
                if case.locality in ours:
                    case.decide(kinds, resources, decision_context(case, self.now, self.new_id))
                else:
                    case.tasks.append(self._decide_later(case, kinds))

    def _decide_later(self, case: ReferralAggregate[V, R], kinds: Sequence[str]) -> ScheduledTask:
        payload = dict.fromkeys(kinds, True)
        return ScheduledTask(DECIDE_LATER, "-".join(sorted(payload)), self.now, payload=payload)

    async def write(self) -> None:
        """Writes all of it.

        Raises:
            Conflict: a document was written by somebody else since it was read.
        """
        changed = [case for case in self.aggregates.values() if case.changed]
        await self._write_aggregates(changed)
        await self._write_tasks()
        for case in changed:
            self.messages += [Message.of(envelope) for envelope in case.emitted]
        self.outbox_rows = rows_of(self.messages, self.new_id)
        if self.outbox_rows:
            stored = [row.stored(self.lane, self.now) for row in self.outbox_rows]
            await self.tx[OUTBOX].insert_many(stored, session=self.tx.session, ordered=False)
        if changed:
            if self.resources is None:
                await self.load_resources([])
            await self.definition.repository.save(
                self.tx,
                [case.as_changed() for case in changed],
                self.resources,  # type: ignore[arg-type]  # R may itself be None
            )

    async def _write_aggregates(self, changed: Sequence[ReferralAggregate[V, R]]) -> None:
        writes = [case.to_write() async for some in in_chunks(changed) for case in some]
        inserts = [write for write in writes if isinstance(write, dict)]
        updates = [write for write in writes if isinstance(write, UpdateOne)]
        if inserts:
            await self.tx[REFERRALS].insert_many(inserts, session=self.tx.session, ordered=False)
        if updates:
            done = await self.tx[REFERRALS].bulk_write(updates, session=self.tx.session, ordered=False)
            if done.matched_count != len(updates):
                raise Conflict("a referral was written by somebody else")

    async def _write_tasks(self) -> None:
        writes: list[DeleteOne | UpdateOne] = []
        for case in self.aggregates.values():
            writes += [DeleteOne({"_id": task_id(case, what, about)}) for what, about in case.cancelled_tasks]
            for due in case.tasks:
                writes.append(_upsert(case, due))
                if not due.delay and (self.first_task_at is None or due.at < self.first_task_at):
                    self.first_task_at = due.at
        if writes:
            await self.tx[TASKS].bulk_write(writes, session=self.tx.session, ordered=True)


def task_id(case: ReferralAggregate[V, R], what: str, about: str) -> str:
    return f"{what}|{case.id}|{about}"


def _upsert(case: ReferralAggregate[V, R], due: ScheduledTask) -> UpdateOne:
    row: Document = {
        "what": due.what,
        "locality": case.locality,
        "referral": case.referral_id,
        "about": due.about,
        "payload": dict(due.payload),
        "attempt": 0,
        "at": due.at,
        "not_after": due.not_after,
    }
    fresh: list[Document] = [
        {"$literal": row},
        {"not_before": server_now_plus(due.delay) if due.delay else None},
    ]
    kept = [] if due.replace else ["$$ROOT"]
    # Always a write, also where the row stays as it is: a process that is taking the row away just now would
    # otherwise not notice that it was asked for again.
    merged = ["$$ROOT", *fresh, *kept, NEXT_VERSION]
    which = {"_id": task_id(case, due.what, due.about)}
    return UpdateOne(which, [{"$replaceWith": {"$mergeObjects": merged}}], upsert=True)
