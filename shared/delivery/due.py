"""Due work: what is looked at again later.

A row's removal and its effect share a transaction, so two processes that run one row cannot both have an
effect. An external send is written as begun first and has a permanent key: if this process dies between the
gateway's yes and our record of it, the same key is sent again, and the gateway can tell.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Generic

from pymongo.errors import PyMongoError

from shared import metrics
from shared.delivery.batch import Worker
from shared.delivery.case import occasion_of
from shared.delivery.decision import DueRow
from shared.delivery.errors import Never, NotNow, Transient
from shared.delivery.mongo import Document, Transaction, classified
from shared.delivery.part import Loaded, R, Sender, V
from shared.delivery.round import DECIDE_LATER, DUE, Round

SENT = "sent"
_PAGE = 200
_SEND_SECONDS = 30.0
_MOST_WAIT = timedelta(hours=1)
_log = logging.getLogger(__name__)


class DueWork(Generic[V, R]):
    """Runs the due rows of the localities that this process serves."""

    def __init__(self, worker: Worker[V, R], localities: Sequence[str]) -> None:
        self._worker = worker
        self._localities = list(localities)
        self._service = worker.part.name
        self._woken = asyncio.Event()
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._next: datetime | None = None

    @property
    def live(self) -> bool:
        """Whether the loop still goes round."""
        return self._task is None or not self._task.done()

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self, seconds: float) -> None:
        self._stopping.set()
        self._woken.set()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=seconds)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def wake(self, at: datetime) -> None:
        """A row was written that is due then."""
        if at <= self._worker.clock():
            self._woken.set()

    async def _run(self) -> None:
        while not self._stopping.is_set():
            self._woken.clear()
            try:
                more = await self.run_once()
            except (PyMongoError, Transient) as error:
                _log.warning("due work waits: %s", type(error).__name__)
                more = False
            except Exception:
                _log.exception("due work failed")
                more = False
            if not more:
                await self._rest()

    async def _rest(self) -> None:
        try:
            await asyncio.wait_for(self._woken.wait(), timeout=self._worker.options.due_poll_seconds)
        except TimeoutError:
            return

    async def run_once(self) -> bool:
        """Handles a page of rows that are due; True where there may be more."""
        now = self._worker.clock()
        rows = await self._page(now)
        progress = False
        for row in rows:
            if self._stopping.is_set():
                return False
            progress = await self._one(row) or progress
        metrics.due_waiting.labels(self._service).set(len(rows))
        oldest = max(((now - row["at"]).total_seconds() for row in rows), default=0.0)
        metrics.due_oldest.labels(self._service).set(oldest)
        return progress and len(rows) == _PAGE

    async def _page(self, now: datetime) -> list[Document]:
        leads = [name for name in self._localities if self._worker.may_decide(name)]
        ready = {
            "at": {"$lte": now},
            "$or": [
                {"what": {"$ne": DECIDE_LATER}, "locality": {"$in": self._localities}},
                {"what": DECIDE_LATER, "locality": {"$in": leads}},
            ],
        }
        found = self._worker.mongo[DUE].find(ready).sort("at", 1).limit(_PAGE)
        rows = await found.to_list(None)
        return [dict(row) for row in rows]

    async def _one(self, row: Document) -> bool:
        """Handles one row; True where it is gone."""
        what = row["what"]
        try:
            if row["not_after"] is not None and self._worker.clock() > row["not_after"]:
                await self._too_late(row)
                result = "too_late"
            elif what in self._worker.part.senders:
                result = await self._send(row, self._worker.part.senders[what])
            else:
                result = await self._decide(row)
        except Transient:
            result = "retried"
        except Exception:
            _log.exception("due row failed", extra={"what": what, "locality": row["locality"]})
            await self._later(row, "failed")
            result = "failed"
        metrics.due_done.labels(self._service, what, result).inc()
        return result not in ("retried", "failed", "not_now")

    async def _decide(self, row: Document) -> str:
        async def work(tx: Transaction) -> Round[V, R] | None:
            if not await self._taken(tx, row):
                return None
            round_ = self._worker.round(tx)
            await round_.open([(row["locality"], row["referral"])])
            case = round_.case(row["locality"], row["referral"])
            resources = await round_.load([case])
            occasion = occasion_of(case, round_.now, round_.new_id)
            if row["what"] == DECIDE_LATER:
                case.decide(list(row["payload"]), resources, occasion)
            elif row["what"] in self._worker.part.due:
                decision = self._worker.part.due[row["what"]](case.view, resources, occasion, _row(row))
                case.decide(case.follow(decision, occasion), resources, occasion)
            else:
                raise LookupError(f"{self._service} has nothing that handles due {row['what']}")
            await round_.write()
            return round_

        done = await self._worker.mongo.transact(work)
        if done is None:
            return "gone"
        self._worker.done(done)
        return "ok"

    @staticmethod
    async def _taken(tx: Transaction, row: Document) -> bool:
        gone = await tx[DUE].delete_one({"_id": row["_id"], "at": row["at"]}, session=tx.session)
        return bool(gone.deleted_count == 1)

    async def _send(self, row: Document, sender: Sender[V]) -> str:
        """Three steps: still wanted and begun; sent; recorded."""
        loaded = await self._worker.mongo.transact(lambda tx: self._begin(tx, row, sender))
        if loaded is None:
            return "not_wanted"
        key = str(row["_id"])
        try:
            reference = await asyncio.wait_for(sender.send(key, loaded, _row(row)), timeout=_SEND_SECONDS)
        except (NotNow, TimeoutError) as pause:
            await self._later(row, "not_now", until=pause.until if isinstance(pause, NotNow) else None)
            return "not_now"
        except Never as error:
            await self._record(row, {"status": "failed", "code": error.code})
            return "failed_for_good"
        await self._record(row, {"status": "sent", "reference": reference})
        return "ok"

    async def _begin(self, tx: Transaction, row: Document, sender: Sender[V]) -> Loaded[V] | None:
        """Marks the row as begun, pushed back by a lease; None where it is not wanted, sent or taken."""
        round_ = self._worker.round(tx)
        await round_.open([(row["locality"], row["referral"])])
        case = round_.case(row["locality"], row["referral"])
        wanted = sender.wanted(case.view, occasion_of(case, round_.now, round_.new_id), _row(row))
        known = await tx[SENT].find_one({"_id": row["_id"]}, session=tx.session)
        if not wanted or (known is not None and known["status"] != "sending"):
            await self._taken(tx, row)
            return None
        lease = round_.now + timedelta(seconds=2 * _SEND_SECONDS)
        held = await tx[DUE].update_one(
            {"_id": row["_id"], "at": row["at"]},
            {"$set": {"at": lease}, "$inc": {"attempt": 1}},
            session=tx.session,
        )
        if held.matched_count == 0:
            return None
        row["at"] = lease
        begun = _begun(row) | {"status": "sending", "at": round_.now}
        await tx[SENT].update_one({"_id": row["_id"]}, {"$set": begun}, upsert=True, session=tx.session)
        return Loaded(case.locality, case.referral_id, case.view)

    async def _too_late(self, row: Document) -> None:
        """Drops the row; a message that was never sent leaves a failure that can be seen."""

        async def work(tx: Transaction) -> None:
            known = await tx[SENT].find_one({"_id": row["_id"]}, session=tx.session)
            unsent = known is None or known["status"] == "sending"
            if await self._taken(tx, row) and unsent and row["what"] in self._worker.part.senders:
                failed = _begun(row) | {"status": "failed", "code": "too_late", "at": self._worker.clock()}
                await tx[SENT].update_one(
                    {"_id": row["_id"]}, {"$set": failed}, upsert=True, session=tx.session
                )

        await self._worker.mongo.transact(work)

    async def _record(self, row: Document, outcome: Mapping[str, Any]) -> None:
        async def work(tx: Transaction) -> None:
            ended = {**outcome, "at": self._worker.clock()}
            await tx[SENT].update_one({"_id": row["_id"]}, {"$set": ended}, session=tx.session)
            await tx[DUE].delete_one({"_id": row["_id"]}, session=tx.session)

        while True:
            try:
                return await self._worker.mongo.transact(work)
            except Transient:
                await asyncio.sleep(0.2)

    async def _later(self, row: Document, why: str, until: datetime | None = None) -> None:
        """Puts a row off until then, or twice as long each time, an hour at most."""
        attempt = row["attempt"] + 1
        wait = min(timedelta(seconds=2 ** min(attempt, 12)), _MOST_WAIT)
        change = {"$set": {"at": until or self._worker.clock() + wait, "attempt": attempt, "why": why}}
        try:
            await self._worker.mongo[DUE].update_one({"_id": row["_id"], "at": row["at"]}, change)
        except PyMongoError as error:
            raise classified(error) from error


def _begun(row: Document) -> Document:
    """What the ledger says of a message, beside how it went."""
    return {name: row[name] for name in ("what", "about", "locality", "referral")}


def _row(row: Document) -> DueRow:
    return DueRow(row["what"], row["about"], row["at"], row["payload"], row["attempt"])
