"""Effects: a message to the outside in three steps. Claimed if it is still needed; sent; recorded.

The message has a permanent reference. If this process dies between the gateway's answer and our record, the
message is sent again under the same reference, and the gateway can recognise it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final, Generic

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
from shared.delivery.unit_of_work.batcher import TransactionBatcher
from shared.delivery.unit_of_work.context import ServiceContext
from shared.delivery.unit_of_work.unit_of_work import TASKS

SENT: Final = "sent"
_SEND_SECONDS: Final = 30.0
_PAGE: Final = 50


class EffectRunner(Generic[V, R]):
    """Sends the messages of scheduled tasks and keeps the ledger `sent`."""

    def __init__(self, context: ServiceContext[V, R]) -> None:
        self._context = context
        self._claiming: TransactionBatcher[tuple[Document, Effect[V]], Loaded[V] | None] = TransactionBatcher(
            context.mongo, self._claim
        )
        self._recording: TransactionBatcher[tuple[Document, Mapping[str, Any]], None] = TransactionBatcher(
            context.mongo, self._record_all
        )

    async def run(self, row: Document, effect: Effect[V]) -> str:
        """Sends the message of a task; returns the result's label for the metrics."""
        try:
            referral = await self._claiming.run((row, effect))
        except Conflict:
            raise
        except Transient:
            # The claim may have been written all the same. No process would send before its lease is over.
            await self._until_answered(partial(release, self._context, row))
            raise
        if referral is None:
            return "not_needed"
        row = claimed(row)
        sending = effect.send(str(row["_id"]), referral, as_task(row))
        try:
            reference = await asyncio.wait_for(sending, timeout=_SEND_SECONDS)
        except (RetryLater, TimeoutError) as error:
            later = error if isinstance(error, RetryLater) else None
            await reschedule(self._context, row, "rescheduled", later)
            return "rescheduled"
        except PermanentFailure as error:
            await self._record(row, {"status": "failed", "code": error.code})
            return "failed_permanently"
        except Exception:
            await reschedule(self._context, row, "failed")
            raise
        await self._record(row, {"status": "sent", "reference": reference})
        return "ok"

    async def _claim(
        self, requests: Sequence[tuple[Document, Effect[V]]], tx: Transaction
    ) -> list[Loaded[V] | None]:
        """Claims tasks, so that no other process sends. None for a task that is not needed, sent or taken."""
        unit_of_work = self._context.unit_of_work(tx)
        await unit_of_work.read([(row["locality"], row["referral"]) for row, _ in requests])
        which = {"_id": {"$in": [row["_id"] for row, _ in requests]}}
        stored = {row["_id"]: as_read(row) async for row in tx[TASKS].find(which, session=tx.session)}
        statuses = {row["_id"]: row["status"] async for row in tx[SENT].find(which, session=tx.session)}
        await unit_of_work.fold(list(unit_of_work.aggregates.values()))
        referrals: list[Loaded[V] | None] = []
        for row, effect in requests:
            aggregate = unit_of_work.aggregate(row["locality"], row["referral"])
            context = unit_of_work.decision_context(aggregate)
            needed = effect.is_still_needed(aggregate.view, context, as_task(row))
            if not needed or statuses.get(row["_id"], "sending") != "sending":
                await delete_task(tx, row)
                referrals.append(None)
            elif stored.get(row["_id"]) != as_read(row):
                referrals.append(None)
            else:
                referrals.append(Loaded(aggregate.locality, aggregate.referral_id, aggregate.view))
        await self._write_claims(tx, [row for (row, _), one in zip(requests, referrals, strict=True) if one])
        return referrals

    async def _write_claims(self, tx: Transaction, rows: Sequence[Document]) -> None:
        if not rows:
            return
        writes = [claim(row, self._context.lane) for row in rows]
        done = await tx[TASKS].bulk_write(writes, session=tx.session, ordered=False)
        if done.matched_count != len(rows):
            raise Conflict("another process claimed a task")
        status = {"status": "sending", "at": self._context.clock()}
        ledger = [UpdateOne({"_id": r["_id"]}, {"$set": _ledger(r) | status}, upsert=True) for r in rows]
        await tx[SENT].bulk_write(ledger, session=tx.session, ordered=False)

    async def _record(self, row: Document, outcome: Mapping[str, Any]) -> None:
        await self._until_answered(partial(self._recording.run, (row, outcome)))

    @staticmethod
    async def _until_answered(ask: Callable[[], Awaitable[None]]) -> None:
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


async def record_dropped(tx: Transaction, row: Document, code: str, now: datetime) -> None:
    """Records a failure that people can see for a message that was never sent."""
    known = await tx[SENT].find_one({"_id": row["_id"]}, session=tx.session)
    if known is None or known["status"] == "sending":
        failed = _ledger(row) | {"status": "failed", "code": code, "at": now}
        await tx[SENT].update_one({"_id": row["_id"]}, {"$set": failed}, upsert=True, session=tx.session)


async def give_up_maybe_sent(context: ServiceContext[V, R], locality: str, restored_at: datetime) -> None:
    """Gives up messages that were due before the restore, as failures that people can see.

    They may have been sent after the back-up, and no message is sent twice. Safe to repeat.

    Raises:
        PyMongoError, Transient: the database is away.
    """
    effects = list(context.definition.effects)
    due = {"locality": locality, "what": {"$in": effects}, "at": {"$lte": restored_at}}
    while page := await context.mongo[TASKS].find(due).limit(_PAGE).to_list(None):
        await context.mongo.transact(partial(_give_up, [dict(row) for row in page], context.clock()))


async def _give_up(rows: Sequence[Document], now: datetime, tx: Transaction) -> None:
    for row in rows:
        await delete_task(tx, row)
        await record_dropped(tx, row, "maybe_sent", now)


def _ledger(row: Document) -> Document:
    """The fields of a message in the ledger, beside its outcome."""
    return {name: row[name] for name in ("what", "about", "locality", "referral")}
