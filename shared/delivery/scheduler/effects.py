"""An external send in three steps: still wanted and begun; sent; recorded.

It has a permanent key: if this process dies between the gateway's yes and our record of it, the same key is
sent again, and the gateway can tell.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, Generic

from pymongo import UpdateOne

from shared.delivery.model.errors import Conflict, PermanentFailure, RetryLater, Transient
from shared.delivery.model.service_definition import Effect, Loaded, R, V
from shared.delivery.mongo.database import Document, Transaction
from shared.delivery.scheduler.task_rows import (
    as_read,
    as_task,
    claim,
    claimed,
    delete_task,
    release,
    reschedule,
)
from shared.delivery.unit_of_work.aggregate import decision_context
from shared.delivery.unit_of_work.batcher import TransactionBatcher
from shared.delivery.unit_of_work.context import ServiceContext
from shared.delivery.unit_of_work.unit_of_work import TASKS

SENT = "sent"
_SEND_SECONDS = 30.0


class EffectRunner(Generic[V, R]):
    """Sends what due rows ask for and keeps the ledger `sent`."""

    def __init__(self, context: ServiceContext[V, R]) -> None:
        self._context = context
        self._claiming: TransactionBatcher[tuple[Document, Effect[V]], Loaded[V] | None] = TransactionBatcher(
            context.mongo, self._claim
        )
        self._recording: TransactionBatcher[tuple[Document, Mapping[str, Any]], None] = TransactionBatcher(
            context.mongo, self._record_all
        )

    async def run(self, row: Document, sender: Effect[V]) -> str:
        """Sends what a row asks for; gives the result's name for the metrics."""
        try:
            begun = await self._claiming.run((row, sender))
        except Conflict:
            raise
        except Transient:
            # It may have been written all the same: then nobody would send it before the lease is over.
            await self._until_it_answers(partial(release, self._context, row))
            raise
        if begun is None:
            return "not_needed"
        row = claimed(row)
        sending = sender.send(str(row["_id"]), begun, as_task(row))
        try:
            reference = await asyncio.wait_for(sending, timeout=_SEND_SECONDS)
        except (RetryLater, TimeoutError) as pause:
            await reschedule(
                self._context, row, "rescheduled", pause if isinstance(pause, RetryLater) else None
            )
            return "rescheduled"
        except PermanentFailure as error:
            await self._record(row, {"status": "failed", "code": error.code})
            return "failed_permanently"
        except Exception:
            await reschedule(self._context, row, "failed")
            raise
        await self._record(row, {"status": "sent", "reference": reference})
        return "ok"

    async def record_too_late(self, tx: Transaction, row: Document) -> None:
        """A message that was never sent leaves a failure that can be seen."""
        known = await tx[SENT].find_one({"_id": row["_id"]}, session=tx.session)
        if known is None or known["status"] == "sending":
            failed = _ledger(row) | {"status": "failed", "code": "too_late", "at": self._context.clock()}
            await tx[SENT].update_one({"_id": row["_id"]}, {"$set": failed}, upsert=True, session=tx.session)

    async def _claim(
        self, asked: Sequence[tuple[Document, Effect[V]]], tx: Transaction
    ) -> list[Loaded[V] | None]:
        """Marks rows as begun, so that they rest; None for one that is not wanted, sent or taken."""
        round_ = self._context.unit_of_work(tx)
        await round_.read([(row["locality"], row["referral"]) for row, _ in asked])
        which = {"_id": {"$in": [row["_id"] for row, _ in asked]}}
        due = {row["_id"]: as_read(row) async for row in tx[TASKS].find(which, session=tx.session)}
        known = {row["_id"]: row["status"] async for row in tx[SENT].find(which, session=tx.session)}
        begun: list[Loaded[V] | None] = []
        for row, sender in asked:
            case = round_.aggregate(row["locality"], row["referral"])
            wanted = sender.is_still_needed(
                case.view, decision_context(case, round_.now, round_.new_id), as_task(row)
            )
            if not wanted or known.get(row["_id"], "sending") != "sending":
                await delete_task(tx, row)
                begun.append(None)
            elif due.get(row["_id"]) != as_read(row):
                begun.append(None)
            else:
                begun.append(Loaded(case.locality, case.referral_id, case.view))
        await self._write_claims(tx, [row for (row, _), one in zip(asked, begun, strict=True) if one])
        return begun

    async def _write_claims(self, tx: Transaction, rows: Sequence[Document]) -> None:
        if not rows:
            return
        writes = [claim(row, self._context.lane) for row in rows]
        done = await tx[TASKS].bulk_write(writes, session=tx.session, ordered=False)
        if done.matched_count != len(rows):
            raise Conflict("a due row was taken by somebody else")
        begun = {"status": "sending", "at": self._context.clock()}
        ledger = [UpdateOne({"_id": r["_id"]}, {"$set": _ledger(r) | begun}, upsert=True) for r in rows]
        await tx[SENT].bulk_write(ledger, session=tx.session, ordered=False)

    async def _record(self, row: Document, outcome: Mapping[str, Any]) -> None:
        await self._until_it_answers(partial(self._recording.run, (row, outcome)))

    @staticmethod
    async def _until_it_answers(ask: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                return await ask()
            except Transient:
                await asyncio.sleep(0.2)

    async def _record_all(
        self, outcomes: Sequence[tuple[Document, Mapping[str, Any]]], tx: Transaction
    ) -> list[None]:
        now = self._context.clock()
        ended = [UpdateOne({"_id": row["_id"]}, {"$set": {**how, "at": now}}) for row, how in outcomes]
        await tx[SENT].bulk_write(ended, session=tx.session, ordered=False)
        gone = {"_id": {"$in": [row["_id"] for row, _ in outcomes]}}
        await tx[TASKS].delete_many(gone, session=tx.session)
        return [None] * len(outcomes)


def _ledger(row: Document) -> Document:
    """What the ledger says of a message, beside how it went."""
    return {name: row[name] for name in ("what", "about", "locality", "referral")}
