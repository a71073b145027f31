"""Folds records into a generation that no other process writes, without deciding anything.

A referral is folded once for all its records. There are no transactions: a rebuild that dies starts again.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pymongo import UpdateOne

from shared.delivery.consumer.incoming import decode
from shared.delivery.consumer.markers import Placed, write_markers
from shared.delivery.dlq.dead_letters import Record
from shared.delivery.model.facts import ReceivedEvent
from shared.delivery.model.service_definition import Changed
from shared.delivery.mongo.database import Document, Mongo
from shared.delivery.rebuild.source import Rebuildable, RecordPosition
from shared.delivery.unit_of_work.aggregate import ReferralAggregate, aggregate_id
from shared.delivery.unit_of_work.unit_of_work import REFERRALS

_CASES: Final = 1000  # Referrals in one write.
_CHANGES: Final = 8000  # Referrals in one call of the service's projection.
_log = logging.getLogger(__name__)

# Before they are decoded, records of one referral share the topic's locality and the key.
Group = tuple[str, bytes | None]


@dataclass
class FoldCounts:
    """Numbers of records: read, stored as facts, refused by the decoder, impossible to fold."""

    records: int = 0
    facts: int = 0
    refused: int = 0
    unfoldable: int = 0

    def add(self, more: "FoldCounts") -> None:
        """Adds the counts of other records."""
        for name in ("records", "facts", "refused", "unfoldable"):
            setattr(self, name, getattr(self, name) + getattr(more, name))


class Folding:
    """Folds into one generation. Records at dead-letter positions are left out, as the service did."""

    def __init__(
        self, part: Rebuildable, mongo: Mongo, dead_letter_positions: frozenset[RecordPosition] = frozenset()
    ) -> None:
        self._part = part.part
        self._tx = mongo.outside()
        self._dead_letter_positions = dead_letter_positions
        self._waiting: dict[Group, list[Record]] = {}
        self._held = 0
        self._changes: list[Changed[Any]] = []
        self._markers: list[Placed] = []
        self.done = FoldCounts()

    @property
    def held(self) -> int:
        """The number of records kept and not folded yet."""
        return self._held

    def take(self, records: Iterable[Record]) -> None:
        """Keeps records until `fold`."""
        for record in records:
            self.done.records += 1
            if (
                self._dead_letter_positions
                and (record.topic, record.partition, record.offset) in self._dead_letter_positions
            ):
                continue
            locality = record.topic.partition(".")[0]
            self._waiting.setdefault((locality, record.key), []).append(record)
            self._held += 1

    async def fold(self, *, fresh: bool) -> None:
        """Folds the kept records. If `fresh`, the generation has none of these referrals yet."""
        groups, self._waiting, self._held = list(self._waiting.values()), {}, 0
        writing: asyncio.Task[None] | None = None
        while groups:
            page, groups = groups[:_CASES], groups[_CASES:]
            received = self._decoded(page)
            stored = {} if fresh else await self._stored(received)
            changed = [
                case
                for identity, facts in received.items()
                if (case := self._fold_referral(identity, facts, stored.get(identity))).added
            ]
            if writing is not None:
                await writing  # One page is written while the next is folded.
            writing = asyncio.create_task(self._write(changed))
        if writing is not None:
            await writing
        markers, self._markers = self._markers, []
        await write_markers(markers, self._tx)
        await self._project()

    def _decoded(self, page: Sequence[list[Record]]) -> dict[str, list[ReceivedEvent]]:
        received: dict[str, list[ReceivedEvent]] = {}
        for records in page:
            decoded = decode(records)
            self.done.refused += len(decoded.dead_letters)
            self._markers += decoded.markers
            for item in decoded.incoming:
                body = item.received.fact.body
                received.setdefault(aggregate_id(body.locality, body.referral_id), []).append(item.received)
        return received

    async def _stored(self, received: Iterable[str]) -> Mapping[str, Document]:
        found = self._tx[REFERRALS].find({"_id": {"$in": list(received)}})
        return {row["_id"]: dict(row) async for row in found}

    def _fold_referral(
        self, identity: str, events: Sequence[ReceivedEvent], stored: Document | None
    ) -> ReferralAggregate[Any, Any]:
        """The referral with these facts, without those that the fold fails on: the service set them aside."""
        case = self._aggregate(identity, stored)
        for received in events:
            case.append(received)
        try:
            _ = case.document
        except Exception:
            _log.exception("a referral cannot be folded whole")
            case = self._aggregate(identity, stored)
            for received in events:
                tried = self._aggregate(identity, stored)
                for one in [*case.added, received]:
                    tried.append(one)
                try:
                    _ = tried.document
                except Exception:
                    self.done.unfoldable += 1
                else:
                    case = tried
        self.done.facts += len(case.added)
        return case

    def _aggregate(self, identity: str, stored: Document | None) -> ReferralAggregate[Any, Any]:
        if stored is not None:
            return ReferralAggregate.from_document(self._part, stored)
        locality, _, referral_id = identity.partition("/")
        return ReferralAggregate(self._part, locality, referral_id)

    async def _write(self, cases: Sequence[ReferralAggregate[Any, Any]]) -> None:
        writes = [case.to_write() for case in cases]
        inserts = [write for write in writes if isinstance(write, dict)]
        updates = [write for write in writes if isinstance(write, UpdateOne)]
        if inserts:
            await self._tx[REFERRALS].insert_many(inserts, ordered=False)
        if updates:
            done = await self._tx[REFERRALS].bulk_write(updates, ordered=False)
            if done.matched_count != len(updates):
                raise RuntimeError("somebody else writes the generation that is being made")
        if self._part.project is not None:
            self._changes += [case.as_changed() for case in cases]
            if len(self._changes) >= _CHANGES:
                await self._project()

    async def _project(self) -> None:
        changes, self._changes = self._changes, []
        if self._part.project is not None and changes:
            await self._part.project(self._tx, changes)
