"""An external send in three steps: still wanted and begun; sent; recorded.

It has a permanent key: if this process dies between the gateway's yes and our record of it, the same key is
sent again, and the gateway can tell.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Generic, NamedTuple

from shared.delivery.case import occasion_of
from shared.delivery.due_rows import as_due, put_off, taken
from shared.delivery.errors import Never, NotNow, Transient
from shared.delivery.mongo import Document, Transaction
from shared.delivery.part import Loaded, R, Sender, V
from shared.delivery.round import DUE
from shared.delivery.worker import Worker

SENT = "sent"
_SEND_SECONDS = 30.0


class _Begun(NamedTuple, Generic[V]):
    loaded: Loaded[V]
    lease: datetime
    """Nobody else sends it until then: the row's new time."""


class Sending(Generic[V, R]):
    """Sends what due rows ask for and keeps the ledger `sent`."""

    def __init__(self, worker: Worker[V, R]) -> None:
        self._worker = worker

    async def send(self, row: Document, sender: Sender[V]) -> str:
        """Sends what a row asks for; gives the result's name for the metrics."""
        begun = await self._worker.mongo.transact(partial(self._begin, row, sender))
        if begun is None:
            return "not_wanted"
        row = row | {"at": begun.lease}
        sending = sender.send(str(row["_id"]), begun.loaded, as_due(row))
        try:
            reference = await asyncio.wait_for(sending, timeout=_SEND_SECONDS)
        except (NotNow, TimeoutError) as pause:
            until = pause.until if isinstance(pause, NotNow) else None
            await put_off(self._worker, row, "not_now", until)
            return "not_now"
        except Never as error:
            await self._record(row, {"status": "failed", "code": error.code})
            return "failed_for_good"
        except Exception:
            await put_off(self._worker, row, "failed")
            raise
        await self._record(row, {"status": "sent", "reference": reference})
        return "ok"

    async def too_late(self, tx: Transaction, row: Document) -> None:
        """A message that was never sent leaves a failure that can be seen."""
        known = await tx[SENT].find_one({"_id": row["_id"]}, session=tx.session)
        if known is None or known["status"] == "sending":
            failed = _ledger(row) | {"status": "failed", "code": "too_late", "at": self._worker.clock()}
            await tx[SENT].update_one({"_id": row["_id"]}, {"$set": failed}, upsert=True, session=tx.session)

    async def _begin(self, row: Document, sender: Sender[V], tx: Transaction) -> _Begun[V] | None:
        """Marks the row as begun, pushed back by a lease; None where it is not wanted, sent or taken."""
        round_ = self._worker.round(tx)
        await round_.open([(row["locality"], row["referral"])])
        case = round_.case(row["locality"], row["referral"])
        wanted = sender.wanted(case.view, occasion_of(case, round_.now, round_.new_id), as_due(row))
        known = await tx[SENT].find_one({"_id": row["_id"]}, session=tx.session)
        if not wanted or (known is not None and known["status"] != "sending"):
            await taken(tx, row)
            return None
        lease = round_.now + timedelta(seconds=2 * _SEND_SECONDS)
        held = await tx[DUE].update_one(
            {"_id": row["_id"], "at": row["at"]},
            {"$set": {"at": lease}, "$inc": {"attempt": 1}},
            session=tx.session,
        )
        if held.matched_count == 0:
            return None
        begun = _ledger(row) | {"status": "sending", "at": round_.now}
        await tx[SENT].update_one({"_id": row["_id"]}, {"$set": begun}, upsert=True, session=tx.session)
        return _Begun(Loaded(case.locality, case.referral_id, case.view), lease)

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


def _ledger(row: Document) -> Document:
    """What the ledger says of a message, beside how it went."""
    return {name: row[name] for name in ("what", "about", "locality", "referral")}
