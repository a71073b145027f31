"""The generation that a rebuild makes beside the live one, from the same log."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import AsyncExitStack
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.contract.events.topics import dead_letter_topic, event_topics
from shared.delivery.consumer.incoming import decode
from shared.delivery.dlq.dead_letters import Record
from shared.delivery.indexes import FOLD_INDEX
from shared.delivery.kafka.broker_view import BrokerView
from shared.delivery.kafka.partitions import partitions_of
from shared.delivery.model.facts import same_body
from shared.delivery.rebuild.bulk import fold_in_bulk, fold_tasks
from shared.delivery.rebuild.comparing import Comparison, compare_all, compare_derived, compare_these
from shared.delivery.rebuild.dead_letter_positions import as_records, positions_of, replayed, unpublished
from shared.delivery.rebuild.folding import Folding
from shared.delivery.rebuild.generations import names_of
from shared.delivery.rebuild.handled_log import HandledLog
from shared.delivery.rebuild.log import (
    OffsetRange,
    Offsets,
    consumer,
    offset_ranges,
    ranges_around,
    read,
)
from shared.delivery.rebuild.report import Progress, Refused, Report
from shared.delivery.rebuild.source import Rebuildable, RecordPosition, Source
from shared.delivery.rebuild.switching import LiveRow, forget_kept
from shared.delivery.rebuild.watching import ChangedReferrals
from shared.delivery.unit_of_work.aggregate import ReferralAggregate, aggregate_id
from shared.delivery.unit_of_work.unit_of_work import REFERRALS

# The shadow has caught up if a pass brings at most so many records: they take a fraction of a second.
_CAUGHT_UP_RECORDS: Final = 300
_CATCH_UP_SECONDS: Final = 120.0
_MAX_LAG: Final = 10_000
_PAGE: Final = 5000


class ShadowGeneration:
    """The generation that a rebuild makes beside the live one."""

    def __init__(
        self, source: Source, part: Rebuildable, localities: Sequence[str], live: LiveRow, number: int
    ) -> None:
        self._source = source
        self._part = part
        self._configured_localities = localities
        self.live = live
        self.number = number
        self.live_mongo = self._source.mongo(self._part, live.number)
        self.new = self._source.mongo(self._part, number)
        self._folding = Folding(self._part, self.new)
        self._resources = AsyncExitStack()
        self._reader: AIOKafkaConsumer
        self.handled: HandledLog
        self._localities: list[str] = []
        self._partitions: list[TopicPartition] = []
        # Positions of the records that were replayed before the rebuild began.
        self._replayed: frozenset[RecordPosition] = frozenset()

    async def __aenter__(self) -> "ShadowGeneration":
        self._resources.push_async_callback(self.live_mongo.close)
        self._resources.push_async_callback(self.new.close)
        self._reader = await self._resources.enter_async_context(consumer(self._source.kafka))
        await self.live_mongo.make(self._part.derived)  # A service may never have run, or they were lost.
        known = await self.live_mongo[REFERRALS].distinct("locality")
        self._localities = sorted({*self._configured_localities, *known})
        topics = [topic for name in self._localities for topic in event_topics(name)]
        self._partitions = await partitions_of(self._source.kafka, topics)
        broker = BrokerView(self._source.kafka)
        self._resources.push_async_callback(broker.close)
        self.handled = HandledLog(self._part.part.name, self._localities, self.live_mongo, broker)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._resources.aclose()

    async def require_whole_log(self) -> None:
        """Checks that the log begins at offset 0, before anything is dropped. A sandbox's log may not.

        Raises:
            Refused: the log was trimmed.
        """
        starts: Offsets = await self._reader.beginning_offsets(self._partitions)
        if any(start for at, start in starts.items() if not self._is_sandbox(at.topic)):
            raise Refused("The log does not begin at its beginning any more: it cannot be folded again.")

    async def require_collections(self) -> None:
        """Checks that the kept generation is whole; if collections are gone, it is kept no longer.

        Raises:
            Refused: collections are gone.
            NotClosed: collections are gone, and another rebuild changes the generation.
        """
        there = set(await self.new.database.list_collection_names())
        gone = sorted(set(names_of(self._part.derived, self.number).values()) - there)
        if gone:
            self.live = await forget_kept(self.live_mongo, self.live)
            raise Refused(
                f"There is nothing to go back to: generation {self.number} was kept, but lacks "
                f"{', '.join(gone)} by now."
            )

    async def drop_other_generations(self) -> None:
        """Drops every generation but the live one, also the kept one, and creates empty collections.

        Raises:
            NotClosed: another rebuild changes the generation; nothing was dropped.
        """
        self.live = await forget_kept(self.live_mongo, self.live)  # Before its collections are gone.
        there = set(await self.new.database.list_collection_names())
        live = set(names_of(self._part.derived, self.live.number).values())
        for base in self._part.derived:
            for name in there - live:
                if name == base or name.startswith(f"{base}.g"):
                    await self.new.database.drop_collection(name)
        await self.new.make(self._part.derived)

    async def fold_log(self, report: Report, processes: int, say: Progress) -> Offsets:
        """Folds all records that the service has handled, and returns the offsets of their ends."""
        handled = await self.handled.offsets(self._partitions)
        dead_letter_positions = frozenset(await self._dead_letter_positions() - self._replayed)
        partition_counts = {at.topic: sum(at.topic == other.topic for other in handled) for at in handled}
        ranges = offset_ranges(await self._starts(), handled)
        work = fold_tasks(self._source, self.number, ranges, partition_counts, dead_letter_positions)
        total = sum(part.end - part.start for part in ranges)
        result = await fold_in_bulk(work, processes, lambda done: say(f"  {done} of {total} records"))
        if result.strays:
            self._folding.take(
                stray for stray in result.strays if _position(stray) not in dead_letter_positions
            )
            await self._folding.fold(fresh=False)
        await self._replay(dead_letter_positions, handled)
        result.folded.facts += self._folding.done.facts
        report.folded = result.folded
        return handled

    async def replay_dead_letters(self, offsets: Offsets) -> None:
        """Folds the records that were replayed since this generation was closed.

        They lie before `offsets`, up to which the generation has every other record.
        """
        await self._replay(await self._dead_letter_positions() | self._replayed, offsets)

    async def _replay(self, positions: Iterable[RecordPosition], offsets: Offsets) -> set[str]:
        """Folds those of these records before `offsets` that the live generation has.

        A dead letter does not prove that its record was never stored. The record may have been replayed and
        its letter discarded later, or the consumer stopped and began its batch again. So the live generation
        decides. Records after `offsets` are read later.
        """
        starts = await self._starts()
        wanted = {
            (topic, number, offset)
            for topic, number, offset in positions
            if starts.get(at := TopicPartition(topic, number), 0) <= offset < offsets.get(at, 0)
        }
        touched, _ = await self._fold_known(_records_at(wanted, self._read(ranges_around(wanted))))
        return touched

    async def _dead_letter_positions(self) -> set[RecordPosition]:
        """The positions of all records in dead letters, also of those that were replayed."""
        waiting = await unpublished(self.live_mongo)
        positions = positions_of(dict(message.headers) for message in waiting)
        letters = await partitions_of(self._source.kafka, [dead_letter_topic(self._part.part.name)])
        starts = await self._reader.beginning_offsets(letters)
        ends = await self._reader.end_offsets(letters)
        async for records in read(self._reader, offset_ranges(starts, ends)):
            positions |= positions_of(
                {name: (value or b"").decode(errors="replace") for name, value in record.headers}
                for record in records
            )
        self._replayed = frozenset(await replayed(self.live_mongo))
        return positions

    async def ensure_indexes(self) -> None:
        """Creates the indexes of the fold and of the service's queries."""
        await self.new[REFERRALS].create_indexes([FOLD_INDEX])
        await self._part.ensure_indexes(self.new)

    async def compare(self) -> Comparison:
        """Compares every referral. Those that change meanwhile are compared again later.

        Sandboxes are left out. Service and broker forget what is in them, each at its own moment.
        """
        real = [name for name in self._localities if not self._part.part.is_sandbox(name)]
        return await compare_all(self.live_mongo, self.live.number, self.number, real)

    async def catch_up(self, offsets: Offsets, report: Report, changes: ChangedReferrals) -> set[str]:
        """Follows the live generation until the shadow has caught up, and advances `offsets`.

        Returns:
            The ids of the referrals that still differ.

        Raises:
            Refused: the shadow does not catch up, or the service lags.
        """
        unlike = report.compared.unlike
        end = asyncio.get_running_loop().time() + _CATCH_UP_SECONDS
        while True:
            handled = await self.handled.offsets(self._partitions)
            parts = offset_ranges(offsets, handled)
            _, taken = await self._fold_known(self._read(parts))
            offsets |= handled
            unlike = (await self._compare_again(unlike | await changes.until_now())).unlike
            if taken <= _CAUGHT_UP_RECORDS:
                break
            if asyncio.get_running_loop().time() > end:
                raise Refused("It does not get level: try again when there is less to do.")
        ends: Offsets = await self._reader.end_offsets(self._partitions)
        lag = sum(part.end - part.start for part in offset_ranges(offsets, ends))
        if lag > _MAX_LAG:
            raise Refused(f"The service is {lag} records behind: let it work them off, or stop it.")
        return unlike

    async def finish(
        self,
        offsets: Offsets,
        unlike: set[str],
        changes: ChangedReferrals,
        report: Report,
    ) -> dict[tuple[str, int], int]:
        """Folds the last records, while no process writes the live generation.

        Returns:
            The offset up to which the service has handled each topic and partition.
        """
        waiting = as_records(await unpublished(self.live_mongo))  # Before the ends of the log.
        ends: Offsets = await self._reader.end_offsets(self._partitions)
        touched, _ = await self._fold_known(
            _with_last_page(self._read(offset_ranges(offsets, ends)), waiting)
        )
        touched |= await self._replay(await replayed(self.live_mongo) - self._replayed, offsets)
        handled, changed, report.figures = await asyncio.gather(
            self.handled.offsets(self._partitions),
            changes.until_now(),
            compare_derived(self.live_mongo, self.live.number, self.number, self._part.part.derived),
        )
        last = await self._compare_again(unlike | touched | changed)
        whole = report.compared
        whole.missing, whole.extra, whole.views, whole.unlike = (
            last.missing,
            last.extra,
            last.views,
            last.unlike,
        )
        return {(at.topic, at.partition): offset for at, offset in handled.items()}

    async def _compare_again(self, identities: Iterable[str]) -> Comparison:
        real = [each for each in identities if not self._part.part.is_sandbox(each.partition("/")[0])]
        return await compare_these(self.live_mongo, self.live.number, self.number, real)

    def _is_sandbox(self, topic: str) -> bool:
        return self._part.part.is_sandbox(topic.partition(".")[0])

    async def _starts(self) -> Offsets:
        """Where the logs of sandboxes begin by now. All others begin at 0."""
        theirs = [at for at in self._partitions if self._is_sandbox(at.topic)]
        starts: Offsets = await self._reader.beginning_offsets(theirs) if theirs else {}
        return starts

    async def _read(self, parts: Sequence[OffsetRange]) -> AsyncIterator[list[Any]]:
        """Reads the ranges; several ranges of one partition are read one after the other.

        What a sandbox's log has lost is left out.
        """
        starts = await self._starts()
        left = [
            part._replace(start=max(part.start, starts.get(TopicPartition(part.topic, part.partition), 0)))
            for part in parts
        ]
        left = [part for part in left if part.start < part.end]
        while left:
            now: dict[tuple[str, int], OffsetRange] = {}
            for part in left:
                now.setdefault((part.topic, part.partition), part)
            async for records in read(self._reader, list(now.values())):
                yield records
            left = [part for part in left if part not in now.values()]

    async def _fold_known(self, pages: AsyncIterator[list[Any]]) -> tuple[set[str], int]:
        """Folds those of these records that the live generation has.

        A fact that the live generation lacks must arrive as new after the switch, or the service would never
        decide on it.

        Returns:
            The ids of the referrals, and the number of records read.
        """
        touched: set[str] = set()
        count = 0
        async for records in pages:
            count += len(records)
            for start in range(0, len(records), _PAGE):
                touched |= await self._fold_known_page(records[start : start + _PAGE])
        return touched, count

    async def _fold_known_page(self, records: Sequence[Record]) -> set[str]:
        incoming = decode(records).incoming
        of = {
            id(item): aggregate_id(item.received.fact.body.locality, item.received.fact.body.referral_id)
            for item in incoming
        }
        rows = self.live_mongo[REFERRALS].find({"_id": {"$in": list(set(of.values()))}})
        known = {
            row["_id"]: ReferralAggregate.from_document(self._part.part, row).known async for row in rows
        }
        ours = [
            item
            for item in incoming
            if (body := known.get(of[id(item)], {}).get(item.received.fact.key)) is not None
            and same_body(body, item.received.raw)
        ]
        self._folding.take(item.record for item in ours)
        await self._folding.fold(fresh=False)
        return {of[id(item)] for item in ours}


async def _with_last_page(pages: AsyncIterator[list[Any]], last: list[Any]) -> AsyncIterator[list[Any]]:
    async for page in pages:
        yield page
    if last:
        yield last


async def _records_at(
    positions: Collection[RecordPosition], pages: AsyncIterator[list[Any]]
) -> AsyncIterator[list[Any]]:
    async for page in pages:
        yield [record for record in page if _position(record) in positions]


def _position(record: Record) -> RecordPosition:
    return record.topic, record.partition, record.offset
