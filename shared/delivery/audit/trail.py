"""Writes audit entries, and reads them again."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import Final, TypeVar

from pymongo import ASCENDING, DESCENDING, IndexModel
from pymongo.errors import OperationFailure, PyMongoError

from shared.contract.events.fact import Fact
from shared.delivery.mongo.database import Document, Mongo, Row, Transaction
from shared.platform.clock import Clock
from shared.platform.ids import NewId
from shared.platform.web.audit import AuditEntry, AuditKind, Change, audit
from shared.platform.web.principal import Principal
from shared.platform.web.refusals import Refusals

AUDIT: Final = "audit"
AUDIT_PAGES: Final = "audit_pages"
REFUSALS_SECONDS: Final = 60.0
_ENDS: Final = "audit_ends"
_OTHER_OPTIONS: Final = 85  # MongoDB's code for an index that exists with another lifetime.

T = TypeVar("T")
_log = logging.getLogger("linkwork.audit")


class AuditTrail:
    """The audit of one service. Each entry waits, `open`, until the sealer has sealed it."""

    def __init__(self, mongo: Mongo, new_id: NewId, clock: Clock) -> None:
        self._mongo = mongo
        self._new_id = new_id
        self._clock = clock

    async def reads(
        self,
        caller: Principal,
        action: str,
        subjects: Iterable[str],
        purpose: str,
        locality: str = "",
        kind: AuditKind = AuditKind.READ,
    ) -> None:
        """Records what is read of these referrals or people, before anything is shown, in one write.

        Raises the database's error. The caller must then show nothing.
        """
        await self.record_all(
            [
                await audit(caller, action, each, purpose, clock=self._clock, locality=locality, kind=kind)
                for each in subjects
            ]
        )

    async def asks(self, change: Change) -> None:
        """Records that a person asks another owner for a change, before the owner is asked."""
        await self.record_all([change.entry(self._clock())])

    async def record_all(self, entries: Iterable[AuditEntry]) -> None:
        """Stores these entries in one write. Raises the database's error."""
        rows = [self._row(entry) for entry in entries]
        if rows:
            await self._mongo[AUDIT].insert_many(rows)

    async def write(self, tx: Transaction, change: Change) -> None:
        """Writes the entry of a change in its transaction."""
        await tx[AUDIT].insert_one(self._row(change.entry(self._clock())), session=tx.session)

    async def audited(
        self, change: Change, work: Callable[[Transaction], Awaitable[T]], tx: Transaction
    ) -> T:
        """Runs a change in its transaction, and writes its entry unless the change returns False."""
        done = await work(tx)
        if done is not False:
            await self.write(tx, change)
        return done

    async def about(
        self,
        references: Collection[str],
        before: datetime | None = None,
        limit: int = 200,
    ) -> list[Row]:
        """Entries about these referrals or people, the latest first."""
        which: Document = {"subject_ref": {"$in": sorted(references)}}
        if before is not None:
            which["at"] = {"$lt": before}
        found = self._mongo[AUDIT].find(which).sort([("at", DESCENDING), ("_id", DESCENDING)]).limit(limit)
        return [row async for row in found]

    async def keep_refusals(self, refusals: Refusals) -> None:
        """Stores the refusals of each minute, until cancelled."""
        while True:
            await asyncio.sleep(REFUSALS_SECONDS)
            await self.store_refusals(refusals)

    async def store_refusals(self, refusals: Refusals) -> None:
        """Stores what was refused so far. Without the database these are lost, and their number is logged."""
        entries = refusals.drain()
        try:
            await self.record_all(entries)
        except PyMongoError as error:
            _log.warning("%d refusals not stored: %s", len(entries), type(error).__name__)

    def _row(self, entry: AuditEntry) -> Document:
        return row_of(self._new_id(), entry)


def row_of(identity: str, entry: AuditEntry) -> Document:
    """The entry as stored."""
    return {"_id": identity, **entry.document(), "open": True}


def codes_of(facts: Sequence[Fact]) -> list[str]:
    """Kinds of these facts, and their fields that hold a code, such as `reason=died`. No text, no number."""
    found: list[str] = []
    for fact in facts:
        found.append(fact.kind)
        values = getattr(fact.body, "__dict__", {})
        found += [f"{name}={value.value}" for name, value in values.items() if _is_code(name, value)]
    return found


def _is_code(name: str, value: object) -> bool:
    return isinstance(value, Enum) and isinstance(value.value, str) and name not in ("event", "kind")


async def ensure_audit(mongo: Mongo, keep: timedelta) -> None:
    """Creates the collections and their indexes. The database removes entries after this time."""
    await mongo.make((AUDIT, AUDIT_PAGES))
    await mongo[AUDIT].create_indexes(
        [
            IndexModel([("subject_ref", ASCENDING), ("at", DESCENDING)]),
            IndexModel(
                [("at", ASCENDING), ("_id", ASCENDING)], name="open", partialFilterExpression={"open": True}
            ),
            IndexModel([("page", ASCENDING)], sparse=True),
        ]
    )
    seconds = int(keep.total_seconds())
    try:
        await mongo[AUDIT].create_index([("at", ASCENDING)], name=_ENDS, expireAfterSeconds=seconds)
    except OperationFailure as refused:
        if refused.code != _OTHER_OPTIONS:
            raise
        changed = {"name": _ENDS, "expireAfterSeconds": seconds}
        # Another process may have changed it just now.
        with contextlib.suppress(OperationFailure):
            await mongo.database.command("collMod", AUDIT, index=changed)
