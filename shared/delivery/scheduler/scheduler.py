"""Due work: what is looked at again later.

A row's removal and its effect share a transaction, so two processes that run one row cannot both have an
effect. Decisions of one locality are made together, as those of a batch of records are: what they rest on is
read once for all. Where that fails, each is made alone. What is sent outside goes its own way, many at a
time, so that a gateway which hangs holds up nobody else's message and no decision.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Generic

from pymongo.errors import PyMongoError

from shared.delivery.chunks import in_chunks
from shared.delivery.model.decision import DecisionContext
from shared.delivery.model.errors import Conflict, Transient
from shared.delivery.model.service_definition import R, V
from shared.delivery.mongo.database import Document, Transaction
from shared.delivery.mongo.server_time import READY
from shared.delivery.scheduler.effects import EffectRunner
from shared.delivery.scheduler.task_pool import BoundedTaskPool
from shared.delivery.scheduler.task_rows import (
    Gone,
    as_task,
    delete_task,
    delete_tasks,
    due_since,
    reschedule,
)
from shared.delivery.unit_of_work.aggregate import ReferralAggregate, decision_context
from shared.delivery.unit_of_work.context import ServiceContext
from shared.delivery.unit_of_work.unit_of_work import DECIDE_LATER, TASKS, UnitOfWork
from shared.platform import metrics

_PAGE = 200
_TOGETHER = 50
_SENDS_AT_ONCE = 16
_SEND_PATIENCE = 0.5
"""Most gateways answer sooner; what comes due meanwhile waits no longer for those that do not."""
_MOST_CONFLICTS = 5
_log = logging.getLogger(__name__)


class Scheduler(Generic[V, R]):
    """Runs the due rows of the localities that this process serves."""

    def __init__(self, context: ServiceContext[V, R], localities: Sequence[str]) -> None:
        self._context = context
        self._localities = list(localities)
        self._service = context.definition.name
        self._sending = EffectRunner(context)
        self._sends = BoundedTaskPool(_SENDS_AT_ONCE, _SEND_PATIENCE)
        self._woken = {False: asyncio.Event(), True: asyncio.Event()}
        """For decisions, and (True) for what is sent outside."""
        self._overdue: dict[bool, tuple[int, float]] = {}
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def live(self) -> bool:
        """Whether the loops still go round."""
        return not any(task.done() for task in self._tasks)

    def start(self) -> None:
        kinds = (False, True) if self._context.definition.effects else (False,)
        self._tasks = [asyncio.create_task(self._run(sends)) for sends in kinds]

    async def stop(self, seconds: float) -> None:
        """Lets what is in hand finish within a bound."""
        self._stopping.set()
        for woken in self._woken.values():
            woken.set()
        if running := [*self._tasks, *self._sends]:
            await asyncio.wait(running, timeout=seconds)
        for loop in self._tasks:
            loop.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for send in (sends := list(self._sends)):
            send.cancel()
        await asyncio.gather(*sends, return_exceptions=True)

    def wake(self, at: datetime) -> None:
        """A row was written that is due then."""
        if at <= self._context.clock():
            for woken in self._woken.values():
                woken.set()

    async def _run(self, sends: bool) -> None:
        while not self._stopping.is_set():
            self._woken[sends].clear()
            try:
                more = await self.run_once(sends)
            except (PyMongoError, Transient) as error:
                _log.warning("due work waits: %s", type(error).__name__)
                more = False
            except Exception:
                _log.exception("due work failed")
                more = False
            if not more:
                await self._rest(sends)

    async def _rest(self, sends: bool) -> None:
        try:
            await asyncio.wait_for(self._woken[sends].wait(), self._context.options.task_poll_seconds)
        except TimeoutError:
            return

    async def run_once(self, sends: bool) -> bool:
        """Handles a page of rows that are due; True where there may be more."""
        now = self._context.clock()
        rows = await self._page(now, sends)
        self._set_gauges(sends, [max((now - due_since(row)).total_seconds(), 0.0) for row in rows])
        away = asyncio.Event()
        if sends:
            gone = await self._sends.each(rows, partial(self._run_one, away=away))
        else:
            gone = any([await self._decide_together(some, away) for some in _together(rows, now)])
        return gone and len(rows) == _PAGE

    async def _decide_together(self, rows: Sequence[Document], away: asyncio.Event) -> bool:
        """Handles rows of one locality; True where one of them is gone."""
        if len(rows) > 1 and not (self._stopping.is_set() or away.is_set()):
            try:
                done = await self._context.mongo.transact(partial(self._decide, rows))
            except Exception as error:
                # One is at fault, or somebody else has one in hand: each alone, unless the database is away.
                if isinstance(error, Transient) and not isinstance(error, Conflict):
                    away.set()
                _log.info("due rows one by one: %s", type(error).__name__)
            else:
                self._context.committed(done)
                for row in rows:
                    metrics.scheduled_tasks_handled.labels(self._service, row["what"], "ok").inc()
                return True
        return any([await self._run_one(row, away) for row in rows])

    async def _page(self, now: datetime, sends: bool) -> list[Document]:
        senders = list(self._context.definition.effects)
        here = {"$in": self._localities}
        if sends:
            which: Document = {"what": {"$in": senders}, "locality": here, "at": {"$lte": now}}
        else:
            leads = [name for name in self._localities if self._context.may_decide(name)]
            due = {"what": {"$nin": [*senders, DECIDE_LATER]}, "locality": here, "at": {"$lte": now}}
            # At once, whatever the clock of who asked said: two that are wrong may have had a part in it.
            which = {"$or": [due, {"what": DECIDE_LATER, "locality": {"$in": leads}}]}
        found = self._context.mongo[TASKS].find({**which, **READY}).sort("at", 1).limit(_PAGE)
        return [dict(row) for row in await found.to_list(None)]

    async def _run_one(self, row: Document, away: asyncio.Event) -> bool:
        """Handles one row; True where it is gone. Where the database is away, the page's others wait too."""
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
            return "conflict"  # somebody else wrote first, which says nothing of the row: it stays due
        except Transient:
            raise
        except Exception:
            _log.exception("due row failed", extra={"what": row["what"], "locality": row["locality"]})
        await reschedule(self._context, row, "failed")
        return "failed"

    async def _result(self, row: Document) -> str:
        if row["not_after"] is not None and self._context.clock() > row["not_after"]:
            await self._context.mongo.transact(partial(self._too_late, row))
            return "too_late"
        sender = self._context.definition.effects.get(row["what"])
        if sender is not None:
            return await self._sending.run(row, sender)
        for _ in range(_MOST_CONFLICTS):
            try:
                done = await self._context.mongo.transact(partial(self._decide, [row]))
            except Gone:
                return "gone"
            except Conflict:
                continue  # others are quicker just now
            self._context.committed(done)
            return "ok"
        raise Conflict("others keep writing first")

    async def _decide(self, rows: Sequence[Document], tx: Transaction) -> UnitOfWork[V, R]:
        """Raises Gone where somebody else has taken one of them, or written it since it was read."""
        await delete_tasks(tx, rows)
        round_ = self._context.unit_of_work(tx)
        keys = [(row["locality"], row["referral"]) for row in rows]
        await round_.read(keys)
        cases = [round_.aggregate(*key) for key in keys]
        resources = await round_.load_resources(cases)
        async for some in in_chunks(list(zip(rows, cases, strict=True))):
            for row, case in some:
                self._decide_one(row, case, resources, decision_context(case, round_.now, round_.new_id))
        await round_.write()
        return round_

    def _decide_one(
        self, row: Document, case: ReferralAggregate[V, R], resources: R, occasion: DecisionContext
    ) -> None:
        if row["what"] == DECIDE_LATER:
            case.decide(list(row["payload"]), resources, occasion)
        elif row["what"] in self._context.definition.tasks:
            decision = self._context.definition.tasks[row["what"]](
                case.view, resources, occasion, as_task(row)
            )
            case.decide(case.apply(decision, occasion), resources, occasion)
        else:
            raise LookupError(f"{self._service} has nothing that handles due {row['what']}")

    async def _too_late(self, row: Document, tx: Transaction) -> None:
        if await delete_task(tx, row) and row["what"] in self._context.definition.effects:
            await self._sending.record_too_late(tx, row)

    def _set_gauges(self, sends: bool, ages: list[float]) -> None:
        self._overdue[sends] = (len(ages), max(ages, default=0.0))
        counts = list(self._overdue.values())
        metrics.scheduled_tasks_overdue.labels(self._service).set(sum(count for count, _ in counts))
        metrics.scheduled_tasks_oldest_overdue.labels(self._service).set(max(age for _, age in counts))


def _together(rows: Sequence[Document], now: datetime) -> list[list[Document]]:
    """The rows in their order, those of one locality together: of a referral one, and too late ones alone."""
    groups: list[list[Document]] = []
    last: dict[str, list[Document]] = {}
    for row in rows:
        if row["not_after"] is not None and now > row["not_after"]:
            groups.append([row])
            continue
        group = last.get(row["locality"], [])
        if not group or len(group) == _TOGETHER or any(row["referral"] == each["referral"] for each in group):
            last[row["locality"]] = group = []
            groups.append(group)
        group.append(row)
    return groups
