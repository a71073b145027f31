"""The scheduler runs scheduled tasks: decisions made later, and messages to the outside.

A row's deletion and its effect share a transaction, so two processes that run one task have one effect.
Decisions of one locality are made together, like those of a batch of records, and load their resources once.
If that fails, each is made alone. Messages are sent by a pool of their own, so that a gateway that hangs
holds up neither other messages nor decisions.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Generic

from pymongo.errors import PyMongoError

from shared.delivery.chunks import in_chunks
from shared.delivery.model.errors import Conflict, RetryLater, Transient
from shared.delivery.model.service_definition import R, V
from shared.delivery.mongo.database import Document, Transaction
from shared.delivery.mongo.server_time import READY
from shared.delivery.scheduler.effects import EffectRunner, record_dropped
from shared.delivery.scheduler.task_pool import BoundedTaskPool
from shared.delivery.scheduler.task_rows import (
    Gone,
    as_task,
    delete_task,
    delete_tasks,
    due_since,
    is_void,
    reschedule,
)
from shared.delivery.unit_of_work.aggregate import ReferralAggregate
from shared.delivery.unit_of_work.context import ServiceContext
from shared.delivery.unit_of_work.unit_of_work import DECIDE_LATER, TASKS, UnitOfWork
from shared.platform import metrics

_PAGE: Final = 200
_MAX_TOGETHER: Final = 50
_SENDS_AT_ONCE: Final = 16
# Most gateways answer sooner. Tasks that become due meanwhile do not wait for a slower one.
_SEND_WAIT_SECONDS: Final = 0.5
_MAX_CONFLICTS: Final = 5
_HANDING_OVER: Final = timedelta(seconds=10)
_log = logging.getLogger(__name__)


class Scheduler(Generic[V, R]):
    """Runs the due tasks of the localities that this process serves, in two loops.

    One loop makes decisions. The other (`sends`) runs effects.
    """

    def __init__(self, context: ServiceContext[V, R], localities: Sequence[str]) -> None:
        self._context = context
        self._localities = localities
        self._service = context.definition.name
        self._effects = EffectRunner(context)
        self._pool = BoundedTaskPool(_SENDS_AT_ONCE, _SEND_WAIT_SECONDS)
        self._woken = {sends: context.task_signal.subscribe() for sends in (False, True)}
        self._overdue: dict[bool, tuple[int, float]] = {}
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def live(self) -> bool:
        """True if the loops run."""
        return not any(task.done() for task in self._tasks)

    def start(self) -> None:
        """Starts the loops."""
        kinds = (False, True) if self._context.definition.effects else (False,)
        self._tasks = [asyncio.create_task(self._run(sends)) for sends in kinds]

    async def stop(self, seconds: float) -> None:
        """Lets running tasks finish, for so many seconds at most."""
        self._stopping.set()
        for woken in self._woken.values():
            woken.set()
        if running := [*self._tasks, *self._pool]:
            await asyncio.wait(running, timeout=seconds)
        for loop in self._tasks:
            loop.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for send in (sends := list(self._pool)):
            send.cancel()
        await asyncio.gather(*sends, return_exceptions=True)

    async def _run(self, sends: bool) -> None:
        while not self._stopping.is_set():
            self._woken[sends].clear()
            try:
                more = await self.run_once(sends)
            except (PyMongoError, Transient) as error:
                _log.warning("scheduled tasks wait: %s", type(error).__name__)
                more = False
            except Exception:
                _log.exception("scheduled tasks failed")
                more = False
            if not more:
                await self._pause(sends)

    async def _pause(self, sends: bool) -> None:
        try:
            await asyncio.wait_for(self._woken[sends].wait(), self._context.options.task_poll_seconds)
        except TimeoutError:
            return

    async def run_once(self, sends: bool) -> bool:
        """Runs a page of due tasks; returns True if there may be more."""
        now = self._context.clock()
        rows = await self._page(now, sends)
        real = [row for row in rows if not self._context.definition.is_sandbox(row["locality"])]
        self._set_gauges(sends, [max((now - due_since(row)).total_seconds(), 0.0) for row in real])
        away = asyncio.Event()
        if sends:
            gone = await self._pool.each(rows, partial(self._run_one, away=away))
        else:
            gone = any([await self._decide_together(group, away) for group in _groups(rows, now)])
        return gone and len(rows) == _PAGE

    async def _decide_together(self, rows: Sequence[Document], away: asyncio.Event) -> bool:
        """Makes decisions of one locality in one transaction; returns True if one of their rows is gone."""
        if len(rows) > 1 and not (self._stopping.is_set() or away.is_set()):
            try:
                done = await self._context.mongo.transact(partial(self._decide, rows))
            except Exception as error:
                # One task is at fault, or another process runs it: run each alone, unless the database is
                # away.
                if isinstance(error, Transient) and not isinstance(error, Conflict):
                    away.set()
                _log.info("scheduled tasks one by one: %s", type(error).__name__)
            else:
                self._context.committed(done)
                for row in rows:
                    metrics.scheduled_tasks_handled.labels(self._service, row["what"], "ok").inc()
                return True
        return any([await self._run_one(row, away) for row in rows])

    async def _page(self, now: datetime, sends: bool) -> list[Document]:
        effects = list(self._context.definition.effects)
        if sends:
            here = [name for name in self._localities if self._context.may_send(name)]
            which: Document = {"what": {"$in": effects}, "locality": {"$in": here}, "at": {"$lte": now}}
        else:
            owned = [name for name in self._localities if self._context.owns(name)]
            ours = [name for name in owned if not self._context.is_looking(name)]
            leads = [name for name in ours if self._context.may_decide(name)]
            due = {
                "what": {"$nin": [*effects, DECIDE_LATER]},
                "locality": {"$in": ours},
                "at": {"$lte": now},
            }
            # At once, without a comparison of times: the clock of the process that asked may be wrong.
            which = {"$or": [due, {"what": DECIDE_LATER, "locality": {"$in": leads}}]}
        found = self._context.mongo[TASKS].find({**which, **READY}).sort("at", 1).limit(_PAGE)
        return [dict(row) for row in await found.to_list(None)]

    async def _run_one(self, row: Document, away: asyncio.Event) -> bool:
        """Runs one task; returns True if its row is gone.

        If the database is away, the rest of the page waits.
        """
        if self._stopping.is_set() or away.is_set():
            return False
        try:
            result = await self._handle(row)
        except Transient:
            away.set()
            result = "retried"
        metrics.scheduled_tasks_handled.labels(self._service, row["what"], result).inc()
        return result not in ("conflict", "retried", "failed", "rescheduled")

    async def _handle(self, row: Document) -> str:
        try:
            return await self._result(row)
        except Conflict:
            return "conflict"  # Another write came first, which says nothing of this task: it stays due.
        except Transient:
            raise
        except Exception:
            _log.exception("scheduled task failed", extra={"what": row["what"], "locality": row["locality"]})
        await reschedule(self._context, row, "failed")
        return "failed"

    async def _result(self, row: Document) -> str:
        if row["not_after"] is not None and self._context.clock() > row["not_after"]:
            await self._context.mongo.transact(partial(self._drop, row, "too_late"))
            return "too_late"
        effect = self._context.definition.effects.get(row["what"])
        if effect is not None and effect.passes_over(as_task(row)) and not self._context.is_ours(row):
            return await self._pass_over(row)
        if effect is not None:
            return await self._effects.run(row, effect)
        for _ in range(_MAX_CONFLICTS):
            try:
                done = await self._context.mongo.transact(partial(self._decide, [row]))
            except Gone:
                return "gone"
            except Conflict:
                continue
            self._context.committed(done)
            return "ok"
        raise Conflict("other writes keep coming first")

    async def _decide(self, rows: Sequence[Document], tx: Transaction) -> UnitOfWork[V, R]:
        """Deletes the rows and makes their decisions.

        Raises:
            Gone: another process has deleted or written one of them since it was read.
            Conflict: the part is another owner's by now.
        """
        unit_of_work = self._context.unit_of_work(tx)
        if not all(unit_of_work.owns(row["locality"]) for row in rows):
            raise Conflict("the part has another owner")
        await delete_tasks(tx, rows)
        keys = [(row["locality"], row["referral"]) for row in rows]
        await unit_of_work.read(keys)
        aggregates = [unit_of_work.aggregate(*key) for key in keys]
        await unit_of_work.fold(aggregates)
        resources = await unit_of_work.load_resources(aggregates)
        async for chunk in in_chunks(list(zip(rows, aggregates, strict=True))):
            for row, aggregate in chunk:
                self._decide_one(row, unit_of_work, aggregate, resources)
        await unit_of_work.write()
        return unit_of_work

    def _decide_one(
        self, row: Document, unit_of_work: UnitOfWork[V, R], aggregate: ReferralAggregate[V, R], resources: R
    ) -> None:
        if is_void(row, unit_of_work.epoch(row["locality"])):
            return
        context = unit_of_work.decision_context(aggregate)
        tasks = self._context.definition.tasks
        if row["what"] == DECIDE_LATER:
            aggregate.decide(list(row["payload"]), resources, context)
        elif row["what"] in tasks:
            decision = tasks[row["what"]](aggregate.view, resources, context, as_task(row))
            unit_of_work.decide_after(aggregate, aggregate.apply(decision, context), resources, context)
        else:
            raise LookupError(f"{self._service} has no function for the task {row['what']}")

    async def _pass_over(self, row: Document) -> str:
        """Leaves a message to the part's new owner. Between two owners it waits."""
        if self._context.is_between_owners(row):
            await reschedule(self._context, row, "handing_over", RetryLater(_HANDING_OVER))
            return "rescheduled"
        await self._context.mongo.transact(partial(self._drop, row, "handed_over"))
        return "handed_over"

    async def _drop(self, row: Document, code: str, tx: Transaction) -> None:
        if await delete_task(tx, row) and row["what"] in self._context.definition.effects:
            await record_dropped(tx, row, code, self._context.clock())

    def _set_gauges(self, sends: bool, ages: list[float]) -> None:
        self._overdue[sends] = (len(ages), max(ages, default=0.0))
        counts = list(self._overdue.values())
        metrics.scheduled_tasks_overdue.labels(self._service).set(sum(count for count, _ in counts))
        metrics.scheduled_tasks_oldest_overdue.labels(self._service).set(max(age for _, age in counts))


def _groups(rows: Sequence[Document], now: datetime) -> list[list[Document]]:
    """The rows in groups of one locality, in order.

    A group has one row a referral; a late row stays alone.
    """
    groups: list[list[Document]] = []
    last: dict[str, list[Document]] = {}
    for row in rows:
        if row["not_after"] is not None and now > row["not_after"]:
            groups.append([row])
            continue
        group = last.get(row["locality"], [])
        same = any(row["referral"] == each["referral"] for each in group)
        if not group or len(group) == _MAX_TOGETHER or same:
            last[row["locality"]] = group = []
            groups.append(group)
        group.append(row)
    return groups
